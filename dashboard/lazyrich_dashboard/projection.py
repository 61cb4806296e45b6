"""Projection: text, lines and markers of a figure in the sizes that its theme asks for."""

from pathlib import Path

from bokeh.models import ColorBar, CustomJS, GlyphRenderer
from bokeh.plotting import figure as Figure

from .theme import Tokens

_SIZES = ("line_width", "size")
# panel-material-ui gives all text its own sizes in the browser, whenever it themes a figure, so they are set there too.
# The figure's tags hold the weight of its lines, the least size of its text, and the most columns of its legend,
# where 0 means any number.
_SET_TEXT = """
const font = figure.tags[1];
const usual = {axis_label: "1em", major_label: "0.925em", label: "0.95em", title: "0.95em"};
for (const model of models) {
  for (const [name, size] of Object.entries(usual)) {
    const property = `${name}_text_font_size`;
    if (property in model.properties) model[property] = font ? `${font}px` : size;
  }
}
"""

_FIT_LEGEND = (Path(__file__).parent / "assets" / "legend.js").read_text()


def keep_text_sizes(figure: Figure, legend_columns: int = 0) -> None:
    """Let the text of a figure keep to the sizes that `resize` asks for."""
    figure.tags = [1.0, 0, legend_columns]
    models = [*figure.axis, *figure.legend, *figure.select({"type": ColorBar})]
    set_text = CustomJS(args={"figure": figure, "models": models}, code=_SET_TEXT)
    figure.js_on_change("tags", set_text)
    for model in models:
        for name in ("axis_label", "major_label", "label", "title"):
            if hasattr(model, f"{name}_text_font_size"):
                model.js_on_change(f"{name}_text_font_size", set_text)
    _fit_legend(figure)


def _fit_legend(figure: Figure) -> None:
    """Let the legend have as many columns as there is room for, in the browser, which knows the widths."""
    fit = CustomJS(args={"figure": figure}, code=_FIT_LEGEND)
    figure.js_on_change("inner_width", fit)
    for legend in figure.legend:
        legend.update(ncols=figure.tags[2] or "auto")
        for name in ("label_text_font_size", "label_text_font", "ncols", "items"):
            legend.js_on_change(name, fit)


def resize(figure: Figure, tokens: Tokens) -> None:
    """Draw a figure in the sizes of the tokens."""
    weight, _, columns = figure.tags
    figure.tags = [tokens.weight, tokens.font, columns]
    if weight != tokens.weight:
        _scale(figure, tokens.weight / weight)


def _scale(figure: Figure, ratio: float) -> None:
    """Scale every glyph once: a legend's renderer shares that of its part."""
    renderers = [renderer for renderer in figure.renderers if isinstance(renderer, GlyphRenderer)]
    states = ("glyph", "nonselection_glyph", "muted_glyph", "selection_glyph")
    glyphs = {id(glyph): glyph for renderer in renderers for glyph in (getattr(renderer, state) for state in states)}
    for glyph in glyphs.values():
        for name in _SIZES:
            if isinstance(size := getattr(glyph, name, None), (int, float)):
                setattr(glyph, name, size * ratio)
