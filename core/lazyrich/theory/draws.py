"""Random training sets from a pool of points, and the errors that are measured with them."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from .._checks import flag, number, seed_of, whole


def sizes(value: Any, name: str, most: int) -> list[int]:
    """Return a whole number or several, each from 1 to `most`, as a list."""
    is_several = isinstance(value, (list, tuple, range, np.ndarray)) and np.size(value) > 0
    return [whole(entry, name, 1, most) for entry in (np.ravel(value) if is_several else [value])]


class Draw(NamedTuple):
    """A training set: rows of the pool and their noisy targets (n, C), and the rows to test on."""

    rows: np.ndarray
    y: np.ndarray
    tested: np.ndarray | slice

    def errors(self, outputs: np.ndarray, y: np.ndarray) -> tuple[float, float]:
        """Return test (without noise) and train mean squared errors, summed over outputs, of outputs on the pool."""
        off = outputs[self.tested] - y[self.tested], outputs[self.rows] - self.y
        test, train = (float((error**2).sum(axis=1).mean()) for error in off)
        return test, train


class Trial(NamedTuple):
    """One order of the pool's points, the noisy targets in it, and random numbers for what else is drawn."""

    order: np.ndarray
    noisy: np.ndarray
    replace: bool
    rng: np.random.Generator

    def first(self, n: int) -> Draw:
        """Return the training set of the first n points."""
        return Draw(self.order[:n], self.noisy[:n], slice(None) if self.replace else self.order[n:])


def trials_of(y: np.ndarray, noise: float, trials: int, replace: bool, seed: int) -> Iterator[Trial]:
    """Yield as many orders as the pool has points, drawn with replacement or without, with noise on the targets."""
    points = len(y)
    for rng in np.random.default_rng(seed).spawn(trials):
        order = rng.integers(points, size=points) if replace else rng.permutation(points)
        yield Trial(order, y[order] + np.sqrt(noise) * rng.standard_normal(y.shape), replace, rng)


class Settings(NamedTuple):
    """What both measured curves are told, once it is checked."""

    ridge: float
    noise: float
    trials: int
    replace: bool
    seed: int

    @classmethod
    def checked(cls, ridge: Any, noise: Any, trials: Any, replace: Any, seed: Any) -> "Settings":
        """Return the settings, or raise a `ValueError`."""
        return cls(
            number(ridge, "ridge", least=0), number(noise, "noise", least=0), whole(trials, "trials", 1),
            flag(replace, "replace"), seed_of(seed),
        )  # fmt: skip

    def attributes(self, points: int) -> dict[str, float]:
        """Return what to store beside the results; NetCDF has no truth values."""
        return {**self._asdict(), "replace": int(self.replace), "points": points}
