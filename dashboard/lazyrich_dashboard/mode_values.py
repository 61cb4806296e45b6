"""Values of a mode at the training points, where data have too many coordinates to draw it as a function.

Beside one another stand the classes, or where there is one output its targets. The picture lies over the right end of
the plot, and is there while a mode is marked.
"""

from typing import Any, cast

import numpy as np
import panel as pn
from bokeh.models import ColumnDataSource, Range1d, Span
from bokeh.plotting import figure

from . import widgets
from .figure_pane import FigurePane
from .figures import drawn_once, named_renderers, slim
from .live import are_equal, padded
from .projection import keep_text_sizes, resize
from .results import Snapshot
from .theme import LIGHT, Tokens

# Of the distance between two classes: how far the points of one are spread, and by which fraction of it the next one
# is moved, so that no two fall together.
_SPREAD, _NEXT = 0.7, (np.sqrt(5) - 1) / 2
_SIZE, _LARGE = (230, 180), (255, 210)  # pixels, and where text is larger


def mode_values(snapshot: Snapshot) -> dict[str, np.ndarray]:
    """Return the columns of the points: class or target, and the mode's value; of no mode there are none."""
    theory, number = snapshot.theory, snapshot.mode
    if not 1 <= number <= theory.modes.count:
        return {"x": np.array([]), "y": np.array([])}
    return {"x": _places(theory.data.y_train), "y": theory.modes.on_train[:, number - 1]}


def _places(targets: np.ndarray) -> np.ndarray:
    """Return where points stand: spread over the place of their class, or target."""
    if targets.shape[1] > 1:
        place, width = targets.argmax(axis=1).astype(float), _SPREAD
    elif len(levels := np.unique(targets)) <= 10:
        place, width = targets[:, 0], _SPREAD * np.diff(levels).min(initial=np.inf if len(levels) > 1 else 1.0)
    else:
        return targets[:, 0]
    return place + width * (np.arange(len(place)) * _NEXT % 1 - 0.5)


@drawn_once
def _empty_values() -> figure:
    """Return a figure whose points are called values, with none."""
    ends: dict[str, Any] = {"x_range": Range1d(), "y_range": Range1d()}
    plot = figure(width=_SIZE[0], height=_SIZE[1], toolbar_location=None, tools="", name="Mode values", **ends)
    plot.output_backend = "canvas"
    plot.add_layout(Span(location=0, dimension="width", line_dash="dotted", line_color=LIGHT.guide))
    points = ColumnDataSource({"x": [], "y": []})
    plot.scatter("x", "y", source=points, name="values", size=4, fill_alpha=0.5, line_alpha=0)
    plot.yaxis.axis_label = "mode's value"
    keep_text_sizes(plot)
    slim(plot)
    return plot


class ModeValues:
    """The picture on screen."""

    def __init__(self):
        """Start with no points."""
        self.figure = _empty_values()
        dots = named_renderers(self.figure)["values"]
        self._glyph: Any = dots.glyph
        self.points = cast(ColumnDataSource, dots.data_source)
        # Styled by a layout around it: a figure's pane has no style sheets of its own.
        self.pane = pn.Column(FigurePane(self.figure), margin=0, **widgets.styled("lr-mode"))
        self.recolour(LIGHT)

    def show(self, snapshot: Snapshot) -> None:
        """Show the snapshot's mode, and say what stands side by side."""
        columns: Any = {name: values.astype(np.float32) for name, values in mode_values(snapshot).items()}
        if not are_equal(columns, self.points.data):
            self.points.data = columns
        data, modes = snapshot.theory.data, snapshot.theory.modes
        for axis, values in ((self.figure.x_range, _places(data.y_train)), (self.figure.y_range, modes.on_train)):
            start, end = padded([values], log=False)
            axis.update(start=start, end=end)
        self.figure.xaxis.axis_label = "class, counted from 0" if data.out_dim > 1 else "target y"

    @property
    def is_shown(self) -> bool:
        """Whether a mode is marked."""
        return len(self.points.data["x"]) > 0

    def recolour(self, tokens: Tokens) -> None:
        """Draw the points in the colour of modes, and all in the theme's sizes."""
        resize(self.figure, tokens)
        width, height = _LARGE if tokens.font else _SIZE
        self.figure.update(width=width, height=height)
        self._glyph.fill_color = tokens.mode
