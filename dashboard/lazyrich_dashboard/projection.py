"""Projection: text, lines and markers of a figure in the sizes that its theme asks for."""

from bokeh.models import ColorBar, CustomJS, GlyphRenderer
from bokeh.plotting import figure as Figure

from .theme import Tokens

_SIZES = ("line_width", "size")
# panel-material-ui gives all text its own sizes in the browser, whenever it themes a figure, so they are set there too.
# The figure's tags hold the weight of its lines, the least size of its text, and its legend's columns, 0 for one row.
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


def resize(figure: Figure, tokens: Tokens) -> None:
    """Draw a figure in the sizes of the tokens."""
    weight, _, columns = figure.tags
    figure.tags = [tokens.weight, tokens.font, columns]
    for legend in figure.legend:  # large text has not the room for one row
        legend.ncols = 2 if tokens.font else columns or "auto"
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
