"""The page in a class: phenomena and lessons, links that hide and enlarge, a tablet, and the keyboard alone."""

import functools
import itertools
import re

import pytest

from lazyrich_dashboard.views import PAGES
from tests.browser.reading import columns, slider, wait_until, wait_until_trained

pytestmark = pytest.mark.browser

SMALL = "?n_train=32&width=32&time=2&seeds=2"
# The element that has the focus, its accessible name as far as HTML gives one, and whether a focus ring is drawn.
FOCUSED = """() => {
  let e = document.activeElement;
  while (e?.shadowRoot?.activeElement) e = e.shadowRoot.activeElement;
  if (!e || e === document.body) return null;
  const root = e.getRootNode();
  const by = (e.getAttribute('aria-labelledby') ?? '').split(' ').map(id => root.getElementById?.(id)?.innerText ?? '');
  const name = [e.ariaLabel, ...by, ...Array.from(e.labels ?? []).map(l => l.innerText), e.innerText, e.title]
    .filter(Boolean).join(' ').trim();
  // A Bokeh canvas can have no name (bokeh#12259); its summary stands beneath it.
  if (e.classList.contains('bk-events')) return {name: 'plot', what: '', role: 'plot'};
  return {name, what: e.outerHTML.slice(0, 120), role: e.getAttribute('role') ?? e.type ?? e.tagName};
}"""


def test_a_lesson_goes_on_by_keyboard_and_a_link_opens_its_step(visit):
    page = visit("?lesson=lazy_and_rich&step=2")
    page.get_by_text("2 of 6: Fewer units").wait_for()
    page.get_by_role("button", name="Open drawer").click()  # closed, as the lesson stands beside the plots
    assert slider(page, "Width N").input_value() == "4"  # of the widths, 256
    page.get_by_role("button", name="Move less").press("Enter")
    page.get_by_text("You said: Move less. It is: Move more.").wait_for()
    wait_until(lambda: slider(page, "Width N").input_value() == "1")
    page.get_by_role("button", name="Next").press("Enter")
    page.get_by_text("3 of 6: Another parametrization").wait_for()
    link = page.get_by_role("link", name="Link to this step")
    assert link.get_attribute("href") == "?lesson=lazy_and_rich&step=3"
    page.wait_for_function("() => location.search.includes('lesson=lazy_and_rich&step=3')")
    page.reload()
    page.get_by_text("3 of 6: Another parametrization").wait_for()


def test_bad_names_get_sentences_and_a_phenomenon_opens(visit):
    page = visit(SMALL + "&lesson=<b>no</b>&hide=seed,sead&ui=wild&theme=pink")
    for sentence in ("lesson must be one of", "got 'sead'", "ui must be one of", "theme must be one of"):
        page.get_by_text(sentence).wait_for()
    bar = page.locator(".lr-control-time_bar").bounding_box()
    assert bar["y"] + bar["height"] <= page.viewport_size["height"]  # the plots make room for the sentences
    assert not page.get_by_label("Seed", exact=True).is_visible()
    page.get_by_role("button", name="Phenomena and lessons").click()
    page.get_by_role("button", name="The edge of chaos").click()
    wait_until(lambda: columns(page, "Order and chaos", "this network"))
    page.get_by_role("button", name="Phenomena and lessons").click()  # closed again, so that the controls come back
    page.get_by_role("button", name="Reset").click()
    page.get_by_role("button", name="New seed").click()
    assert slider(page, "Weight variance σ²w").input_value() == "3"


def test_a_projector_a_collapsed_side_bar_and_a_tablet_leave_room_for_the_plots(visit):
    page = visit(SMALL + "&theme=projector")
    heading = page.locator("h2", has_text="Kernel movement")
    heading.wait_for()
    assert heading.evaluate("e => parseFloat(getComputedStyle(e).fontSize)") >= 20
    page.get_by_role("button", name="Projector").click()
    wait_until(lambda: heading.evaluate("e => parseFloat(getComputedStyle(e).fontSize)") < 20)
    left = page.locator("h2", has_text="Spectrum")
    before = heading.bounding_box()["x"] - left.bounding_box()["x"]
    page.get_by_role("button", name="Close drawer").click()
    wait_until(lambda: heading.bounding_box()["x"] - left.bounding_box()["x"] > before + 100)
    page.get_by_role("button", name="Open drawer").click()
    page.set_viewport_size({"width": 768, "height": 1024})
    wait_until(lambda: heading.bounding_box()["x"] == left.bounding_box()["x"])
    assert page.evaluate("document.documentElement.scrollWidth") <= 768


@pytest.mark.parametrize(
    ("theme", "width", "height"), [("light", 768, 1024), ("projector", 1024, 768)], ids=["tablet", "projector"]
)
def test_headings_choices_tools_and_tabs_stand_clear_of_one_another(visit, theme, width, height):
    page = visit(f"{SMALL}&theme={theme}")
    page.set_viewport_size({"width": width, "height": height})
    for name, kinds in PAGES.items():
        page.get_by_role("button", name=name, exact=True).click()
        wait_until(functools.partial(shows_views, page, sum(map(len, kinds))))
        wait_until(lambda: not overlapping(around(page)))
        wait_until(lambda: not overlapping(headings(page)))


def shows_views(page, count):
    return page.get_by_role("toolbar").count() == count


def headings(page):
    return page.locator("h2"), page.get_by_role("toolbar"), page.locator(".lr-view").get_by_role("combobox")


def around(page):
    """What stands above and below the plots."""
    buttons = [page.get_by_role("button", name=name, exact=True) for name in (*PAGES, "Pin", "Share", "Cancel")]
    return *buttons, page.get_by_role("combobox", name="Speed"), page.get_by_text("networks of width")


def overlapping(locators):
    """Pairs of places on the page of which one covers a part of the other."""
    boxes = [box for locator in locators for one in locator.all() if (box := one.bounding_box()) and box["x"] >= 280]
    assert len(boxes) > 1
    return [(one, other) for one, other in itertools.combinations(boxes, 2) if meet(one, other)]


def meet(one, other):
    sides = (("x", "width"), ("y", "height"))
    # Neighbours may share an edge.
    return all(min(one[x] + one[w], other[x] + other[w]) - max(one[x], other[x]) > 1 for x, w in sides)


def test_tab_reaches_every_control_and_each_has_a_name(visit):
    page = visit(SMALL)
    wait_until_trained(page)
    seen = []
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused is None:
            break
        assert focused["name"], focused
        seen.append(focused["name"])
    for name in ("Close drawer", "Phenomena and lessons", "Reset", "New seed", "Projector", "Toggle theme", "Data set",
                 "Points n", "Depth L", "Parametrization", "Training time", "Seed", "Dynamics", "Time t"):  # fmt: skip
        assert any(re.search(re.escape(name), got) for got in seen), (name, seen)
