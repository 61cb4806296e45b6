"""The map of parametrizations: does a wide network learn features, only a kernel, or nothing at all?

A point on the map is moved with the mouse or the sliders below it; the network on screen is marked beside it.
"""

import panel as pn
import param

import lazyrich as lr

from .. import widgets
from ..dragging import let_drag
from ..marks import Columns, Part
from ..results import Snapshot
from . import abc_plane
from .abc_plane import HIDDENS, OUTPUTS, READOUTS, STEP, Choice
from .base import Range, View, nothing

_HERE = "network on screen"


class AbcMapView(View):
    """The plane of (a, b, c) parametrizations with a point that can be moved, and the verdict on it."""

    title = "The map of parametrizations"
    question = "Which wide networks learn features?"
    hint = "Drag the diamond, or move the sliders."
    x, y = abc_plane.X, abc_plane.Y
    parts = (*abc_plane.PARTS, Part(_HERE, "points", "trained"))
    legend_columns, is_tall = 2, True
    needs_training = False
    options = ("output", "hidden", "readout")
    output = param.Number(0.75, softbounds=OUTPUTS, step=STEP, label="Output",
                          doc="The output is of the size N^(1/2 - this) at the start.")  # fmt: skip
    hidden = param.Number(0.5, softbounds=HIDDENS, step=STEP, label="Hidden",
                          doc="The larger, the less hidden layers are trained.")  # fmt: skip
    readout = param.Number(1.0, softbounds=READOUTS, step=0.1, label="Readout",
                           doc="At 1 training the readout alone moves the output.")  # fmt: skip

    def __init__(self, **params):
        """Render the map, and listen to the mouse."""
        super().__init__(**params)
        let_drag(self.live, abc_plane.POINT, self._dragged)

    def _body(self) -> pn.viewable.Viewable:
        sliders = [widgets.slider(number) for number in (self.param.output, self.param.hidden, self.param.readout)]
        for slider in sliders:
            slider.margin = (1, 0, 1, 8)  # room for large letters
        return pn.Column(
            self.live.pane,
            pn.Row(*sliders, sizing_mode="stretch_width", margin=0),
            sizing_mode="stretch_both",
            margin=0,
        )

    def _dragged(self, x: float, y: float) -> None:
        """Put the point on the grid that the boundaries lie on."""
        self.param.update(output=abc_plane.snapped(x, OUTPUTS), hidden=abc_plane.snapped(y, HIDDENS))
        self.live.patch({abc_plane.POINT: self.choice.columns})

    @property
    def choice(self) -> Choice:
        """The point."""
        return Choice(*(round(value, 9) for value in (self.output, self.hidden, self.readout)))

    def predict(self, experiment: lr.Experiment) -> Columns:
        """Return the map with the point, and the network on screen where its readout has the map's exponent."""
        net = experiment.network
        given = net.parametrization
        here = Choice.of(given if isinstance(given, lr.ABC) else lr.abc(given, net.depth))
        is_here = abs(here.readout - self.readout) < STEP / 2
        return {
            **abc_plane.plane(self.choice.readout),
            abc_plane.POINT: self.choice.columns,
            _HERE: here.columns if is_here else nothing(),
        }

    def columns(self, snapshot: Snapshot) -> Columns:
        """Return what was predicted."""
        return snapshot.predicted

    def clock(self, snapshot: Snapshot) -> None:
        """Return nothing: exponents are those of the widest networks at all times."""

    def ranges(self, snapshot: Snapshot, columns: Columns) -> tuple[Range, Range]:
        """Return all of the map."""
        return OUTPUTS, HIDDENS

    def summary(self, snapshot: Snapshot) -> str:
        """Say what becomes of the point."""
        return self.choice.sentence
