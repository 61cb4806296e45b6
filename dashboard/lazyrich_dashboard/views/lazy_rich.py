"""Lazy to rich: does the kernel of a finite network move while it learns?"""

import numpy as np

from ..live import band, padded
from ..marks import Axis, Columns, Part
from ..numerals import numeral
from ..results import Snapshot
from .base import Range, View, mean_and_error, nothing, rule


class KernelMovementView(View):
    """Relative distance of the empirical kernel from its start, beside the lazy limit, which stays at 0."""

    title = "Kernel movement"
    question = "Lazy or rich: does the kernel change?"
    x = Axis("time t = learning rate × steps", log=True)
    y = Axis("|Θₜ − Θ₀| / |Θ₀|")
    parts = (
        Part("spread", "band", "trained", legend=False),
        Part("lazy limit, infinite width", "line", "theory"),
        Part("nets", "points", "trained"),
        Part("time t", "rule", "guide", legend=False),
    )
    pinnable = ("nets",)

    def columns(self, snapshot: Snapshot) -> Columns:
        """Return the networks' mean and spread, and the lazy limit."""
        times = snapshot.theory.times
        frames = snapshot.trained
        mean, spread = nothing(), nothing()
        if frames:
            x = np.array([frame.time for frame in frames])
            movement = np.array([frame.movement for frame in frames])
            mean = {"x": x, "y": movement.mean(axis=1)}
            spread = band(x, movement.min(axis=1), movement.max(axis=1))
        result = {
            "nets": mean,
            "spread": spread,
            "lazy limit, infinite width": {"x": times[[0, -1]], "y": np.zeros(2)},
        }
        return {**result, "time t": rule(snapshot.time, self._movement(result))}

    @staticmethod
    def _movement(columns: Columns) -> Range:
        """Return an axis from 0 that shows at least a tenth, so that noise does not fill it."""
        top = padded([columns["spread"]["y"], np.array([0.1])], log=False)[1]
        return (-0.03 * top, top)

    def ranges(self, snapshot: Snapshot, columns: Columns) -> tuple[Range, Range]:
        """Return the theory's time range and the movement's."""
        return padded([snapshot.theory.times], log=True, pad=0.02), self._movement(columns)

    def summary(self, snapshot: Snapshot) -> str:
        """Say how far the kernel has moved."""
        frame = snapshot.frame
        if frame is None:
            return (
                "An infinitely wide lazy network's kernel never moves; the finite networks have not come this far yet."
            )
        count = len(frame.movement)
        return (
            f"At t = {numeral(frame.time)} the kernels of {count} network{'s' * (count > 1)} have moved by "
            f"{mean_and_error(frame.movement)} of their size; in the lazy limit they never do."
        )
