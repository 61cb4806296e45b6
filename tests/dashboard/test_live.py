"""Live plots: drawn once, every part found again by its label, patched and recoloured."""

import dataclasses

import holoviews as hv
import numpy as np
import pytest

from lazyrich_dashboard.live import Live, are_equal, band, padded
from lazyrich_dashboard.marks import Axis, Part, draw
from lazyrich_dashboard.theme import DARK, LIGHT, Tokens, tokens

PARTS = (
    Part("range", "band", "train", legend=False),
    Part("a line", "line", "theory"),
    Part("dashed", "dashes", "target"),
    Part("dots", "points", "test"),
    Part("circles", "rings", "trained"),
    Part("now", "rule", "guide", legend=False),
)
LABELS = [part.label for part in PARTS]
PAGES = {"light": LIGHT, "dark": DARK}
FIELDS = dataclasses.fields(Tokens)
ROLES = [field.name for field in FIELDS if field.type in (str, "str") and field.name != "page"]  # the others are sizes


@pytest.fixture
def live():
    return Live(PARTS, Axis("x (points)", log=True), Axis("y (units)"))


def drawn(live: Live):
    """The renderers of the parts; the legend has renderers of its own."""
    return [renderer for renderer in live.figure.renderers if renderer.name != "legend"]


def luminance(colour: str) -> float:
    """Relative luminance of an sRGB colour (WCAG 2.2)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours (WCAG 2.2), from 1 to 21."""
    darker, lighter = sorted([luminance(one), luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("label", LABELS)
def test_a_part_is_found_by_its_label_and_can_be_patched_without_touching_the_others(live, label):
    before = {other: dict(live.source(other).data) for other in LABELS if other != label}
    live.patch({label: {"x": np.array([1.0, 2.0, 4.0]), "y": np.array([0.5, 0.25, 0.125])}})
    assert list(live.source(label).data["x"]) == [1.0, 2.0, 4.0]
    assert list(live.source(label).data["y"]) == [0.5, 0.25, 0.125]
    for other, data in before.items():
        assert live.source(other).data == data


def test_a_pinned_curve_has_a_renderer_from_when_there_is_one_in_the_colour_of_its_part_and_theme():
    live = Live(PARTS, Axis("x (points)", log=True), Axis("y (units)"), pinnable=("a line", "dots"))
    live.recolour(DARK)
    before = len(live.figure.renderers)
    line = {"xs": [np.array([1.0, 2.0])], "ys": [np.array([3.0, 4.0])], "dash": ["2 2"]}
    points = {"x": np.array([]), "y": np.array([]), "marker": []}
    live.patch({"pinned a line": line, "pinned dots": points})
    assert len(live.figure.renderers) == before + 1
    assert live.renderer("pinned a line").glyph.line_color == DARK.colour("theory")
    assert live.copy(LIGHT).renderers[-1].glyph.line_color == LIGHT.colour("theory")
    live.recolour(LIGHT)
    assert live.renderer("pinned a line").glyph.line_color == LIGHT.colour("theory")
    live.patch({"pinned a line": {"xs": [], "ys": [], "dash": []}})
    assert live.source("pinned a line").data["xs"] == []


def test_every_part_has_a_renderer_of_its_own_that_carries_its_name(live):
    assert sorted(renderer.name for renderer in drawn(live)) == sorted(LABELS)
    assert len({live.source(label).id for label in LABELS}) == len(LABELS)


def test_a_glyph_reads_the_columns_that_are_patched(live):
    for renderer in drawn(live):
        assert {renderer.glyph.x, renderer.glyph.y} == {"x", "y"}
        assert set(renderer.data_source.data) >= {"x", "y"}


def test_floats_travel_in_single_precision_and_whole_numbers_unchanged(live):
    live.patch({"a line": {"x": np.array([1, 2]), "y": np.array([0.1, 0.2])}})
    assert live.source("a line").data["x"].dtype.kind == "i"
    assert live.source("a line").data["y"].dtype == np.float32


def test_axes_have_their_labels_and_scales(live):
    assert live.figure.xaxis[0].axis_label == "x (points)"
    assert live.figure.yaxis[0].axis_label == "y (units)"
    assert type(live.figure.x_scale).__name__ == "LogScale"
    assert type(live.figure.y_scale).__name__ == "LinearScale"


def test_the_ranges_can_be_set_and_the_reset_button_returns_to_them(live):
    live.frame((1.0, 50.0), (-1.0, 2.0))
    for axis, ends in ((live.figure.x_range, (1.0, 50.0)), (live.figure.y_range, (-1.0, 2.0))):
        assert (axis.start, axis.end) == ends
        assert (axis.reset_start, axis.reset_end) == ends


def test_the_legend_names_the_parts_that_ask_for_it(live):
    named = {item.label.value for legend in live.figure.legend for item in legend.items}
    assert named == {part.label for part in PARTS if part.legend}


def test_the_legend_has_a_symbol_for_every_part_in_its_colour_whether_it_has_marks_or_none(live):
    live.patch({"dots": {"x": np.array([]), "y": np.array([])}})
    for item in live.figure.legend[0].items:
        (symbol,) = item.renderers
        (shown,) = [renderer for renderer in drawn(live) if renderer.name == item.label.value]
        assert symbol in live.figure.renderers
        assert symbol.glyph is shown.glyph
        assert symbol.data_source is not shown.data_source
        assert np.isnan(symbol.data_source.data["x"]).tolist() == [True]


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
def test_every_part_takes_the_colour_of_its_role(live, theme):
    live.recolour(DARK if theme is LIGHT else LIGHT)
    live.recolour(theme)
    roles = {part.label: part.role for part in PARTS}
    for renderer in drawn(live):
        glyph = renderer.glyph
        shown = {getattr(glyph, name) for name in ("line_color", "fill_color") if getattr(glyph, name, None)}
        assert shown == {theme.colour(roles[renderer.name])}


def test_the_same_parts_can_be_drawn_with_their_columns():
    x = np.array([1.0, 2.0, 3.0])
    columns = {"a line": {"x": x, "y": x**2}, "range": band(x, x, 2 * x)}
    overlay = draw(PARTS, Axis("x"), Axis("y"), columns)
    elements = {element.label: element for element in overlay}
    np.testing.assert_array_equal(elements["a line"].dimension_values("y"), x**2)
    np.testing.assert_array_equal(elements["range"].dimension_values("y2"), 2 * x)
    assert hv.renderer("bokeh").get_plot(overlay).state.renderers


@pytest.mark.parametrize(
    ("new", "same"),
    [
        ({"x": np.array([1, 2], np.float32), "text": ["a", "b"], "image": [np.zeros((2, 3))]}, True),
        ({"x": np.array([1, 3], np.float32), "text": ["a", "b"], "image": [np.zeros((2, 3))]}, False),
        ({"x": np.array([1, 2], np.float32), "text": ["a", "c"], "image": [np.zeros((2, 3))]}, False),
        ({"x": np.array([1, 2], np.float32), "text": ["a", "b"], "image": []}, False),
        ({"x": np.array([1, 2], np.float32)}, False),
    ],
)
def test_columns_are_equal_when_all_their_entries_are(new, same):
    old = {"x": np.array([1.0, 2.0]), "text": ["a", "b"], "image": [np.zeros((2, 3), np.float32)]}
    assert are_equal(new, old) == same


def test_a_band_runs_along_its_lower_edge_and_back_along_the_upper_one():
    got = band(np.array([1.0, 2.0]), np.array([0.1, 0.2]), np.array([0.5, 0.6]))
    assert list(got["x"]) == [1.0, 2.0, 2.0, 1.0]
    assert list(got["y"]) == [0.1, 0.2, 0.6, 0.5]


def test_a_band_of_nothing_is_empty():
    got = band(*(np.array([]),) * 3)
    assert len(got["x"]) == len(got["y"]) == 0


BAD = [np.nan, np.inf, -np.inf]


@pytest.mark.parametrize(
    "values", [[], [1.0], [2.0, 2.0], [1.0, 3.0], [0.0, 0.0], [0.0, 1e-9], [-5.0, -1.0], BAD, [*BAD, 1.0, 2.0]], ids=str
)
@pytest.mark.parametrize("log", [False, True], ids=["linear", "log"])
def test_a_range_is_finite_increasing_and_holds_every_value_that_can_be_drawn(values, log):
    low, high = padded([np.array(values)], log=log)
    assert np.isfinite([low, high]).all()
    assert low < high
    if log:
        assert low > 0
    for value in values:
        if np.isfinite(value) and (value > 0 or not log):
            assert low <= value <= high


def test_a_range_spans_all_of_its_columns_and_leaves_out_what_is_below_the_floor():
    low, high = padded([np.array([1e-9, 1.0]), np.array([100.0])], log=True, floor=1e-3)
    assert 1e-3 < low <= 1.0
    assert 100.0 <= high < 1000.0


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("page", list(PAGES))
def test_a_colour_stands_out_from_its_page(page, role):
    theme = PAGES[page]
    # WCAG 2.2, 1.4.11: graphical objects need 3:1 to what is beside them.
    assert contrast(theme.colour(role), theme.page) >= 3.0


def test_the_dark_page_has_the_dark_tokens():
    assert tokens(True) is DARK
    assert tokens(False) is LIGHT
    assert (LIGHT.page, DARK.page) == ("#ffffff", "#121212")  # panel-material-ui's
    assert contrast("#ffffff", "#000000") == pytest.approx(21.0)
