"""Training: when do train and test loss fall, and do finite networks follow the theory?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import param

import lazyrich as lr
from lazyrich.dynamics.training.learning_rates import step_below

from ..live import band, padded
from ..marks import Axis, Columns, Part
from ..numerals import numeral
from ..results import Snapshot, theory
from .base import Range, View, mean_and_error, nothing, rule

# Of the train loss at the start; less than any axis shows.
_LEAST = 1e-6
# The least part of the test loss that is called a rise or a fall.
_NOTABLE = 0.01


@dataclass(frozen=True, eq=False)
class OfTheory:
    """The infinitely wide network's dynamics, and the losses (T,) at `times`."""

    dynamics: lr.LinearDynamics
    times: np.ndarray
    train_loss: np.ndarray
    test_loss: np.ndarray


class TrainingView(View):
    """Train and test loss against time: closed form at infinite width, by flow or in steps, and finite networks."""

    title = "Training"
    question = "Do networks follow the theory?"
    x = Axis("time t = learning rate × steps", log=True)
    y = Axis("loss  Σ|f − y|²/2n", log=True)
    parts = (
        Part("train: spread", "band", "train", legend=False),
        Part("test: spread", "band", "test", legend=False),
        Part("train: theory", "line", "train"),
        Part("test: theory", "line", "test"),
        Part("train: nets", "points", "train"),
        Part("test: nets", "points", "test"),
        Part("mode", "dot-dashes", "mode", legend=False),
        Part("lowest test loss", "labels", "test", legend=False),
        Part("time t", "rule", "guide", legend=False),
    )
    pinnable = ("train: theory", "test: theory", "train: nets", "test: nets")
    scales = ("log_x", "log_y")
    options = ("steps",)
    steps = param.Boolean(default=False, doc="Whether theory takes the networks' steps, in place of gradient flow.")

    def toggles(self) -> dict[str, tuple[str, str]]:
        """Return those of the axes, and flow or steps."""
        words = ("steps", "show theory of gradient flow") if self.steps else ("flow", "show theory in steps of size η")
        return {**super().toggles(), "steps": words}

    def predict(self, experiment: lr.Experiment) -> OfTheory | None:
        """Return theory by gradient descent with the networks' step; None where it is by gradient flow."""
        if not self.steps:
            return None
        known, training = theory(experiment), experiment.training
        if training.optimizer != "gradient_descent":
            raise ValueError(
                f"Theory takes the steps of gradient descent, with momentum or not; got {training.optimizer}. "
                "Show gradient flow."
            )
        flow, rate, momentum = known.flow, training.learning_rate, training.momentum
        if rate is None and training.edge_fraction is not None:
            rate = training.edge_fraction * (1 + momentum) * flow.max_learning_rate
        rate = rate or step_below(flow.max_learning_rate, experiment.network)
        y, y_test = known.data.y_train, known.data.y_test
        start = {name: getattr(flow, name) for name in ("nngp", "cross_nngp", "test_nngp")}
        descent = lr.LinearDynamics(
            flow.eigensystem, y, cross_ntk=flow.cross_ntk, learning_rate=rate, momentum=momentum, **start
        )
        times = rate * np.unique(np.maximum(np.round(known.times / rate), 1))
        return OfTheory(descent, times, *lr.expected_losses(descent, times, y_test))

    def columns(self, snapshot: Snapshot) -> Columns:
        """Return theory on its time grid, the mean of the networks, and the band from the lowest to the highest."""
        result: dict[str, Mapping[str, Any]] = {}
        of_theory = _of_theory(snapshot)
        for role, loss in (("train", of_theory.train_loss), ("test", of_theory.test_loss)):
            result[f"{role}: theory"] = {"x": of_theory.times, "y": loss}
            frames = snapshot.trained
            if not frames:
                result[f"{role}: nets"] = result[f"{role}: spread"] = nothing()
                continue
            times = np.array([frame.time for frame in frames])
            losses = np.array([frame.losses[role] for frame in frames])
            result[f"{role}: nets"] = {"x": times, "y": losses.mean(axis=1)}
            result[f"{role}: spread"] = band(times, losses.min(axis=1), losses.max(axis=1))
        result["lowest test loss"] = _lowest(of_theory)
        result["time t"] = rule(snapshot.time, self._losses(snapshot, result))
        return {**result, **self.of_mode(snapshot)}

    def of_mode(self, snapshot: Snapshot) -> Columns:
        """Return what the mode has of the train loss, while it has anything."""
        theory, number = snapshot.theory, snapshot.mode
        if not 1 <= number <= theory.modes.count:
            return {"mode": nothing()}
        loss = theory.modes.losses(theory.times)[:, number - 1]
        kept = loss > _LEAST * theory.train_loss[0]
        return {"mode": {"x": theory.times[kept], "y": loss[kept]}}

    def _losses(self, snapshot: Snapshot, columns: Columns) -> Range:
        """Return the loss axis: from 0, or four decades below gradient flow's largest loss at most."""
        theory = [columns[f"{role}: theory"]["y"] for role in ("train", "test")]
        networks = [columns[f"{role}: nets"]["y"] for role in ("train", "test")]
        top = float(max(snapshot.theory.train_loss.max(), snapshot.theory.test_loss.max()))
        shown = [np.clip(y, None, 10 * top) for y in (*theory, *networks)]
        if not self.log_y:
            return padded([np.zeros(1), *shown], log=False)
        return padded(shown, log=True, floor=1e-4 * top)

    def ranges(self, snapshot: Snapshot, columns: Columns) -> tuple[Range, Range]:
        """Return the theory's time range and the losses'."""
        return padded([snapshot.theory.times], log=self.log_x, pad=0.02), self._losses(snapshot, columns)

    def summary(self, snapshot: Snapshot) -> str:
        """Say the losses at the scrubber's time, the best stopping time and the stability edge."""
        known, t, of_theory = snapshot.theory, snapshot.time, _of_theory(snapshot)
        dynamics = of_theory.dynamics
        losses = lr.expected_losses(dynamics, t, known.data.y_test)
        words = f"At t = {numeral(t)} theory says train {numeral(losses.train)}, test {numeral(losses.test)}"
        frame = snapshot.frame
        if frame is not None:
            words += f"; networks at t = {numeral(frame.time)}: test {mean_and_error(frame.losses['test'])}"
        lowest = _lowest(of_theory)
        stop = (
            f" Lowest test loss {numeral(lowest['y'][0])} at t = {numeral(lowest['x'][0])}."
            if len(lowest["x"])
            else f" The test loss {'still falls' if _still_falls(of_theory) else 'has settled'} at the end."
        )
        edge = f"Largest stable step {numeral(known.flow.max_learning_rate)}"
        if snapshot.predicted is not None:
            edge += f"; theory takes steps of {numeral(dynamics.optimizer.learning_rate)}"
        return f"{words}.{stop} {edge}."


def _of_theory(snapshot: Snapshot) -> OfTheory:
    known = snapshot.theory
    return snapshot.predicted or OfTheory(known.flow, known.times, known.train_loss, known.test_loss)


def _still_falls(of_theory: OfTheory) -> bool:
    """Whether the test loss falls notably in the second half of the time."""
    middle, end = np.interp([of_theory.times[-1] / 2, of_theory.times[-1]], of_theory.times, of_theory.test_loss)
    return bool(end < (1 - _NOTABLE) * middle)


def _lowest(of_theory: OfTheory) -> dict[str, Any]:
    """Return the mark of the time to stop; none where the test loss does not rise again."""
    times, loss = of_theory.times, of_theory.test_loss
    best = int(np.argmin(np.where(np.isfinite(loss), loss, np.inf)))
    if loss[-1] <= (1 + _NOTABLE) * loss[best]:
        return nothing("labels")
    # On the side where the train loss is not.
    text = "▴\nlowest" if of_theory.train_loss[best] > loss[best] else "lowest\n▾"
    return {"x": times[[best]], "y": loss[[best]], "text": [text]}
