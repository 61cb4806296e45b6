"""Training: when do train and test loss fall, and do finite networks follow the theory?"""

import numpy as np

from ..live import band, padded
from ..marks import Axis, Columns, Part
from ..results import Snapshot
from .base import Range, View, mean_and_error, nothing, rule


class TrainingView(View):
    """Train and test loss against gradient-flow time: closed form at infinite width, and finite networks."""

    title = "Training"
    question = "Do finite networks follow the theory?"
    x = Axis("time t = learning rate × steps", log=True)
    y = Axis("loss  Σ|f − y|²/2n", log=True)
    parts = (
        Part("train: spread", "band", "train", legend=False),
        Part("test: spread", "band", "test", legend=False),
        Part("train: theory", "line", "train"),
        Part("test: theory", "line", "test"),
        Part("train: nets", "points", "train"),
        Part("test: nets", "points", "test"),
        Part("time t", "rule", "guide", legend=False),
    )
    pinnable = ("train: theory", "test: theory", "train: nets", "test: nets")
    scales = ("log_x", "log_y")

    def columns(self, snapshot: Snapshot) -> Columns:
        """Return theory on its time grid, the mean of the networks, and the band from the lowest to the highest."""
        theory = snapshot.theory
        result: dict[str, dict[str, np.ndarray]] = {}
        for role, loss in (("train", theory.train_loss), ("test", theory.test_loss)):
            result[f"{role}: theory"] = {"x": theory.times, "y": loss}
            frames = snapshot.trained
            if not frames:
                result[f"{role}: nets"] = result[f"{role}: spread"] = nothing()
                continue
            times = np.array([frame.time for frame in frames])
            losses = np.array([frame.losses[role] for frame in frames])
            result[f"{role}: nets"] = {"x": times, "y": losses.mean(axis=1)}
            result[f"{role}: spread"] = band(times, losses.min(axis=1), losses.max(axis=1))
        result["time t"] = rule(snapshot.time, self._losses(result))
        return result

    def _losses(self, columns: Columns) -> Range:
        """Return the loss axis: from 0, or four decades below the largest loss at most."""
        theory = [columns[f"{role}: theory"]["y"] for role in ("train", "test")]
        networks = [columns[f"{role}: nets"]["y"] for role in ("train", "test")]
        top = max(float(np.max(y)) for y in theory)
        shown = [*theory, *(np.clip(y, None, 10 * top) for y in networks)]
        if not self.log_y:
            return padded([np.zeros(1), *shown], log=False)
        return padded(shown, log=True, floor=1e-4 * top)

    def ranges(self, snapshot: Snapshot, columns: Columns) -> tuple[Range, Range]:
        """Return the theory's time range and the losses'."""
        return padded([snapshot.theory.times], log=self.log_x, pad=0.02), self._losses(columns)

    def summary(self, snapshot: Snapshot) -> str:
        """Say the losses at the scrubber's time, the best stopping time and the stability edge."""
        theory, t = snapshot.theory, snapshot.time
        test = theory.flow.test_loss(t, theory.data.y_test)
        best = int(np.argmin(theory.test_loss))
        words = f"At t = {t:.3g} theory says train {theory.flow.train_loss(t):.3g}, test {test:.3g}"
        frame = snapshot.frame
        if frame is not None:
            words += f"; networks at t = {frame.time:.3g}: test {mean_and_error(frame.losses['test'])}"
        stop = (
            f" Lowest test loss {theory.test_loss[best]:.3g} at t = {theory.times[best]:.3g}."
            if best < len(theory.times) - 1
            else " The test loss still falls at the end."
        )
        return f"{words}.{stop} Largest stable step {theory.flow.max_learning_rate:.3g}."
