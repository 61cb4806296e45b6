"""Web pages of views, opened from a file with no network."""

import subprocess
import sys

import numpy as np
import pytest

from lazyrich_dashboard.theme import DARK, LIGHT
from tests.browser.reading import columns, drawn_colour, wait_until, wait_until_open, wait_until_trained
from tests.browser.test_share import SMALL, press, saved
from tests.dashboard.examples import SMALL as EXPERIMENT

pytestmark = pytest.mark.browser

_MODELS = "Array.from(Bokeh.documents[0]._all_models.values())"
_WORDS = f"() => {_MODELS}.find(m => m.type == 'GlyphRenderer' && m.name == 'words').data_source.data.text"
_SUMMARIES = "() => Array.from(document.querySelectorAll('.summary'), one => getComputedStyle(one).opacity)"
_COLOURS = f"""() => {{
  const figures = {_MODELS}.filter(m => m.type == 'Figure');
  const axes = figure => figure.below.map(axis => axis.axis_label_text_color);
  const of = figure => [figure.background_fill_color, figure.border_fill_color, ...axes(figure)];
  return figures.map(of);
}}"""


@pytest.fixture
def read(browser):
    """Open a file where there is no network; at the end nothing may have gone wrong."""
    wrong, context = [], browser.new_context(offline=True, viewport={"width": 1280, "height": 720})

    def open_file(path):
        page = context.new_page()
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("requestfailed", lambda request: wrong.append(f"request to {request.url}"))
        page.goto(path.as_uri())
        wait_until_open(page)
        return page

    yield open_file
    context.close()
    assert wrong == []


def test_a_page_of_four_views_plays_all_of_them_through_time(read, tmp_path):
    source, out = tmp_path / "x.json", tmp_path / "x.html"
    source.write_text(EXPERIMENT.to_json())
    command = [sys.executable, "-m", "lazyrich_dashboard", "export", str(source), "--out", str(out)]
    subprocess.run(command, check=True, capture_output=True)
    page = read(out)
    end = {title: columns(page, title, "time t")["x"][0] for title in ("Training", "Kernel movement")}
    learned, words = columns(page, "Function", "theory")["y"], page.evaluate(_WORDS)
    page.get_by_text(f"t = {EXPERIMENT.training.time:.3g}", exact=True).wait_for()
    assert page.evaluate(_SUMMARIES) == ["1"] * 4

    page.get_by_role("button", name="Play").click()
    wait_until(lambda: 0 < columns(page, "Training", "time t")["x"][0] < end["Training"] / 5)
    page.get_by_role("button", name="Pause").click()
    now = {title: columns(page, title, "time t")["x"][0] for title in end}
    assert now["Kernel movement"] == now["Training"] < end["Training"]
    assert (columns(page, "Function", "theory")["y"] < learned).all()
    assert page.evaluate(_WORDS) != words
    page.get_by_text(f"t = {now['Training']:.3g}", exact=True).wait_for()
    assert page.evaluate(_SUMMARIES) == ["0.4"] * 4
    # Nothing is cut off at the side, and the four plots are seen at once.
    boxes = [box.bounding_box() for box in page.locator(".figures > :first-child").all()]
    assert len(boxes) == 4 and all(box["width"] > 300 and box["height"] > 200 for box in boxes)
    assert max(box["x"] + box["width"] for box in boxes) <= 1280
    assert max(box["y"] + box["height"] for box in boxes) <= 680


@pytest.mark.parametrize(("theme", "tokens"), [("light", LIGHT), ("dark", DARK)], ids=["light", "dark"])
def test_the_page_of_a_view_has_the_colours_that_the_view_had(visit, read, tmp_path, theme, tokens):
    page = visit(f"{SMALL}&theme={theme}&mode=2")
    wait_until_trained(page)
    press(page, "Function: Data and files")
    alone = read(saved(page, "Web page", tmp_path))
    # The plot, the modes' pictures, and the values of the one that is marked.
    page = [tokens.page, tokens.page]
    assert sorted(alone.evaluate(_COLOURS)) == [page] + 2 * [[*page, tokens.theory]]  # pictures have no axes
    assert drawn_colour(alone, "Function", "theory") == tokens.theory
    red, green, blue = (int(tokens.page[i : i + 2], 16) for i in (1, 3, 5))
    background = alone.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert background == f"rgb({red}, {green}, {blue})"
    np.testing.assert_array_equal(columns(alone, "Function", "mode")["x"], [2, 2])
