"""Function on a plane: what has been learned by time t, where data have two inputs and one output.

Colours are the function's values, of the theory or of the finite networks; lines are where each of them decides.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import panel as pn
import param
from contourpy import contour_generator

import lazyrich as lr
from lazyrich.data import PlaneGrid, plane_grid

from .. import widgets
from ..cache import RESULTS
from ..marks import Axis, Columns, Part, column_names
from ..modes import Modes
from ..numerals import numeral
from ..results import MOST_QUADRATURES, Snapshot, theory, theory_key
from .base import Range, View, nothing
from .function import is_straight_from_zero

# Below this a line is no more than a guess.
_LEAST_SIDE = 12


@dataclass(frozen=True, eq=False)
class OnPlane:
    """The theory on a `grid`, as the test points of a `flow`, and its `modes` there."""

    grid: PlaneGrid
    flow: lr.LinearDynamics
    modes: Modes

    @property
    def nbytes(self) -> int:
        """Size, for the cache: the kernel, that in the eigenbasis, and the modes."""
        return 3 * self.flow.cross_ntk.nbytes


def on_plane(experiment: lr.Experiment) -> OnPlane:
    """Return the theory on the plane, from the cache if any session has asked for it."""
    return RESULTS.get(("on plane", theory_key(experiment)), lambda: _compute(experiment))


def _compute(experiment: lr.Experiment) -> OnPlane:
    known, net = theory(experiment), experiment.network
    grid = plane_grid(known.data, _side(net, known.n)) if net.phi.family.is_quadrature else plane_grid(known.data)
    flow = lr.LinearDynamics(known.spectrum, known.data.y_train, lr.ntk(net, grid.points, known.data.x_train))
    return OnPlane(grid, flow, Modes(flow))


def _side(net: lr.Network, n: int) -> int:
    """Return the side of a grid that an activation can afford that takes a quadrature a pair."""
    side = int(np.sqrt(MOST_QUADRATURES / (net.depth * n)))
    if side < _LEAST_SIDE:
        raise ValueError(
            f"A picture of the plane takes {_LEAST_SIDE} times {_LEAST_SIDE} points at least, and with {net.phi} each "
            f"takes a quadrature a layer and training point; got {net.depth} layers and {n} points. Take fewer, or a "
            "smooth activation such as gelu."
        )
    return min(side, 40)


class FunctionOnPlaneView(View):
    """A function of two inputs at time t: values as colours, and the lines where theory and networks decide."""

    title = "Function"
    question = "What is learned by t?"
    x = Axis("input x₁")
    y = Axis("input x₂")
    parts = (
        Part("f", "field", "diverging"),
        Part("mode", "upper field", "diverging"),
        Part("theory", "strong segments", "theory"),
        Part("nets", "dashed segments", "trained"),
        Part("y above", "points", "theory"),
        Part("y below", "rings", "theory"),
    )
    colours = param.Selector(default="theory", objects=["theory", "networks, mean", "first network"], label="Colours",
                             doc="Whose function the colours show.")  # fmt: skip

    def _widgets(self) -> list[pn.viewable.Viewable]:
        return [widgets.small_select(self.param.colours)]

    def predict(self, experiment: lr.Experiment) -> OnPlane:
        """Return the theory on the plane."""
        return on_plane(experiment)

    def columns(self, snapshot: Snapshot) -> Columns:
        """Return the function as an image, the lines where it is in the middle, and the training points."""
        data, known, middle = snapshot.theory.data, snapshot.predicted, _middle(snapshot)
        x, y = data.x_train, data.y_train[:, 0]
        of_theory, of_networks = _of_theory(snapshot), _of_networks(snapshot)
        network_grid = plane_grid(data)
        shown = {
            "theory": (known.grid, of_theory),
            "networks, mean": (network_grid, None if of_networks is None else of_networks.mean(axis=0)),
            "first network": (network_grid, None if of_networks is None else of_networks[0]),
        }
        mean = shown["networks, mean"][1]
        return {
            "f": _image(*shown[self.colours]),
            "theory": _line(known.grid, of_theory, middle),
            "nets": nothing("segments") if mean is None else _line(network_grid, mean, middle),
            "y above": {"x": x[y > middle, 0], "y": x[y > middle, 1]},
            "y below": {"x": x[y <= middle, 0], "y": x[y <= middle, 1]},
            **self.of_mode(snapshot),
        }

    def of_mode(self, snapshot: Snapshot) -> Columns:
        """Return the mode's eigenfunction as an image, as large as the targets are (rms)."""
        known, number, y = snapshot.predicted, snapshot.mode, snapshot.theory.data.y_train[:, 0]
        if not 1 <= number <= known.modes.count:
            return {"mode": _image(known.grid, None)}
        middle = _middle(snapshot)
        size = np.sqrt(np.mean((y - middle) ** 2))
        return {"mode": _image(known.grid, middle + size * known.modes.on_test[:, number - 1])}

    def ranges(self, snapshot: Snapshot, columns: Columns) -> tuple[Range, Range]:
        """Return the plane."""
        grid = snapshot.predicted.grid
        return (grid.x[0], grid.x[-1]), (grid.y[0], grid.y[-1])

    def update(self, snapshot: Snapshot) -> None:
        """Show a snapshot; the colours end where the targets do."""
        if isinstance(snapshot.predicted, OnPlane):
            middle, y = _middle(snapshot), snapshot.theory.data.y_train
            most = float(np.abs(y - middle).max()) or 1.0
            for label in ("f", "mode"):
                self.live.colours(label, (middle - most, middle + most), "f")
        super().update(snapshot)

    def summary(self, snapshot: Snapshot) -> str:
        """Say how many test points are on the right side, of theory and of the networks."""
        data, t, frame, middle = snapshot.theory.data, snapshot.time, snapshot.frame, _middle(snapshot)
        above = data.y_test > middle

        def right(f: np.ndarray) -> float:
            return 100 * np.mean((f > middle) == above)

        of_theory = right(np.asarray(snapshot.theory.flow.test(t)))
        words = (
            f"At t = {numeral(t)} theory is on the right side of f = {numeral(middle, 2)} at {numeral(of_theory)} % of "
            "the test points"
        )
        if is_straight_from_zero(snapshot.theory.network):
            words += " (without bias, f keeps its sign on each ray from 0: raise σ²b)"
        if frame is None:
            return f"{words}."
        of_networks = right(frame.f_test.mean(axis=0))
        return f"{words}; the networks' mean at t = {numeral(frame.time)} is at {numeral(of_networks)} %."


def _middle(snapshot: Snapshot) -> float:
    """Return the value at which one decides: 0 between classes, the mean of other targets."""
    y = snapshot.theory.data.y_train
    return 0.0 if y.min() < 0 < y.max() else float(y.mean())


def _of_theory(snapshot: Snapshot) -> np.ndarray:
    return snapshot.predicted.flow.test(snapshot.time)[:, 0]


def _of_networks(snapshot: Snapshot) -> np.ndarray | None:
    """Return the functions of the networks, (seeds, points), if they have come this far."""
    frame = snapshot.frame
    return None if frame is None or frame.f_plane is None else frame.f_plane[:, :, 0].astype(float)


def _image(grid: PlaneGrid, f: np.ndarray | None) -> dict[str, Any]:
    """Return the columns of an image whose pixels have the points of the grid in their middle."""
    if f is None:
        return {"image": [], **{name: np.array([]) for name in ("x", "y", "dw", "dh")}}
    step = [axis[1] - axis[0] for axis in (grid.x, grid.y)]
    return {
        "image": [f.reshape(len(grid.y), len(grid.x))],
        "x": np.array([grid.x[0] - step[0] / 2]),
        "y": np.array([grid.y[0] - step[1] / 2]),
        "dw": np.array([len(grid.x) * step[0]]),
        "dh": np.array([len(grid.y) * step[1]]),
    }


def _line(grid: PlaneGrid, f: np.ndarray, level: float) -> dict[str, np.ndarray]:
    """Return the line where a function is at a level, as segments."""
    lines: Any = contour_generator(grid.x, grid.y, f.reshape(len(grid.y), len(grid.x))).lines(level)
    pieces = [np.hstack([line[:-1], line[1:]]) for line in lines]
    return dict(zip(column_names("segments"), np.concatenate([np.empty((0, 4)), *pieces]).T, strict=True))
