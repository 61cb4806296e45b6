"""Timing two things in turns, so that a machine whose speed drifts treats both alike."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax


@dataclass(frozen=True)
class Row:
    """One comparison: medians in milliseconds."""

    what: str
    ours: float
    beside: str
    other: float

    @property
    def ratio(self) -> float:
        return self.other / self.ours


@dataclass(frozen=True)
class Note:
    """What could not be compared, and why."""

    text: str


def milliseconds(function: Callable[[], Any]) -> float:
    start = time.perf_counter()
    jax.block_until_ready(function())
    return 1e3 * (time.perf_counter() - start)


def compare(
    what: str,
    ours: Callable[[], Any],
    beside: str,
    other: Callable[[], Any],
    rounds: int = 7,
    time_other: Callable[[Callable[[], Any]], float] = milliseconds,
) -> Row:
    """Time `ours` and `other` in turns, after one uncounted call of each; `time_other` is the latter's clock."""
    milliseconds(ours), time_other(other)
    times = [(milliseconds(ours), time_other(other)) for _ in range(rounds)]
    first, second = (statistics.median(column) for column in zip(*times, strict=True))
    return Row(what, first, beside, second)
