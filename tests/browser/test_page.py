"""The page as a person uses it."""

import functools
import re

import numpy as np
import pytest

import lazyrich as lr
from lazyrich_dashboard.link import decode
from lazyrich_dashboard.theme import DARK, LIGHT
from tests.browser.reading import (
    address_bar,
    choose,
    columns,
    drawn_colour,
    slider,
    wait_until,
    wait_until_open,
    wait_until_trained,
)

pytestmark = pytest.mark.browser

# A few seconds of training in a fraction of one.
SMALL = "?n_train=32&width=32&time=2&seeds=2"


def theory_spectrum(depth, query=SMALL):
    """What the spectrum must show: the core's own eigenvalues, in the single precision that is sent."""
    experiment, _ = decode(query)
    data = experiment.load_data()
    net = lr.Network(depth=depth, width=32)
    return lr.eigensystem(lr.ntk(net, data.x_train)).values / len(data.x_train)


def shows(page, values):
    got = columns(page, "Spectrum", "theory")
    return got is not None and len(got["y"]) == len(values) and np.allclose(got["y"], values, rtol=1e-6)


def test_it_opens_on_a_picture_and_networks_stream_in(visit):
    page = visit()
    for title, part in (
        ("Spectrum", "theory"),
        ("Training", "test: theory"),
        ("Function", "theory"),
        ("Kernel movement", "lazy limit, infinite width"),
    ):
        assert len(columns(page, title, part)["x"]) >= 2, title
    wait_until(lambda: len(columns(page, "Training", "test: nets")["x"]) > 1)
    wait_until_trained(page)
    assert len(columns(page, "Training", "test: nets")["x"]) > 10
    assert columns(page, "Kernel movement", "nets")["y"][-1] > 0


def test_dragging_depth_moves_the_spectrum_before_the_button_is_released(visit):
    page = visit(SMALL)
    assert shows(page, theory_spectrum(2))
    box = slider(page, "Depth L").locator("xpath=ancestor::*[contains(@class, 'MuiSlider-root')]").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 11, middle)  # the thumb at 2 of 1 ... 12
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 5 / 11, middle, steps=8)
    depth = wait_until(lambda: int(slider(page, "Depth L").input_value()) > 3 and slider(page, "Depth L").input_value())
    wait_until(lambda: shows(page, theory_spectrum(int(depth))))  # the button is still down
    page.mouse.up()
    wait_until_trained(page)
    assert shows(page, theory_spectrum(int(slider(page, "Depth L").input_value())))


def test_arrow_keys_move_depth_and_the_networks_follow(visit):
    page = visit(SMALL)
    wait_until_trained(page)
    before = columns(page, "Spectrum", "nets, t = 0")["y"]
    slider(page, "Depth L").press("ArrowRight")
    wait_until(lambda: shows(page, theory_spectrum(3)))
    wait_until_trained(page)
    wait_until(lambda: len(columns(page, "Spectrum", "nets, t = 0")["y"]) > 0)
    after = columns(page, "Spectrum", "nets, t = 0")["y"]
    assert not np.array_equal(before, after)


def test_every_control_can_be_used_and_the_page_lives_on(visit):
    page = visit(SMALL)
    for name in (
        "Points n", "Label noise", "Depth L", "Width N", "Richness γ₀", "Weight variance σ²w", "Bias variance σ²b",
        "Training time", "Time t",
    ):  # fmt: skip
        control = slider(page, name)
        value = control.input_value()
        control.press("ArrowLeft" if name in ("Time t", "Training time") else "ArrowRight")
        wait_until(lambda control=control, value=value: control.input_value() != value)
    for position, option in ((0, "circle"), (1, "erf"), (2, "mup")):
        choose(page, position, option)
    for name, value in (("Step η", "0.05"), ("Networks", "1"), ("Seed", "7")):
        page.get_by_label(name, exact=True).fill(value)
        page.get_by_label(name, exact=True).press("Enter")
    wait_until(lambda: page.get_by_text("1 network of width", exact=False).count())
    wait_until(lambda: columns(page, "Function", "nets") and len(columns(page, "Function", "nets")["x"]))
    assert not page.get_by_role("alert").is_visible()


HOSTILE = (
    ("Seed", "-5", "5", r"seed must be a whole number from 0 to .*; got -5"),
    ("Seed", str(2**40), "5", r"seed must be a whole number from 0 to .*; got 1099511627776"),
    ("Networks", "0", "1", r"seeds must be a whole number from 1 to .*; got 0"),
    ("Step η", "-1", "0.1", r"learning_rate must be a finite number above 0; got -1"),
    ("Step η", "nan", "0.1", r"learning_rate must be a finite number above 0; got nan"),
)


def enter(page, field, value):
    page.get_by_label(field, exact=True).fill(value)
    page.get_by_label(field, exact=True).press("Enter")


def test_a_hostile_value_gets_a_sentence_and_a_good_one_brings_the_plots_back(visit):
    page = visit(SMALL)
    plots = page.get_by_text("How fast do the kernel's eigenvalues decay?")
    for field, value, good, sentence in HOSTILE:
        enter(page, field, value)
        page.get_by_text(re.compile(sentence)).wait_for()
        plots.wait_for(state="hidden")
        enter(page, field, good)
        plots.wait_for()
        page.get_by_text(re.compile(sentence)).wait_for(state="hidden")
        wait_until_trained(page)


def test_a_field_that_holds_no_number_changes_nothing_and_says_so(visit):
    page = visit(SMALL)
    page.get_by_label("Seed").fill("banana")
    page.get_by_label("Seed").press("Enter")
    page.get_by_text("Seed must be a whole number; got 'banana'. Type digits.").wait_for()
    assert shows(page, theory_spectrum(2))
    page.get_by_label("Seed").fill("0")
    page.get_by_label("Seed").press("Enter")
    wait_until(lambda: not page.get_by_text("Type digits.").is_visible())


def test_what_a_link_holds_is_shown_as_text_and_never_run(visit):
    page = visit(SMALL + "&loss=<img src=x onerror='window.run=1'>[x](javascript:1)**&momentum=2")
    page.get_by_text("got \"<img src=x onerror='window.run=1'>[x](javascript:1)**\". Pick one").wait_for()
    page.get_by_text("momentum must be below 1").wait_for()
    assert page.evaluate("window.run") is None
    assert shows(page, theory_spectrum(2))


def test_a_link_whose_kernel_overflows_opens_on_a_sentence_and_a_good_value_brings_the_plots(visit):
    page = visit(SMALL + "&weight_var=1e300")
    page.get_by_text("A kernel must be finite in float64; got an overflow").wait_for()
    slider(page, "Weight variance σ²w").press("Home")
    page.get_by_text("How fast do the kernel's eigenvalues decay?").wait_for()


def test_a_bad_link_opens_all_the_same_and_says_what_it_left_out(visit):
    page = visit(SMALL + "&depth=banana")
    page.get_by_text("depth must be a whole number", exact=False).wait_for()
    assert shows(page, theory_spectrum(2))


def test_scrubbing_time_changes_what_has_been_learned(visit):
    page = visit(SMALL)
    late = columns(page, "Function", "theory")["y"]
    slider(page, "Time t").press("Home")
    wait_until(lambda: (columns(page, "Function", "theory")["y"] < 0.2).all())
    assert (columns(page, "Function", "theory")["y"] <= late + 1e-6).all()


def test_networks_may_start_anywhere_and_theory_has_the_band_of_their_ensemble(visit):
    page = visit("?data=circle&n_train=32&width=32&time=2&seeds=2&scrub=0")
    assert len(columns(page, "Function", "theory ± 2 sd")["x"]) == 0
    page.get_by_role("switch", name="Start at f = 0").click()
    wait_until(lambda: len(columns(page, "Function", "theory ± 2 sd")["x"]) == 512)
    heights = columns(page, "Function", "theory ± 2 sd")["y"]
    assert (heights[256:] - heights[:256][::-1] > 1).all()
    wait_until(lambda: "centred=false" in address_bar(page))
    page.reload()
    wait_until_open(page)
    wait_until(lambda: (band := columns(page, "Function", "theory ± 2 sd")) and len(band["x"]) == 512)
    assert not page.get_by_role("switch", name="Start at f = 0").is_checked()


def shows_coordinates(page, first):
    """Whether the function itself is shown, from about `first` on."""
    shown = columns(page, "Function", "theory")
    return shown is not None and len(shown["x"]) == 256 and abs(shown["x"][0] - first) < 0.1


def test_data_with_one_coordinate_show_the_function_itself(visit):
    page = visit(SMALL)
    for data, first in (("circle", -np.pi), ("regression", -2.0)):
        choose(page, 0, data)
        wait_until(functools.partial(shows_coordinates, page, first))
        assert (np.diff(columns(page, "Function", "theory")["x"]) >= 0).all()
        assert len(columns(page, "Function", "training points")["x"]) == 32


TABS = (
    ("Kernel", "Angular curve", "theory Θ", "nets, t = 0", "Depth L"),
    ("Lazy to rich", "Alignment", "lazy limit", "with labels: nets", "Depth L"),
    ("Depth", "Variance through depth", "theory", "mean", "Weight variance σ²w"),
    ("Learning curves", "Learning curves", "test: theory", "test: measured", "Depth L"),
)


def follow_controls_on_a_tab(page, tab, title, theory, measured, control):
    page.get_by_role("button", name=tab, exact=True).click()
    before = wait_until(lambda: columns(page, title, theory))["y"]
    wait_until(lambda: len(columns(page, title, measured)["x"]) > 1)
    slider(page, control).press("ArrowRight")
    wait_until(lambda: not np.array_equal(columns(page, title, theory)["y"], before))
    wait_until(lambda: len(columns(page, title, measured)["x"]) > 1)


def test_a_tab_shows_its_page_and_the_page_follows_the_controls(visit):
    page = visit(SMALL)
    for tab in TABS:
        follow_controls_on_a_tab(page, *tab)


def test_a_click_on_the_plane_moves_the_sliders(visit):
    page = visit(SMALL)
    page.get_by_role("button", name="Depth", exact=True).click()
    wait_until(lambda: columns(page, "Order and chaos", "this network"))
    page.mouse.click(500, 350)  # between the left and the middle of the plane
    wait_until(lambda: float(slider(page, "Weight variance σ²w").input_value()) < 1.9)
    shown = wait_until(lambda: columns(page, "Order and chaos", "this network"))
    wait_until(
        lambda: np.isclose(
            columns(page, "Order and chaos", "this network")["x"],
            float(slider(page, "Weight variance σ²w").input_value()),
        ).all()
    )
    assert len(shown["x"]) == 1


def test_cancel_stops_the_networks(visit):
    page = visit("?n_train=128&width=512&time=1000&seeds=3&seed=3")
    wait_until(lambda: len(columns(page, "Training", "test: nets")["x"]) > 1)
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("networks cancelled", exact=False).wait_for()
    count = len(columns(page, "Training", "test: nets")["x"])
    page.wait_for_timeout(1500)  # longer than a chunk at this point of the run
    assert len(columns(page, "Training", "test: nets")["x"]) == count


def test_two_tabs_do_not_disturb_each_other(visit):
    first, second = visit(SMALL), visit(SMALL)
    slider(first, "Depth L").press("ArrowRight")
    wait_until(lambda: shows(first, theory_spectrum(3)))
    assert shows(second, theory_spectrum(2))
    assert slider(second, "Depth L").input_value() == "2"


def test_it_fits_a_projector_every_plot_has_room_every_control_a_name_and_the_theme_recolours_the_plots(visit):
    page = visit(SMALL)
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    heights = page.evaluate(
        """Array.from(Bokeh.documents[0]._all_models.values())
           .filter(m => m.type == 'Figure' && m.name && m.name != 'Mode values')
           .map(m => Bokeh.index.find_one(m)?.bbox.height ?? Bokeh.index.get(m)?.bbox?.height)"""
    )
    assert len(heights) == 4 and all(height >= 120 for height in heights), heights
    for role in ("slider", "combobox", "textbox", "button"):
        for control in page.get_by_role(role).all():
            named = control.evaluate(
                "e => e.ariaLabel || e.labels?.length || e.innerText || e.getAttribute('aria-labelledby')"
            )
            assert named, control.evaluate("e => e.outerHTML")
    assert drawn_colour(page, "Training", "train: theory") == LIGHT.train
    page.get_by_role("button", name="theme").click()
    wait_until(lambda: drawn_colour(page, "Training", "train: theory") == DARK.train)
