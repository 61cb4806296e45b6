r"""Power-law fits of a spectrum, with their uncertainty.

A kernel's eigenvalues often fall as $\lambda_i \propto i^{-\alpha}$ over a range of ranks: the first few are set by the
data's coarse structure, the last few by the finite sample. The fit says which ranks it used.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._checks import as_array, whole

_LEAST_POINTS = 5


@dataclass(frozen=True)
class PowerLaw:
    r"""$\lambda_i = A i^{-\alpha}$ fitted over the ranks `first`...`last` (counted from 1, both included)."""

    exponent: float
    stderr: float
    prefactor: float
    first: int
    last: int

    def __call__(self, rank: Any) -> np.ndarray:
        """Return the fitted eigenvalue at each rank."""
        return self.prefactor * np.asarray(rank, dtype=np.float64) ** -self.exponent


def fit_power_law(values: Any, first: int | None = None, last: int | None = None) -> PowerLaw:
    r"""Fit $\log \lambda_i = \log A - \alpha \log i$ by least squares.

    Args:
        values: eigenvalues in descending order, (n,).
        first: first rank used, from 1; by default 3, past the leading modes.
        last: last rank used; by default n/2, before the spectrum of a finite sample bends down.

    Returns:
        The fit. Its standard error is that of ordinary least squares on independent residuals; eigenvalues are
        correlated, so it is a lower bound.

    Raises:
        ValueError: fewer than 5 ranks in the window, or eigenvalues in it that are not positive or not descending.
    """
    values = as_array(values, "values")
    if values.ndim != 1:
        raise ValueError(f"values must be a vector of eigenvalues; got shape {values.shape}. Give one spectrum.")
    first = 3 if first is None else whole(first, "first", 1)
    last = max(len(values) // 2, 1) if last is None else whole(last, "last", 1)
    ranks = np.arange(first, min(last, len(values)) + 1)
    if len(ranks) < _LEAST_POINTS:
        raise ValueError(
            f"A power law needs at least {_LEAST_POINTS} ranks; got {len(ranks)} ({first} to {last} of "
            f"{len(values)}). Give more points or a wider window."
        )
    window = values[ranks - 1]
    if window.min() <= 0:
        raise ValueError(
            f"A power law needs positive eigenvalues; got {window.min():.3g} at rank {ranks[window.argmin()]}. "
            "End the window before it."
        )
    if (np.diff(window) > 0).any():
        raise ValueError(
            "A power law needs eigenvalues in descending order; got an increase at rank "
            f"{ranks[1:][np.diff(window) > 0][0]}. Sort them."
        )
    x, y = np.log(ranks), np.log(window)
    centred = x - x.mean()
    slope = (centred @ y) / (centred @ centred)
    residuals = y - y.mean() - slope * centred
    stderr = np.sqrt(residuals @ residuals / (len(x) - 2) / (centred @ centred))
    prefactor = np.exp(y.mean() - slope * x.mean())
    return PowerLaw(float(-slope), float(stderr), float(prefactor), int(ranks[0]), int(ranks[-1]))
