"""Order and chaos: is a network critical, so that signals and gradients keep their size through its layers?

The plane of both variances shows where a network of this activation is ordered, critical or chaotic.
"""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from bokeh.events import Tap

import lazyrich as lr

from ..cache import RESULTS
from ..marks import Axis, Columns, Part, column_names
from ..numerals import numeral
from ..results import Snapshot
from .base import Range, View
from .plane_lines import LEVELS, lines_of

# Between the end of a contour and its label.
_ABOVE = 0.015


@dataclass(frozen=True, eq=False)
class Plane:
    """chi_perpendicular over the plane: the critical line and other contours as segments, and labels at their ends."""

    critical: dict[str, np.ndarray]
    contours: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]
    nbytes: int = 2**16


def of_the_infinite(net: lr.Network, **fields: Any) -> lr.Network:
    """Return the network with what plays no part at infinite width set to a fixed value, as a key of the cache."""
    return dataclasses.replace(net, parametrization="ntk", width=1, depth=1, richness=1.0, **fields)


def at_rest(net: lr.Network) -> lr.Criticality:
    """Return the fixed point of a network's variance, and the susceptibilities there."""
    return lr.criticality(of_the_infinite(net))


def plane(net: lr.Network) -> Plane:
    """Return the plane of a network's activation, from the cache if any session has asked for it."""
    net = of_the_infinite(net, weight_var=1.0, bias_var=0.0)
    return RESULTS.get(("plane", net), lambda: _compute_plane(net))


def _compute_plane(net: lr.Network) -> Plane:
    lines = lines_of(net)
    tops = [
        (level, max(np.concatenate(of), key=lambda point: (point[1], point[0]))) for level, of in lines.items() if of
    ]
    labels = {
        "x": np.array([top[0] for _, top in tops]),
        "y": np.array([top[1] for _, top in tops]) + _ABOVE,
        "text": np.array([f"{level:g}" for level, _ in tops], dtype=object),
    }
    return Plane(_segments(lines[1.0]), _segments([line for level in LEVELS for line in lines[level]]), labels)


def _segments(lines: Iterable[np.ndarray]) -> dict[str, np.ndarray]:
    pieces = [np.hstack([line[:-1], line[1:]]) for line in lines]
    return dict(zip(column_names("segments"), np.concatenate([np.empty((0, 4)), *pieces]).T, strict=True))


class PlaneView(View):
    """The plane of both variances with the contours of chi_perpendicular; a click moves the network there."""

    title = "Order and chaos"
    question = "Is the network critical?"
    hint = "Click to move there."
    x = Axis("weight variance σ²w")
    y = Axis("bias variance σ²b")
    parts = (
        Part("other χ⊥", "segments", "guide"),
        Part("critical line, χ⊥ = 1", "strong segments", "theory"),
        Part("χ⊥", "labels", "theory", legend=False),
        Part("this network", "diamonds", "trained"),
    )
    needs_training = False

    def __init__(self, **params):
        """Render the plot, empty, and listen to clicks."""
        super().__init__(**params)
        self.live.figure.on_event(Tap, cast(Any, self._tapped))

    def _tapped(self, event: Tap) -> None:
        """Ask for the variances under the pointer, to the sliders' steps."""
        weight_var = min(max(event.x or 0.0, 0.1), 4.0)
        bias_var = min(max(event.y or 0.0, 0.0), 1.0)
        self.wish = {"weight_var": round(10 * weight_var) / 10, "bias_var": round(20 * bias_var) / 20}

    def predict(self, experiment: lr.Experiment) -> tuple[Plane, lr.Criticality]:
        """Return the plane and where on it the network stands."""
        return plane(experiment.network), at_rest(experiment.network)

    def columns(self, snapshot: Snapshot) -> Columns:
        """Return the contours, and the network."""
        known, net = snapshot.predicted[0], snapshot.theory.network
        return {
            "other χ⊥": known.contours,
            "critical line, χ⊥ = 1": known.critical,
            "χ⊥": known.labels,
            "this network": {"x": np.array([net.weight_var]), "y": np.array([net.bias_var])},
        }

    def clock(self, snapshot: Snapshot) -> None:
        """Return nothing: variances are those at the start."""

    def ranges(self, snapshot: Snapshot, columns: Columns) -> tuple[Range, Range]:
        """Return the sliders' ranges, wider if the network lies beyond them."""
        net = snapshot.theory.network
        return (0.0, max(4.15, 1.1 * net.weight_var)), (-0.03, max(1.1, 1.1 * net.bias_var))

    def summary(self, snapshot: Snapshot) -> str:
        """Say on which side of the critical line the network is, and what becomes of its variance."""
        at: lr.Criticality = snapshot.predicted[1]
        q, chi = float(at.variance), float(at.perpendicular)
        if not np.isfinite(chi):
            return "The variance grows without end and faster in every layer, and so do the gradients."
        if not 1e-6 < q < np.inf:
            fate, where = ("dies out", "") if q < 1 else ("grows without end", " (at a variance of 10⁶)")
            return (
                f"The variance {fate}; gradients and differences of inputs go by √χ⊥ = {numeral(np.sqrt(chi))} a "
                f"layer{where}, so that correlations follow the curve beside."
            )
        side = (
            "critical: differences are kept"
            if abs(chi - 1) < 0.005
            else "ordered: all inputs become one" if chi < 1 else "chaotic: close inputs part"
        )  # fmt: skip
        reach = "" if abs(chi - 1) < 0.005 or chi <= 0 else f", by e in {numeral(1 / abs(np.log(chi)), 2)} layers"
        return f"χ⊥ = {numeral(chi)}, {side}{reach}; the variance settles at {numeral(q)}."
