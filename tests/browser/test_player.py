"""Time moves in the browser: by buttons, slider and keys, without the server, which agrees when it rests."""

import numpy as np
import pytest

from lazyrich_dashboard.link import decode
from lazyrich_dashboard.numerals import numeral
from lazyrich_dashboard.results import theory
from lazyrich_dashboard.timeline import SCRIPT, STEPS, time_label
from tests.browser.reading import choose, columns, slider, wait_until, wait_until_trained

pytestmark = pytest.mark.browser

SMALL = "?n_train=32&width=32&time=2&seeds=2"
_PLAYER = "Array.from(Bokeh.documents[0]._all_models.values()).find(model => model.class_name == 'Player').data"
_MATRIX = """Array.from(Bokeh.documents[0]._all_models.values()).filter(model => model.type == 'Figure')
  .flatMap(figure => figure.renderers).find(renderer => renderer.name == 'matrix').data_source.data.image"""


def wait_for_timelines(page):
    page.wait_for_function(f"() => {_PLAYER}.tracks != null")


def shown_time(page):
    return page.locator("output", has_text=" = ").inner_text()


def learned(page):
    return columns(page, "Function", "theory")["y"]


def learned_in_theory(depth, k):
    known = theory(decode(f"{SMALL}&depth={depth}")[0])
    t = known.times[0] * (known.times[-1] / known.times[0]) ** (k / STEPS)
    return 1 - np.exp(-known.spectrum.values * t / known.n)


def labels_of(depth):
    shown = theory(decode(f"{SMALL}&depth={depth}")[0])
    return [time_label(shown, k) for k in range(STEPS + 1)]


def wait_until_server_says(page, label):
    page.get_by_text(f"At {label} ", exact=False).first.wait_for()


def test_the_browser_writes_times_as_the_server_does(browser):
    page = browser.new_page()
    times = [1.0, 9.995e-5, 1e-4, 3e-9, 0.012345, 0.5, 99.95, 999.4, 999.6, 12345.0, 2e22]
    written = page.evaluate(f"times => {{ {SCRIPT} return times.map(t => timeLabel([t, 2 * t], 0)); }}", times)
    assert written == [f"t = {numeral(time)}" for time in times]
    page.close()


def test_time_plays_without_the_server_and_what_it_then_draws_is_what_was_on_screen(visit):
    page, labels = visit(SMALL), labels_of(2)
    wait_until_trained(page)
    wait_for_timelines(page)
    page.locator("body").press("Home")
    assert shown_time(page) == labels[0]
    np.testing.assert_allclose(learned(page), learned_in_theory(2, 0), rtol=1e-5, atol=1e-7)
    wait_until_server_says(page, labels[0])

    page.evaluate("""() => {
      window.sent = 0;
      const send = WebSocket.prototype.send;
      WebSocket.prototype.send = function (...parts) { window.sent += 1; return send.apply(this, parts); };
    }""")
    page.locator("body").press(" ")
    wait_until(lambda: labels.index(shown_time(page)) > 10)
    assert learned(page)[0] > learned_in_theory(2, 5)[0]
    assert page.evaluate("window.sent") == 0
    assert page.get_by_text(f"At {labels[0]} ", exact=False).count()
    page.locator("body").press(" ")
    at = labels.index(shown_time(page))
    drawn = {part: columns(page, *part) for part in (("Function", "theory"), ("Training", "time t"))}
    assert columns(page, "Training", "time t")["x"][0] > columns(page, "Training", "train: theory")["x"][0]

    wait_until_server_says(page, labels[at])
    assert shown_time(page) == labels[at]
    for part, before in drawn.items():
        np.testing.assert_array_equal(columns(page, *part)["y"], before["y"])
    np.testing.assert_allclose(learned(page), learned_in_theory(2, at), rtol=1e-5, atol=1e-7)


def test_keys_step_but_not_while_typing_and_reduced_motion_leaps(visit):
    page, labels = visit(SMALL), labels_of(2)
    wait_for_timelines(page)
    page.locator("body").press("ArrowLeft")
    assert shown_time(page) == labels[-2]
    page.get_by_role("button", name="Step back").click()
    assert shown_time(page) == labels[-3]
    for key in (" ", "ArrowLeft", "Home"):
        page.get_by_label("Seed", exact=True).press(key)
        assert shown_time(page) == labels[-3]
    assert page.get_by_role("button", name="Play").count()
    page.get_by_role("button", name="Jump to the first step").click()
    page.emulate_media(reduced_motion="reduce")
    page.keyboard.press(" ")
    wait_until(lambda: shown_time(page) != labels[0])
    assert labels.index(shown_time(page)) % (STEPS // 10) == 0
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Jump to the end").click()
    assert shown_time(page) == labels[-1]
    wait_until_server_says(page, labels[-1])


def test_a_control_that_moves_while_time_plays_takes_the_plots_with_it(visit):
    page = visit(SMALL)
    wait_for_timelines(page)
    page.get_by_label("Speed").select_option("0.25")
    page.get_by_role("button", name="Play").click()
    wait_until(lambda: shown_time(page) != labels_of(2)[0])
    slider(page, "Depth L").press("ArrowRight")
    wait_until(lambda: shown_time(page) in labels_of(3) and labels_of(3).index(shown_time(page)) > 10)
    page.get_by_role("button", name="Pause").click()
    at = labels_of(3).index(shown_time(page))
    np.testing.assert_allclose(learned(page), learned_in_theory(3, at), rtol=1e-5, atol=1e-7)
    wait_until_server_says(page, labels_of(3)[at])
    np.testing.assert_allclose(learned(page), learned_in_theory(3, at), rtol=1e-5, atol=1e-7)


def test_the_heat_map_of_the_networks_follows_time(visit):
    page = visit(SMALL)
    wait_until_trained(page)
    page.get_by_role("button", name="Kernel", exact=True).click()
    page.get_by_text("Which points are alike?").wait_for()
    choose(page, 3, "networks, now")
    wait_until(lambda: page.evaluate(f"{_PLAYER}.tracks?.some(track => 'image' in track.columns)"))
    end = page.evaluate(f"Array.from({_MATRIX}[0])")
    page.get_by_role("button", name="Jump to the first step").click()
    start = page.evaluate(f"Array.from({_MATRIX}[0])")
    assert len(start) == 32 * 32
    assert not np.allclose(start, end, rtol=1e-4)
    wait_until(lambda: page.evaluate(f"{_PLAYER}.drawn[1]") == 0)
    assert page.evaluate(f"Array.from({_MATRIX}[0])") == start
