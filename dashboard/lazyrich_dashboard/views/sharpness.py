"""Sharpness: how curved is the loss where the networks are, and do they come to the edge of stability?

It costs a few times what training does, so it is measured only while this view is on screen, of the same networks
trained once more: a run is a pure function of its experiment.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

import lazyrich as lr

from ..cache import RESULTS, SharedStream
from ..jobs import stops
from ..live import band, padded
from ..marks import Axis, Columns, Part
from ..numerals import numeral
from ..results import Snapshot, check_size, nearest_checkpoint
from .base import Range, View, mean_and_error, nothing, rule

_LAZY, _EDGE, _NETWORKS = "lazy limit λmax(Θ)/n", "edge 2/η", "λ of nets"
# An edge further above all else than this would squeeze it.
_MOST_ABOVE = 30.0


@dataclass(frozen=True, eq=False)
class Sharp:
    """The largest Hessian eigenvalue of every network at a time, (seeds,).

    `edge` is the largest at which their steps are stable; infinite for an optimizer that is not gradient descent.
    """

    time: float
    values: np.ndarray
    edge: float

    @property
    def nbytes(self) -> int:
        """Size, for the cache."""
        return self.values.nbytes


def _sharpness(experiment: lr.Experiment) -> Iterator[Sharp]:
    check_size(experiment)
    training = experiment.training
    top = 2 * (1 + training.momentum) if training.optimizer == "gradient_descent" else np.inf
    for chunk in experiment.train_stream(("sharpness",), stop=stops):
        edge = top / chunk.attrs["learning_rate"]
        yield Sharp(float(chunk.time[0]), chunk.sharpness.values[:, 0].astype(np.float64), edge)


class SharpnessView(View):
    """The largest eigenvalue of the loss's Hessian against time, with the edge of stability and the lazy limit."""

    title = "Sharpness"
    question = "How near is the edge of stability?"
    x = Axis("time t = learning rate × steps", log=True)
    y = Axis("sharpness λ", log=True)
    parts = (
        Part("spread", "band", "trained", legend=False),
        Part(_LAZY, "line", "theory"),
        Part(_EDGE, "dashes", "test"),
        Part(_NETWORKS, "points", "trained"),
        Part("time t", "rule", "guide", legend=False),
    )
    pinnable = (_NETWORKS,)

    def measure(self, experiment: lr.Experiment) -> SharedStream:
        """Return the sharpness of the networks, one checkpoint at a time."""
        key = ("sharpness", experiment.to_json())
        count = experiment.training.checkpoints
        return RESULTS.get(key, lambda: SharedStream(lambda: _sharpness(experiment), count))

    @staticmethod
    def _trained(snapshot: Snapshot) -> list[Sharp]:
        """Return the checkpoints after t = 0 that can be drawn on a logarithmic axis."""
        return [
            at for at in snapshot.measured if at.time > 0 and np.isfinite(at.values).all() and (at.values > 0).all()
        ]

    def columns(self, snapshot: Snapshot) -> Columns:
        """Return the networks' mean and spread, the level of the lazy limit, and the edge where it is not far above."""
        theory, trained = snapshot.theory, self._trained(snapshot)
        ends, lazy = theory.times[[0, -1]], theory.spectrum.values[0] / theory.n
        result = {
            _LAZY: {"x": ends, "y": np.full(2, lazy)},
            _EDGE: nothing(),
            _NETWORKS: nothing(),
            "spread": nothing(),
        }
        if trained:
            x, values = np.array([at.time for at in trained]), np.array([at.values for at in trained])
            result[_NETWORKS] = {"x": x, "y": values.mean(axis=1)}
            result["spread"] = band(x, values.min(axis=1), values.max(axis=1))
            if trained[0].edge < _MOST_ABOVE * max(lazy, values.max()):
                result[_EDGE] = {"x": ends, "y": np.full(2, trained[0].edge)}
        return {**result, "time t": rule(snapshot.time, self._heights(result))}

    @staticmethod
    def _heights(columns: Columns) -> Range:
        """Return an axis of at least half a decade, with what is shown in its middle: noise does not fill it."""
        low, high = padded([part["y"] for part in columns.values()], log=True)
        more = np.sqrt(max(1.0, 3 * low / high))
        return float(low / more), float(high * more)

    def ranges(self, snapshot: Snapshot, columns: Columns) -> tuple[Range, Range]:
        """Return the theory's time range and the sharpnesses."""
        shown = {label: part for label, part in columns.items() if label != "time t"}
        return padded([snapshot.theory.times], log=True, pad=0.02), self._heights(shown)

    def summary(self, snapshot: Snapshot) -> str:
        """Say how sharp the loss is at the scrubber's time, beside the lazy limit and the edge."""
        theory, trained = snapshot.theory, self._trained(snapshot)
        words = f"In the lazy limit the sharpness stays at {numeral(theory.spectrum.values[0] / theory.n)}"
        at = nearest_checkpoint(trained, snapshot.time)
        if at is None:
            return f"{words}; that of the networks has not been measured this far yet."
        words += f"; in the networks it goes from {mean_and_error(trained[0].values)} to {mean_and_error(at.values)}"
        words += f" at t = {numeral(at.time)}"
        if not np.isfinite(at.edge):
            return f"{words}."
        share = mean_and_error(100 * at.values / at.edge)
        return f"{words}, {share} % of the edge of stability, 2/η = {numeral(at.edge)}."
