r"""The exponent of a heavy tail, $p(\lambda) \propto \lambda^{-\alpha}$ above some $\lambda_{\min}$.

$\alpha$ is the exponent of the *density*, as in the work on weight matrices of Martin & Mahoney 2021, where
$\lambda = \sigma^2$ are the eigenvalues of $W^T W$. Eigenvalues that fall with their rank as $i^{-s}$, which is what
`fit_power_law` fits, have $\alpha = 1 + 1/s$: the number of them above $\lambda$ is proportional to
$\lambda^{-1/s}$.

The package `powerlaw` does the same fit, but plots as well, and brings matplotlib.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._checks import as_array, whole

_LEAST_VALUES = 10


@dataclass(frozen=True)
class PowerLawTail:
    r"""$p(\lambda) \propto \lambda^{-\alpha}$ for $\lambda \ge$ `minimum`.

    Attributes:
        exponent: alpha, above 1.
        stderr: its standard error $(\alpha - 1)/\sqrt k$ for independent values and a `minimum` that was known;
            eigenvalues repel one another, and the minimum was looked for, so it is a guide.
        minimum: the smallest value of the tail.
        count: how many values k the tail has.
        distance: Kolmogorov-Smirnov distance of the tail from the fit. Where it is well above $0.55/\sqrt k$, the
            median of true power laws fitted so, the values follow none.
    """

    exponent: float
    stderr: float
    minimum: float
    count: int
    distance: float


def fit_power_law_tail(values: Any, *, least: int = _LEAST_VALUES) -> PowerLawTail:
    r"""Fit the density of the largest values by a power law.

    For each candidate $\lambda_{\min}$ among the values, $\alpha = 1 + k / \sum_i \ln(\lambda_i/\lambda_{\min})$ over
    the k values from it on (Hill 1975); of these the fit with the smallest Kolmogorov-Smirnov distance is returned
    (Clauset, Shalizi & Newman 2009, section 3).

    Args:
        values: positive numbers in any order, (m,): eigenvalues, or squared singular values.
        least: how many values a tail must have, at least 2; a fit of fewer than 50 says little.

    Raises:
        ValueError: fewer than `least` values, values that are not positive, or that are all equal.
    """
    values = as_array(values, "values")
    least = whole(least, "least", 2)
    if values.ndim != 1 or len(values) < least:
        raise ValueError(
            f"values must be a vector of at least {least} numbers; got shape {values.shape}. Give a longer spectrum."
        )
    if values.min() <= 0:
        raise ValueError(f"values must be positive; got {values.min():.3g}. Leave out those that are zero.")
    values = np.sort(values)[::-1]
    logs, k = np.log(values), np.arange(1, len(values) + 1)
    # Entry j is that of the tail of the j + 1 largest values.
    excess = np.cumsum(logs) - k * logs
    candidates = np.flatnonzero((k >= least) & (excess > 0))
    if not len(candidates):
        raise ValueError(f"values must differ to have a tail; got {values[0]:.3g} in each. Give a spectrum that falls.")
    exponents = 1 + k[candidates] / excess[candidates]
    distances = [_distance(logs[: j + 1], alpha) for j, alpha in zip(candidates, exponents, strict=True)]
    best = int(np.argmin(distances))
    alpha, j = float(exponents[best]), int(candidates[best])
    return PowerLawTail(alpha, (alpha - 1) / float(np.sqrt(j + 1)), float(values[j]), j + 1, float(distances[best]))


def _distance(logs: np.ndarray, alpha: float) -> float:
    """Return the Kolmogorov-Smirnov distance of a tail, given the descending logarithms of its values."""
    k = len(logs)
    beyond = np.exp(-(alpha - 1) * (logs - logs[-1]))  # the fitted share of larger values
    return float(max(np.abs(beyond - np.arange(k) / k).max(), np.abs(beyond - np.arange(1, k + 1) / k).max()))
