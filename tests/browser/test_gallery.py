"""The gallery as a person uses it, by mouse and by keyboard."""

import io

import numpy as np
import pandas as pd
import pytest

from lazyrich_dashboard.gallery import page_classes
from tests.browser.reading import address_bar, columns, cut_legends, slider, wait_until

pytestmark = pytest.mark.browser

PAGES = page_classes()
SLUG = "high_dimensional_dynamics"
COURSE, RATIO = "Error while training", "Ratio n/P"


def focused(page):
    """The link, or else the accessible name, of what has the focus, inside whatever shadow roots it is."""
    return page.evaluate(
        """() => {
          let element = document.activeElement;
          while (element.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
          return element.href ?? element.ariaLabel ?? element.innerText;
        }"""
    )


def tab_to(page, wanted, most=60):
    """Press Tab until `wanted` is in what has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if wanted in (focused(page) or ""):
            return
    raise AssertionError(f"{wanted} is not reached by {most} tabs")


def test_the_index_shows_and_finds_papers_and_leads_to_them_by_keyboard_and_back(visit):
    page = visit(place="gallery")
    cards = page.locator("a.card")
    wait_until(lambda: cards.count() == len(PAGES))
    for card, kind in zip(cards.all(), PAGES.values(), strict=True):
        assert card.locator("img").evaluate("image => image.naturalWidth") > 300
        said = card.inner_text()
        assert all(words in said for words in (kind.title, kind.claim, "reproduced", kind.topics[0]))

    field = page.get_by_role("textbox")
    field.press_sequentially("<b>double")
    page.get_by_text("No page has all of the words “<b>double”").wait_for()
    field.fill("")
    field.press_sequentially("double descent")
    wait_until(lambda: cards.count() == 2)

    tab_to(page, f"page={SLUG}")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name=PAGES[SLUG].title).wait_for()
    page.go_back()
    wait_until(lambda: cards.count() == len(PAGES))
    page.go_forward()
    page.get_by_role("heading", name=PAGES[SLUG].title).wait_for()


def test_a_page_follows_its_link_and_its_controls_and_hands_out_what_it_shows(visit, tmp_path):
    page = visit(f"?page={SLUG}&ratio=1.1&snr=1e99&inr=<b>x</b>&stranger=1", "gallery")
    page.get_by_text("got '1e99'").wait_for()
    page.get_by_text("got '<b>x</b>'").wait_for()
    page.get_by_text("measured", exact=True).wait_for()
    before = {part: columns(page, COURSE, part)["y"] for part in ("test, theory", "test")}
    assert all(len(values) > 2 for values in before.values())

    slider(page, RATIO).press("ArrowRight")
    for part, values in before.items():
        wait_until(lambda part=part, values=values: len(now := columns(page, COURSE, part)["y"]) == len(values)
                   and not np.allclose(now, values))  # fmt: skip
    page.get_by_text("got '1e99'").wait_for(state="hidden")
    wait_until(lambda: address_bar(page).endswith(f"?page={SLUG}&ratio=1.35"))
    page.get_by_text("measured", exact=True).wait_for()

    page.get_by_role("button", name="Share").press("Enter")
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="Data of the plots (CSV)").press("Enter")
    assert download.value.suggested_filename == f"{SLUG}.csv"
    download.value.save_as(tmp_path / "table.csv")
    table = pd.read_csv(io.StringIO((tmp_path / "table.csv").read_text()), comment="#")
    rows = table[(table.panel == COURSE) & (table.part == "test")]
    np.testing.assert_allclose(rows.y, columns(page, COURSE, "test")["y"], rtol=1e-6)  # single precision is sent

    page.get_by_role("button", name="Check it here").press("Enter")
    page.get_by_text("on this server", exact=False).wait_for()
    page.get_by_text("✓ reproduced").wait_for()

    page.get_by_role("link", name="Which view answers which question?").click()
    page.get_by_role("link", name="Kernel").first.wait_for()
    page.go_back()
    page.get_by_text("At n/P = 1.35", exact=False).wait_for()


def test_every_control_of_a_page_has_a_name_and_is_reached_by_tab(visit):
    page = visit(f"?page={SLUG}", "gallery")
    names = [kind.label for kind in PAGES[SLUG].param.objects("existing").values() if kind.name != "name"]
    for name in (*names, "Share", "Check it here"):
        tab_to(page, name)


@pytest.mark.parametrize("slug", ["grokking", "more_is_better"], ids=["many entries", "long entries"])
def test_no_legend_is_wider_than_its_plot(visit, slug):
    page = visit(f"?page={slug}", "gallery")
    page.get_by_role("button", name="Check it here").wait_for()
    for width in (1280, 900, 1280):  # and rows that a narrow window needed do not stay
        page.set_viewport_size({"width": width, "height": 720})
        wait_until(lambda: cut_legends(page) == [])
