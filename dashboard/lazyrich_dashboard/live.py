"""Live plots: declared once in HoloViews, rendered once to Bokeh, then patched.

A HoloViews redraw costs tens of milliseconds on the server; replacing the columns of a Bokeh data source costs one. So
`Live` renders the parts of a plot once, finds each again by its label, and replaces its columns on every update.
Nothing is added or removed after the first drawing.
"""

from typing import Any, cast

import holoviews as hv
import numpy as np
import panel as pn
from bokeh.models import ColorBar, ColumnDataSource, CustomJSTicker, GlyphRenderer
from holoviews.plotting.bokeh.element import ElementPlot

from .marks import Axis, Columns, Part, draw
from .projection import keep_text_sizes, resize
from .theme import Tokens

# Bokeh's own ticker for logarithmic axes labels one end of an axis that spans less than two decades.
_LOG_TICKS = """
const [low, high] = [cb_data.start, cb_data.end];
const decades = Math.log10(high / low);
const stride = Math.max(1, Math.ceil(decades / 6));
const digits = decades > 2.5 ? [1] : decades > 1.2 ? [1, 3] : decades > 0.5 ? [1, 2, 3, 5] : [1, 1.5, 2, 3, 4, 5, 6, 8];
const ticks = [];
for (let k = Math.floor(Math.log10(low)); k <= Math.log10(high); k++) {
  if (k % stride == 0) ticks.push(...digits.map(d => d * 10 ** k).filter(t => t >= low && t <= high));
}
return ticks;
"""


class Live:
    """A plot on screen.

    Args:
        parts: marks with distinct labels.
        x: horizontal axis.
        y: vertical axis.
    """

    def __init__(self, parts: tuple[Part, ...], x: Axis, y: Axis):
        """Render the parts, with nothing to show yet."""
        plot = hv.renderer("bokeh").get_plot(draw(parts, x, y))
        self.figure = plot.state
        self.figure.toolbar.autohide = True
        keep_text_sizes(self.figure)
        # A few thousand points are drawn faster without WebGL, whose start and read-back cost more than they save.
        self.figure.output_backend = "canvas"
        for axis, dimension in ((x, "x"), (y, "y")):
            if axis.log:
                ticker = CustomJSTicker(major_code=_LOG_TICKS)
                getattr(self.figure, f"{dimension}axis").ticker = ticker
                getattr(self.figure, f"{dimension}grid").ticker = ticker
        self._downwards = y.downwards
        self._roles = {part.label: part.role for part in parts}
        self._renderers: dict[str, GlyphRenderer] = {}
        for part in plot.traverse(lambda p: p, [ElementPlot]):
            if "glyph_renderer" in part.handles:
                renderer = self._renderers[part.current_frame.label] = part.handles["glyph_renderer"]
                renderer.name = part.current_frame.label
        self.pane = pn.pane.Bokeh(self.figure, sizing_mode="stretch_both", min_height=150, styles={"font-size": "12px"})

    def source(self, label: str) -> ColumnDataSource:
        """Return the data source of a part."""
        return cast(ColumnDataSource, self._renderers[label].data_source)

    def patch(self, columns: Columns) -> None:
        """Replace the columns of every part named; floats go over the wire in single precision."""
        for label, values in columns.items():
            self.source(label).data = {name: _compact(column) for name, column in values.items()}

    def frame(self, x: tuple[float, float], y: tuple[float, float]) -> None:
        """Set both axis ranges."""
        y = (y[1], y[0]) if self._downwards else y
        for axis, (start, end) in ((self.figure.x_range, x), (self.figure.y_range, y)):
            axis.update(start=start, end=end, reset_start=start, reset_end=end)

    def label_axes(self, label: str) -> None:
        """Name both axes anew."""
        self.figure.xaxis.axis_label = self.figure.yaxis.axis_label = label

    def colours(self, label: str, values: tuple[float, float], title: str) -> None:
        """Set the values at both ends of an image's colours, and what they are."""
        renderer = self._renderers[label]
        renderer.glyph.color_mapper.update(low=values[0], high=values[1])
        for bar in self.figure.select({"type": ColorBar}):
            bar.title = title

    def recolour(self, tokens: Tokens) -> None:
        """Draw every part in its role's colour, and all in the theme's sizes."""
        resize(self.figure, tokens)
        for label, role in self._roles.items():
            renderer = self._renderers[label]
            for glyph in (
                renderer.glyph,
                renderer.nonselection_glyph,
                renderer.muted_glyph,
                renderer.selection_glyph,
            ):
                for name in ("line_color", "fill_color", "hatch_color", "text_color"):
                    if getattr(glyph, name, None) is not None:
                        setattr(glyph, name, tokens.colour(role))


def _compact(column: Any) -> Any:
    if isinstance(column, list):  # of images
        return [_compact(image) for image in column]
    array = np.asarray(column)
    return array.astype(np.float32) if array.dtype == np.float64 else array


def band(x: np.ndarray, low: np.ndarray, high: np.ndarray) -> dict[str, np.ndarray]:
    """Return the outline of a band as columns of an `hv.Area`: along the lower edge and back along the upper one."""
    return {"x": np.concatenate([x, x[::-1]]), "y": np.concatenate([low, high[::-1]])}


def padded(values: Any, log: bool, floor: float = 0.0, pad: float = 0.06) -> tuple[float, float]:
    """Return an axis range around the finite values; a log axis leaves out values not above `floor`."""
    values = np.concatenate([np.ravel(np.asarray(v, dtype=np.float64)) for v in values])
    values = values[np.isfinite(values) & ((values > floor) if log else True)]
    if not len(values):
        return (0.1, 1.0) if log else (0.0, 1.0)
    low, high = values.min(), values.max()
    if log:
        ratio = max(high / low, 1.2) ** pad
        return float(low / ratio), float(high * ratio)
    margin = pad * (high - low) or 0.1 * abs(high) or 1.0
    return float(low - margin), float(high + margin)
