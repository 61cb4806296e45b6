"""Alignment: does the kernel of a finite network turn towards the labels, and away from its start, while it learns?

Both are read off the kernels of the networks that other views show too, while one of these views is on screen.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

import lazyrich as lr

from ..cache import RESULTS, SharedStream
from ..live import band, padded
from ..marks import Axis, Columns, Part
from ..numerals import numeral
from ..results import Snapshot, frames, nearest_checkpoint, theory
from .base import Range, View, mean_and_error, nothing, rule


@dataclass(frozen=True, eq=False)
class Aligned:
    """Alignment of the networks' kernels with the labels, and their CKA with the start, at a time; each (seeds,).

    NaN where it is not defined: of a network that diverged, and of kernels or labels that do not vary.
    """

    time: float
    labels: np.ndarray
    start: np.ndarray

    @property
    def nbytes(self) -> int:
        """Size, for the cache."""
        return self.labels.nbytes + self.start.nbytes


def alignments(experiment: lr.Experiment) -> SharedStream:
    """Return the stream of alignments, a checkpoint at a time, shared with every session that shows the same."""

    def compare() -> Iterator[Aligned]:
        y = theory(experiment).data.y_train[: experiment.training.ntk_points]
        first = None
        for frame in frames(experiment):
            first = frame.ntk if first is None else first
            labels = _of_each(lr.target_alignment, frame.ntk, [y] * len(frame.ntk))
            yield Aligned(frame.time, labels, _of_each(lr.centred_kernel_alignment, frame.ntk, first))

    key = ("alignment", experiment.to_json())
    return RESULTS.get(key, lambda: SharedStream(compare, experiment.training.checkpoints))


def _of_each(compare: Callable[[Any, Any], Any], kernels: np.ndarray, others: Iterable[np.ndarray]) -> np.ndarray:
    """Compare the kernel of each network with another matrix."""
    result = np.full(len(kernels), np.nan)
    for seed, (kernel, other) in enumerate(zip(kernels, others, strict=True)):
        with suppress(ValueError):
            result[seed] = compare(kernel, other)
    return result


class _AlignmentView(View):
    """What both alignments have in common: a number between 0 and 1 of each network, and a level in the lazy limit."""

    x = Axis("time t = learning rate × steps", log=True)
    # Of an `Aligned`.
    field: ClassVar[str]
    limit: ClassVar[str]
    networks: ClassVar[str]
    # The least height of the axis, so that noise does not fill it.
    least: ClassVar[float]

    def measure(self, experiment: lr.Experiment) -> SharedStream:
        """Return the alignments of the networks' kernels, one checkpoint at a time."""
        return alignments(experiment)

    def _drawn(self, snapshot: Snapshot) -> list[Aligned]:
        """Return the checkpoints after t = 0 at which all networks have the alignment."""
        return [at for at in snapshot.measured if at.time > 0 and np.isfinite(getattr(at, self.field)).all()]

    def _now(self, snapshot: Snapshot) -> Aligned | None:
        """Return the checkpoint nearest to the scrubber's time, if they have come that far."""
        return nearest_checkpoint(self._drawn(snapshot), snapshot.time)

    def columns(self, snapshot: Snapshot) -> Columns:
        """Return the mean over networks with their spread, and the level of the lazy limit."""
        drawn, mean, spread = self._drawn(snapshot), nothing(), nothing()
        if drawn:
            x, y = np.array([at.time for at in drawn]), np.array([getattr(at, self.field) for at in drawn])
            mean, spread = {"x": x, "y": y.mean(axis=1)}, band(x, y.min(axis=1), y.max(axis=1))
        level = {"x": snapshot.theory.times[[0, -1]], "y": np.full(2, snapshot.predicted)}
        result = {"spread": spread, self.limit: level, self.networks: mean}
        return {**result, "time t": rule(snapshot.time, self._heights(result))}

    def _heights(self, columns: Columns) -> Range:
        low, high = padded([part["y"] for part in columns.values()], log=False)
        missing = max(0.0, self.least - (high - low)) / 2
        return low - missing, high + missing

    def ranges(self, snapshot: Snapshot, columns: Columns) -> tuple[Range, Range]:
        """Return the theory's time range, and what is reached of alignment."""
        shown = {label: part for label, part in columns.items() if label != "time t"}
        return padded([snapshot.theory.times], log=True, pad=0.02), self._heights(shown)

    @staticmethod
    def _parts(limit: str, networks: str) -> tuple[Part, ...]:
        return (
            Part("spread", "band", "trained", legend=False),
            Part(limit, "line", "theory"),
            Part(networks, "points", "trained"),
            Part("time t", "rule", "guide", legend=False),
        )


class AlignmentView(_AlignmentView):
    """Alignment of the empirical kernel with the labels, beside that of the infinite-width kernel."""

    title = "Alignment"
    question = "Does the kernel turn to the task?"
    y = Axis("alignment with labels")
    field, least = "labels", 0.05
    limit, networks = "lazy limit", "with labels: nets"
    parts = _AlignmentView._parts(limit, networks)
    pinnable = (networks,)

    def predict(self, experiment: lr.Experiment) -> float:
        """Return the alignment of the infinite-width kernel, on the points that the networks' kernels are of."""
        known = theory(experiment)
        y = known.data.y_train[: experiment.training.ntk_points]
        if not np.any(y):
            raise ValueError(
                "A kernel is aligned with labels that are not all 0; got zeros alone. Change a label, or add noise."
            )
        vectors = known.spectrum.vectors[: len(y)]
        return float(lr.target_alignment((vectors * known.spectrum.values) @ vectors.T, y))

    def summary(self, snapshot: Snapshot) -> str:
        """Say how the kernel is aligned with the labels, beside what stays in the lazy limit."""
        words = f"In the lazy limit the kernel's alignment with the labels stays {numeral(snapshot.predicted)}"
        now = self._now(snapshot)
        if now is None:
            return f"{words}; the finite networks have not come this far yet."
        return (
            f"{words}; in the networks it goes from {mean_and_error(snapshot.measured[0].labels)} to "
            f"{mean_and_error(now.labels)} at t = {numeral(now.time)}."
        )


class StartAlignmentView(_AlignmentView):
    """Centred alignment (CKA) of the empirical kernel with its own start, which is 1 in the lazy limit."""

    title = "Alignment with the start"
    question = "Does the kernel turn at all?"
    y = Axis("CKA(Θₜ, Θ₀)")
    field, least = "start", 0.05
    limit, networks = "lazy limit: 1", "with its start: nets"
    parts = _AlignmentView._parts(limit, networks)
    pinnable = (networks,)

    def predict(self, experiment: lr.Experiment) -> float:
        """Return 1, if there is more than one point: of one there is nothing to centre."""
        count = min(experiment.training.ntk_points, theory(experiment).n)
        if count == 1:
            raise ValueError(
                "The centred alignment of two kernels is that of at least 2 training points; got 1. Add points."
            )
        return 1.0

    def summary(self, snapshot: Snapshot) -> str:
        """Say how much of its shape the kernel still has."""
        words, now = "A lazy kernel keeps its shape, CKA 1", self._now(snapshot)
        if now is None:
            return f"{words}; the finite networks have not come this far yet."
        return (
            f"{words}; at t = {numeral(now.time)} the networks' kernels share {mean_and_error(now.start)} with "
            "their start. This does not see a kernel grow."
        )
