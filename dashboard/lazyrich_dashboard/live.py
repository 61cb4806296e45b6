"""Live plots: declared once in HoloViews, rendered once to Bokeh, then patched.

A HoloViews redraw costs tens of milliseconds on the server; replacing the columns of a Bokeh data source costs one. So
`Live` renders the parts of a plot once, finds each again by its label, and replaces its columns on every update.
Nothing is added or removed after the first drawing.
"""

from typing import Any, cast

import holoviews as hv
import numpy as np
import panel as pn
from bokeh.core.serialization import Deserializer, Serializer
from bokeh.models import ColorBar, ColumnDataSource, CustomJS, CustomJSTicker, GlyphRenderer
from bokeh.plotting import figure
from holoviews.plotting.bokeh.element import ElementPlot

from . import pinned
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


# A click on the legend mutes its own renderer; this is the one in the plot.
_MUTE = "const shown = renderers[cb_obj.item.label.value]; shown.muted = !shown.muted"


class Live:
    """A plot on screen.

    Args:
        parts: marks with distinct labels.
        x: horizontal axis.
        y: vertical axis.
        pinnable: labels of lines and points whose pinned curves can be shown too.
        shared: another plot of the same parts, whose data this one shows.
        legend_columns: of a legend that has not the room for one row; 0 where it has.
    """

    def __init__(
        self, parts: tuple[Part, ...], x: Axis, y: Axis, pinnable: tuple[str, ...] = (), shared: "Live | None" = None,
        legend_columns: int = 0,
    ):  # fmt: skip
        """Render the parts, with nothing to show yet."""
        plot = hv.renderer("bokeh").get_plot(draw(parts, x, y))
        self.figure = plot.state
        self.figure.toolbar.autohide = True
        keep_text_sizes(self.figure, legend_columns)
        # A few thousand points are drawn faster without WebGL, whose start and read-back cost more than they save.
        self.figure.output_backend = "canvas"
        for axis, dimension in ((x, "x"), (y, "y")):
            if axis.log:
                ticker = CustomJSTicker(major_code=_LOG_TICKS)
                getattr(self.figure, f"{dimension}axis").ticker = ticker
                getattr(self.figure, f"{dimension}grid").ticker = ticker
        self._downwards = y.downwards
        self._framed: Any = None
        self.is_patching = False  # while it is not, columns that change were changed in the browser
        self._roles = {part.label: part.role for part in parts}
        self.ahead: set[str] = set()  # parts of which the browser has newer columns than the server
        self._renderers: dict[str, GlyphRenderer] = {}
        for part in plot.traverse(lambda p: p, [ElementPlot]):
            if "glyph_renderer" in part.handles:
                renderer = self._renderers[part.current_frame.label] = part.handles["glyph_renderer"]
                renderer.name = part.current_frame.label
        self._give_the_legend_its_own()
        for part in parts:
            if part.label in pinnable:
                self._add_pinned(part)
        if shared is not None:
            for label, renderer in self._renderers.items():
                renderer.data_source = shared.source(label)
        self.pane = pn.pane.Bokeh(self.figure, sizing_mode="stretch_both", min_height=150, styles={"font-size": "12px"})

    def _give_the_legend_its_own(self) -> None:
        """Let the legend show renderers with one mark that is not drawn.

        Of a part with no marks it would show no symbol, and it would be built anew whenever the data change, which
        makes it flicker while time plays.
        """
        for legend in self.figure.legend:
            for item in legend.items:
                item.renderers = [
                    GlyphRenderer(
                        data_source=ColumnDataSource(dict(shown.data_source.data)), glyph=shown.glyph, name="legend"
                    )
                    for shown in item.renderers
                ]
                self.figure.renderers.extend(item.renderers)
            legend.js_on_event("legend_item_click", CustomJS(args={"renderers": self._renderers}, code=_MUTE))

    def _add_pinned(self, part: Part) -> None:
        """Add one glyph for the pinned curves of a part; in Bokeh, since HoloViews takes a hundred times as long."""
        label = pinned.name(part.label)
        if part.kind == "line":
            empty = ColumnDataSource({"xs": [], "ys": [], "dash": []})
            style = {"line_dash": "dash", "line_width": 1.25, "line_alpha": 0.8}
            renderer = self.figure.multi_line("xs", "ys", source=empty, **style)
        else:
            empty = ColumnDataSource({"x": [], "y": [], "marker": []})
            style = {"marker": "marker", "size": 5, "fill_alpha": 0, "line_alpha": 0.8}
            renderer = self.figure.scatter("x", "y", source=empty, **style)
        renderer.name, self._renderers[label], self._roles[label] = label, renderer, part.role

    def source(self, label: str) -> ColumnDataSource:
        """Return the data source of a part."""
        return cast(ColumnDataSource, self._renderers[label].data_source)

    def renderer(self, label: str) -> GlyphRenderer:
        """Return the renderer of a part."""
        return self._renderers[label]

    def patch(self, columns: Columns) -> None:
        """Replace the columns of every part named; floats go over the wire in single precision."""
        self.is_patching = True
        for label, values in columns.items():
            if label in self.ahead:
                continue
            self.source(label).data = {name: _compact(column) for name, column in values.items()}
        self.is_patching = False

    def frame(self, x: tuple[float, float], y: tuple[float, float]) -> None:
        """Set both axis ranges, unless they are those set last: a visitor may have zoomed since."""
        if (x, y) == self._framed:
            return
        self._framed = (x, y)
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
            _recolour(self._renderers[label], tokens.colour(role))

    def copy(self, tokens: Tokens) -> figure:
        """Return the figure as it is drawn, in a theme's colours and in models of its own, for another document."""
        result = Deserializer().deserialize(Serializer().serialize(self.figure))
        for renderer in result.renderers:
            if renderer.name in self._roles:
                _recolour(renderer, tokens.colour(self._roles[renderer.name]))
        return result


def _recolour(renderer: GlyphRenderer, colour: str) -> None:
    glyphs = (renderer.glyph, renderer.nonselection_glyph, renderer.muted_glyph, renderer.selection_glyph)
    for glyph in glyphs:
        for name in ("line_color", "fill_color", "hatch_color", "text_color"):
            if getattr(glyph, name, None) is not None:
                setattr(glyph, name, colour)


def _compact(column: Any) -> Any:
    if isinstance(column, list):  # of images or of lines
        return [_compact(entry) for entry in column]
    if isinstance(column, str):
        return column
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
