"""Words within plots: as large as the theme asks, within the frame, and apart from one another."""

import itertools

import pytest

from tests.browser.reading import wait_until, wait_until_trained

pytestmark = pytest.mark.browser

SMALL = "?n_train=32&width=32&time=2&seeds=2"
_FIGURES = "Array.from(Bokeh.documents[0]._all_models.values()).filter(model => model.type == 'Figure')"
_LABELS = f"""() => {_FIGURES}.flatMap(figure => {{
  const plot = Bokeh.index.find_one(figure), words = figure.renderers.filter(one => one.glyph?.type == "Text");
  return plot == null ? [] : words.flatMap(renderer => {{
    const glyph = Bokeh.index.find_one(renderer).glyph, {{left, top, width, height}} = plot.frame.bbox;
    return Array.from(glyph.text, (text, i) => {{
      const {{x, y}} = glyph.anchor_.get(i), [w, h] = [glyph.swidth[i], glyph.sheight[i]];
      const [dx, dy] = [glyph.x_offset.get(i) - x * w - left, glyph.y_offset.get(i) - y * h - top];
      const font = parseFloat(renderer.glyph.text_font_size.value);
      return {{figure: figure.name, text, font, x: glyph.sx[i] + dx, y: glyph.sy[i] + dy, w, h, width, height}};
    }});
  }});
}}).filter(label => label.x != null && isFinite(label.x + label.y) && label.text)"""
_ZOOM = f"""([title, low, high]) => {{
  const {{y_range}} = {_FIGURES}.find(figure => figure.name == title);
  y_range.setv({{start: low, end: high}});
}}"""
_MISFITS = f"""() => {_FIGURES}.map(figure => Bokeh.index.find_one(figure)).filter(plot => plot?.el.offsetHeight)
  .filter(plot => Math.abs(plot.model.outer_height - plot.el.offsetHeight) > 1).map(plot => plot.model.name)"""
_TICKS = f"""([low, high]) => {{
  const {{left, y_range}} = {_FIGURES}.find(figure => figure.name == "Training");
  return Array.from(left[0].ticker.get_ticks(low, high, y_range, NaN).major);
}}"""
_NOISY = "?n_train=32&width=32&seeds=2&noise=0.9&time=300"


def labels(page):
    """The labels that are drawn, with their boxes in pixels of the frame."""
    return page.evaluate(_LABELS)


def is_whole(label):
    return (
        label["x"] >= -1
        and label["y"] >= -1
        and label["x"] + label["w"] <= label["width"] + 1
        and label["y"] + label["h"] <= label["height"] + 1
    )


def meet(one, other):
    sides = (("x", "w"), ("y", "h"))
    return one["figure"] == other["figure"] and all(
        min(one[at] + one[size], other[at] + other[size]) > max(one[at], other[at]) for at, size in sides
    )


@pytest.mark.parametrize(("theme", "font"), [("light", 12), ("projector", 20)])
@pytest.mark.parametrize(
    ("query", "words"),
    [
        (f"{SMALL}&page=Depth&activation=tanh", {"0.25", "1"}),
        (f"{SMALL}&page=Lazy+to+rich", {"unstable", "mup,\nmean_field", "r = 0.25"}),
        (_NOISY, {"▴\nlowest", "100 %"}),
    ],
    ids=["plane of variances", "map of parametrizations", "time to stop"],
)
def test_words_in_plots_have_the_size_of_the_theme_and_are_whole_and_apart(visit, query, words, theme, font):
    page = visit(f"{query}&theme={theme}")
    drawn = wait_until(lambda: words <= {label["text"] for label in labels(page)} and labels(page))
    assert {label["font"] for label in drawn} == {font}
    assert [label["text"] for label in drawn if not is_whole(label)] == []
    pairs = itertools.combinations(drawn, 2)
    assert [(one["text"], other["text"]) for one, other in pairs if meet(one, other)] == []


def lowest(page):
    return next((label for label in labels(page) if "lowest" in label["text"]), None)


def test_the_mark_of_the_lowest_test_loss_stands_on_the_side_that_has_room(visit):
    page = visit(_NOISY)
    source = (
        f"{_FIGURES}.find(figure => figure.name == 'Training').renderers.find(one => one.name == 'lowest test loss')"
    )
    loss = page.evaluate(f"() => {source}.data_source.data.y[0]")
    for low, high, text in ((0.1, 1.02, "▴\nlowest"), (0.98, 10, "lowest\n▾")):
        page.evaluate(_ZOOM, ["Training", low * loss, high * loss])
        wait_until(lambda text=text: (label := lowest(page)) and label["text"] == text and is_whole(label))
    page.evaluate(_ZOOM, ["Training", 2 * loss, 10 * loss])
    wait_until(lambda: lowest(page) is None)  # what it marks is out of sight


def test_a_logarithmic_axis_has_ticks_however_short_it_is(visit):
    page = visit(SMALL)
    for low, high in ((0.2058, 0.2421), (3.02, 4.33), (0.501, 2.2), (2e-5, 2.4e-5), (1e-3, 9.0)):
        ticks = page.evaluate(_TICKS, [low, high])
        assert len(ticks) >= 3 and all(low <= tick <= high for tick in ticks)


def test_plots_give_room_to_sentences_that_have_become_longer(visit):
    page = visit(f"{_NOISY}&theme=projector&scrub=0.6")
    wait_until_trained(page)
    wait_until(lambda: page.evaluate(_MISFITS) == [])
