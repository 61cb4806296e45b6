"""Function: what has been learned by time t, as a function of the one coordinate of the data."""

import numpy as np

import lazyrich as lr

from ..live import band, padded
from ..marks import Axis, Columns, Part
from ..numerals import numeral
from ..results import Snapshot
from . import parting
from .base import Range, View, nothing

_RANDOM = "theory ± 2 sd"


def coordinate(x: np.ndarray) -> np.ndarray:
    """Return the coordinate of one-dimensional data: itself, or the angle of points on the circle."""
    return x[:, 0] if x.shape[1] == 1 else np.arctan2(x[:, 1], x[:, 0])


class FunctionView(View):
    """Functions of one coordinate at time t: target, training points, theory with its ensemble, finite networks."""

    title = "Function"
    question = "What has been learned by time t?"
    x = Axis("x  (on the circle: angle, radians)")
    y = Axis("f(x)")
    parts = (
        Part(_RANDOM, "band", "theory", legend=False),
        Part("spread", "band", "trained", legend=False),
        Part("target", "dashes", "target"),
        Part("theory", "line", "theory"),
        Part("nets", "points", "trained"),
        parting.RINGS,
        Part("training points", "rings", "train"),
        Part("mode", "dot-dashes", "mode", legend=False),
    )

    def columns(self, snapshot: Snapshot) -> Columns:
        """Return each function on the sorted test points."""
        data, flow = snapshot.theory.data, snapshot.theory.flow
        x = coordinate(data.x_test)
        order = np.argsort(x)
        x, f = x[order], np.asarray(flow.test(snapshot.time))[order, 0]
        deviation = None if flow.nngp is None else np.sqrt(np.asarray(flow.variance(snapshot.time)))[order]
        return {
            "target": {"x": x, "y": data.y_test[order, 0]},
            _RANDOM: nothing() if deviation is None else band(x, f - 2 * deviation, f + 2 * deviation),
            "theory": {"x": x, "y": f},
            "training points": {"x": coordinate(data.x_train), "y": data.y_train[:, 0]},
            **self._of_networks(snapshot, x, order),
            **self.of_mode(snapshot),
        }

    @staticmethod
    def _of_networks(snapshot: Snapshot, x: np.ndarray, order: np.ndarray) -> Columns:
        frame = snapshot.frame
        if frame is None:
            return {label: nothing() for label in ("nets", "spread", parting.RINGS.label)}
        f, (some, values, expected) = frame.f_test[:, order, 0], _compared(snapshot)
        return {
            "nets": {"x": some, "y": values.mean(axis=0)},
            "spread": band(x, f.min(axis=0), f.max(axis=0)),
            parting.RINGS.label: parting.rings(some, values, expected),
        }

    def of_mode(self, snapshot: Snapshot) -> Columns:
        """Return the mode's eigenfunction, as large as the targets are (rms)."""
        theory, number = snapshot.theory, snapshot.mode
        if not 1 <= number <= theory.modes.count:
            return {"mode": nothing()}
        x = coordinate(theory.data.x_test)
        order, size = np.argsort(x), np.sqrt(np.mean(theory.data.y_train**2))
        return {"mode": {"x": x[order], "y": size * theory.modes.on_test[order, number - 1]}}

    def ranges(self, snapshot: Snapshot, columns: Columns) -> tuple[Range, Range]:
        """Return the range of the data and of the random start, whatever the networks do."""
        shown, flow = [columns[label] for label in ("target", "training points")], snapshot.theory.flow
        largest = 0.0 if flow.test_nngp is None else 2 * np.sqrt(flow.test_nngp.diagonal().max())
        x = padded([part["x"] for part in shown], log=False, pad=0.02)
        return x, padded([*(part["y"] for part in shown), [-largest, largest]], log=False, pad=0.15)

    def summary(self, snapshot: Snapshot) -> str:
        """Say how far theory is from the target, and the networks from theory."""
        data, t, frame = snapshot.theory.data, snapshot.time, snapshot.frame
        f = snapshot.theory.flow.test(t)
        off = np.sqrt(np.mean((f - data.y_test) ** 2))
        words = f"At t = {numeral(t)} theory is {numeral(off, 2)} (rms) from the target"
        if data.in_dim == 1 and is_straight_from_zero(snapshot.theory.network):
            words += " (without bias, f can only bend at x = 0: raise σ²b)"
        if frame is None:
            return words + "."
        gap = np.sqrt(np.mean((frame.f_test.mean(axis=0) - snapshot.theory.flow.test(frame.time)) ** 2))
        _, values, expected = _compared(snapshot)
        words += f"; the networks' mean at t = {numeral(frame.time)} is {numeral(gap, 2)} from theory."
        return words + parting.in_words(values, expected)


def is_straight_from_zero(network: lr.Network) -> bool:
    """Whether f(cx) = c f(x) for c > 0: a network without biases, of units that are straight on either side of 0."""
    return (
        network.bias_var == 0
        and not network.layer_norm
        and network.phi.name in ("relu", "leaky_relu", "abs", "identity")
    )


def _compared(snapshot: Snapshot) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return every fourth test point in order (m,), the networks' values (seeds, m), and theory at their time (m,)."""
    data, frame = snapshot.theory.data, snapshot.frame
    assert frame is not None
    some = np.argsort(coordinate(data.x_test))[::4]
    expected = np.asarray(snapshot.theory.flow.test(frame.time))[some, 0]
    return coordinate(data.x_test)[some], frame.f_test[:, some, 0], expected
