"""Live plots: declared once in HoloViews, rendered once to Bokeh, then patched.

A HoloViews redraw costs tens of milliseconds on the server; replacing the columns of a Bokeh data source costs one. So
`Live` renders the parts of a plot once, finds each again by its label, and replaces its columns on every update.
Nothing is added or removed after the first drawing but pinned curves, of which most plots never have any.
"""

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from bokeh.models import ColorBar, ColumnDataSource, GlyphRenderer
from bokeh.models.glyph import Glyph
from bokeh.plotting import figure

from . import pinned
from .copies import copied
from .figure_pane import FigurePane
from .figures import add_pinned, named_renderers, new_figure
from .labels import keep_apart, resize_labels
from .marks import Axis, Columns, Part
from .projection import resize
from .theme import LIGHT, Tokens


class Live:
    """A plot on screen.

    Args:
        parts: marks with distinct labels.
        x: horizontal axis.
        y: vertical axis.
        pinnable: labels of lines and points whose pinned curves can be shown too.
        shared: another plot of the same parts, whose data this one shows.
        legend_columns: the most of them; 0 for as many as there is room for.
    """

    def __init__(
        self, parts: tuple[Part, ...], x: Axis, y: Axis, pinnable: tuple[str, ...] = (), shared: "Live | None" = None,
        legend_columns: int = 0,
    ):  # fmt: skip
        """Render the parts, with nothing to show yet."""
        self.figure = new_figure(parts, x, y, legend_columns)
        self._renderers = named_renderers(self.figure)
        self._downwards = y.downwards
        self._framed: Any = None
        self._tokens = LIGHT
        self.is_patching = False  # while it is not, columns that change were changed in the browser
        self._roles = {part.label: part.role for part in parts}
        self._pinnable = {pinned.name(part.label): part for part in parts if part.label in pinnable}
        self.ahead: set[str] = set()  # parts of which the browser has newer columns than the server
        if shared is not None:
            for label, renderer in self._renderers.items():
                renderer.data_source = shared.source(label)
        keep_apart(self.figure, x, y)
        self.pane = FigurePane(self.figure, sizing_mode="stretch_both", min_height=150, styles={"font-size": "12px"})

    def source(self, label: str) -> ColumnDataSource:
        """Return the data source of a part."""
        return cast(ColumnDataSource, self._renderers[label].data_source)

    def renderer(self, label: str) -> GlyphRenderer:
        """Return the renderer of a part."""
        return self._renderers[label]

    def patch(self, columns: Columns) -> None:
        """Replace the columns of every part named that have changed; floats go over the wire in single precision."""
        self.is_patching = True
        for label, values in columns.items():
            if label in self.ahead or (label not in self._renderers and not any(map(len, values.values()))):
                continue
            if label not in self._renderers:
                self._add_pinned(label)
            new, source = {name: _compact(column) for name, column in values.items()}, self.source(label)
            if not are_equal(new, cast(Mapping[Any, Any], source.data)):
                source.data = new
        self.is_patching = False

    def _add_pinned(self, label: str) -> None:
        """Add the renderer of pinned curves, which have something to show for the first time."""
        part = self._pinnable[label]
        self._roles[label] = part.role
        renderer = self._renderers[label] = add_pinned(self.figure, part)
        _recolour(renderer, self._tokens.colour(part.role))

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
            bar.update(title=title)

    def recolour(self, tokens: Tokens) -> None:
        """Draw every part in its role's colour, and all in the theme's sizes."""
        self._tokens = tokens
        resize(self.figure, tokens)
        resize_labels(self.figure, tokens)
        for label, role in self._roles.items():
            _recolour(self._renderers[label], tokens.colour(role))

    def copy(self, tokens: Tokens) -> figure:
        """Return the figure as it is drawn, in a theme's colours and in models of its own, for another document."""
        result = copied(self.figure, tokens)
        for name, renderer in named_renderers(result).items():
            if name in self._roles:
                _recolour(renderer, tokens.colour(self._roles[name]))
        return result


def _recolour(renderer: GlyphRenderer, colour: Any) -> None:
    if isinstance(colour, tuple):
        renderer.glyph.color_mapper.palette = list(colour)
        return
    glyphs = (renderer.glyph, renderer.nonselection_glyph, renderer.muted_glyph, renderer.selection_glyph)
    for glyph in glyphs:
        # Of a name that is not there Bokeh looks for names like it, which takes a millisecond.
        known = glyph.properties() if isinstance(glyph, Glyph) else ()
        for name in ("line_color", "fill_color", "hatch_color", "text_color"):
            if name in known and getattr(glyph, name) is not None:
                setattr(glyph, name, colour)


def _compact(column: Any) -> Any:
    if isinstance(column, list):  # of images or of lines
        return [_compact(entry) for entry in column]
    if isinstance(column, str):
        return column
    array = np.asarray(column)
    return array.astype(np.float32) if array.dtype == np.float64 else array


def are_equal(new: Mapping[str, Any], old: Any) -> bool:
    """Return whether a data source that has the columns `old` needs no new ones."""
    return new.keys() == old.keys() and all(
        len(column) == len(old[name])
        and (
            all(map(np.array_equal, column, old[name]))
            if isinstance(column, list)
            else np.array_equal(column, old[name])
        )
        for name, column in new.items()
    )


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
