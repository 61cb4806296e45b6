"""Copies: figures for another document, in a theme's colours.

What a browser has made of a figure's frame, axes and legend comes back to the server: of a dark page they are dark. In
a copy they have the colours of the tokens, and text the size that its page gives it or the theme asks for.
"""

from bokeh.core.serialization import Deserializer, Serializer
from bokeh.model import Model
from bokeh.models import ColorBar, PointDrawTool
from bokeh.plotting import figure as Figure

from .theme import Tokens

_FAINT = 0.25
# What panel-material-ui writes into figures on a page, without which a page has Bokeh's own: the same on both.
_AXIS = {"axis_line_alpha": 0, "major_tick_line_alpha": 0, "minor_tick_line_alpha": 0}
_SIZES = {"axis_label": "1em", "major_label": "0.925em", "label": "0.95em", "title": "0.95em"}


def copied(figure: Figure, tokens: Tokens) -> Figure:
    """Return a figure as it is drawn, of models of its own that have their originals' ids."""
    result = Deserializer().deserialize(Serializer().serialize(figure))
    result.update(background_fill_color=tokens.page, border_fill_color=tokens.page, outline_line_color=tokens.guide)
    # Points that are dragged move something on a page alone.
    result.toolbar.tools = [tool for tool in result.toolbar.tools if not isinstance(tool, PointDrawTool)]
    if isinstance(result.toolbar.active_multi, PointDrawTool):
        result.toolbar.active_multi = "auto"
    for axis in result.axis:
        axis.update(**_AXIS)
    for grid in result.grid:
        grid.update(grid_line_color=tokens.guide, grid_line_alpha=_FAINT)
    bars = list(result.select({"type": ColorBar}))
    for bar in bars:
        bar.background_fill_color = tokens.page
    for model in [*result.axis, *result.legend, *bars]:
        _write(model, tokens)
    return result


def _write(model: Model, tokens: Tokens) -> None:
    """Give a model's text its colour, style and size."""
    for name, size in _SIZES.items():
        if hasattr(model, f"{name}_text_color"):
            values = {
                "color": tokens.theory,
                "font_style": "normal",
                "font_size": f"{tokens.font}px" if tokens.font else size,
            }
            model.update(**{f"{name}_text_{key}": value for key, value in values.items()})
