"""Function: what has been learned by time t, as a function of the one coordinate of the data."""

import numpy as np

from ..live import band, padded
from ..marks import Axis, Columns, Part
from ..results import Snapshot
from .base import Range, View, nothing


def coordinate(x: np.ndarray) -> np.ndarray:
    """Return the coordinate of one-dimensional data: itself, or the angle of points on the circle."""
    return x[:, 0] if x.shape[1] == 1 else np.arctan2(x[:, 1], x[:, 0])


class FunctionView(View):
    """Functions of one coordinate at time t: target, training points, theory, finite networks."""

    title = "Function"
    question = "What has been learned by time t?"
    x = Axis("x  (on the circle: angle, radians)")
    y = Axis("f(x)")
    parts = (
        Part("spread", "band", "trained", legend=False),
        Part("target", "dashes", "target"),
        Part("theory", "line", "theory"),
        Part("nets", "points", "trained"),
        Part("training points", "rings", "train"),
        Part("mode", "dot-dashes", "mode", legend=False),
    )

    def columns(self, snapshot: Snapshot) -> Columns:
        """Return each function on the sorted test points."""
        data, frame = snapshot.theory.data, snapshot.frame
        x = coordinate(data.x_test)
        order = np.argsort(x)
        x = x[order]
        mean, spread = nothing(), nothing()
        if frame is not None:
            f = frame.f_test[:, order, 0]
            mean, spread = (
                {"x": x[::4], "y": f.mean(axis=0)[::4]},
                band(x, f.min(axis=0), f.max(axis=0)),
            )
        return {
            "target": {"x": x, "y": data.y_test[order, 0]},
            "theory": {"x": x, "y": snapshot.theory.flow.test(snapshot.time)[order, 0]},
            "training points": {"x": coordinate(data.x_train), "y": data.y_train[:, 0]},
            "nets": mean,
            "spread": spread,
            **self.of_mode(snapshot),
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
        """Return the range of the data, whatever the networks do."""
        shown = [columns[label] for label in ("target", "training points")]
        return padded([part["x"] for part in shown], log=False, pad=0.02), padded(
            [p["y"] for p in shown], log=False, pad=0.15
        )

    def summary(self, snapshot: Snapshot) -> str:
        """Say how far theory is from the target, and the networks from theory."""
        data, t, frame = snapshot.theory.data, snapshot.time, snapshot.frame
        f = snapshot.theory.flow.test(t)
        words = f"At t = {t:.3g} theory is {np.sqrt(np.mean((f - data.y_test) ** 2)):.2g} (rms) from the target"
        if data.in_dim == 1 and snapshot.theory.network.bias_var == 0:
            words += " (without bias, f can only bend at x = 0: raise σ²b)"
        if frame is None:
            return words + "."
        gap = np.sqrt(np.mean((frame.f_test.mean(axis=0) - snapshot.theory.flow.test(frame.time)) ** 2))
        return f"{words}; the networks' mean at t = {frame.time:.3g} is {gap:.2g} from theory."
