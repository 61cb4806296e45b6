"""Live plots: declared once in HoloViews, rendered once to Bokeh, then patched.

A HoloViews redraw costs tens of milliseconds on the server; replacing the columns of a Bokeh data source costs one. So
a plot is a tuple of parts; `draw` makes a HoloViews overlay of them, `Live` renders that once, finds each part again by
its label, and replaces its columns on every update. A part that has nothing to show has empty columns; nothing is added
or removed after the first drawing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import holoviews as hv
import holoviews.plotting.bokeh  # registers the backend; hv.extension would also print into a notebook
import numpy as np
import panel as pn
from bokeh.models import ColumnDataSource, CustomJSTicker, GlyphRenderer
from holoviews.plotting.bokeh.element import ElementPlot

from .theme import LIGHT, Tokens

hv.Store.set_current_backend("bokeh")

Columns = Mapping[str, Mapping[str, Any]]

_NOTHING = {"x": [np.nan], "y": [np.nan]}
_STYLES: dict[str, dict[str, Any]] = {
    "line": {"line_width": 2},
    "dashes": {"line_width": 1.5, "line_dash": "dashed"},
    "rule": {"line_width": 1.5, "line_dash": "dotted"},
    "points": {"size": 5},
    "rings": {"size": 6, "fill_alpha": 0},
    "band": {"fill_alpha": 0.2, "line_alpha": 0},
}
_ELEMENTS = {"points": hv.Scatter, "rings": hv.Scatter, "band": hv.Area}


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


@dataclass(frozen=True)
class Part:
    """One labelled mark of a plot: its kind (a key of `_STYLES`), its colour role, and whether the legend names it."""

    label: str
    kind: str
    role: str
    legend: bool = True


@dataclass(frozen=True)
class Axis:
    """An axis: its label with units, and whether it is logarithmic."""

    label: str
    log: bool = False


def draw(parts: tuple[Part, ...], x: Axis, y: Axis, columns: Columns | None = None) -> hv.Overlay:
    """Return the parts as a HoloViews overlay; those without columns get one point that is not drawn."""
    columns = columns or {}
    elements = [_element(part, columns.get(part.label, _NOTHING)) for part in parts]
    overlay = hv.Overlay(elements).opts(
        hv.opts.Overlay(
            xlabel=x.label,
            ylabel=y.label,
            logx=x.log,
            logy=y.log,
            xlim=(0.1, 1.0),
            ylim=(0.1, 1.0),
            legend_position="top",
            legend_opts={
                "border_line_alpha": 0,
                "background_fill_alpha": 0,
                "padding": 0,
                "margin": 0,
                "spacing": 10,
            },
            fontsize={"labels": "12px", "ticks": "11px", "legend": "12px"},
            responsive=True,
            show_grid=True,
        )
    )
    return cast(hv.Overlay, overlay)


def _element(part: Part, columns: Mapping[str, Any]) -> hv.Element:
    style = _STYLES[part.kind]
    colour = LIGHT.colour(part.role)
    if part.kind == "band":
        half = len(columns["x"]) // 2 or 1
        x, low, high = columns["x"][:half], columns["y"][:half], columns["y"][-half:][::-1]
        element = hv.Area((x, low, high), "x", ["y", "y2"], label=part.label)
    else:
        element = _ELEMENTS.get(part.kind, hv.Curve)((columns["x"], columns["y"]), "x", "y", label=part.label)
    tools = ["hover"] if part.kind == "line" else []
    return cast(hv.Element, element.opts(color=colour, show_legend=part.legend, tools=tools, **style))


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
        # A few thousand points are drawn faster without WebGL, whose start and read-back cost more than they save.
        self.figure.output_backend = "canvas"
        for axis, dimension in ((x, "x"), (y, "y")):
            if axis.log:
                ticker = CustomJSTicker(major_code=_LOG_TICKS)
                getattr(self.figure, f"{dimension}axis").ticker = ticker
                getattr(self.figure, f"{dimension}grid").ticker = ticker
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
        for axis, (start, end) in ((self.figure.x_range, x), (self.figure.y_range, y)):
            axis.update(start=start, end=end, reset_start=start, reset_end=end)

    def recolour(self, tokens: Tokens) -> None:
        """Draw every part in its role's colour."""
        for label, role in self._roles.items():
            renderer = self._renderers[label]
            for glyph in (
                renderer.glyph,
                renderer.nonselection_glyph,
                renderer.muted_glyph,
                renderer.selection_glyph,
            ):
                for name in ("line_color", "fill_color", "hatch_color"):
                    if getattr(glyph, name, None) is not None:
                        setattr(glyph, name, tokens.colour(role))


def _compact(column: Any) -> np.ndarray:
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
