r"""Measured risk of ridge regression on a given spectrum, beside `kernel_regression_risk` and `random_feature_risk`.

Where the other measured curves take a pool of points, here the eigenfunctions are drawn: independent standard normal
values $\phi_i(x)$, (n, M), which is what the theory takes them for. With $\Phi\Lambda^{1/2} = U S V^T$, or
$\Phi\Lambda^{1/2} G/\sqrt k$ for k features with a normal G, the coefficients learned are
$\hat v = \Lambda^{1/2} V\, S/(S^2 + \delta)\, U^T y$, with $\Lambda^{1/2} G/\sqrt k$ in front for features, and the
test error is $|v - \hat v|^2 + \sigma^2$, exactly: there are no test points. All ridges take one decomposition.
"""

from typing import Any

import numpy as np
import xarray as xr

from .._checks import number, number_or_array, seed_of, whole
from ..results import labelled
from .draws import sizes
from .risk import checked

_MOST_NUMBERS = 1e8


def measured_spectrum_risk(
    eigenvalues: Any,
    coefficients: Any,
    *,
    n: Any,
    k: int | None = None,
    ridge: Any = 0.0,
    noise: float = 0.0,
    trials: int = 10,
    seed: int = 0,
) -> xr.Dataset:
    """Return test and train errors of ridge regressions on random Gaussian eigenfunctions.

    Args:
        eigenvalues: those of the kernel operator, positive, (M,).
        coefficients: the target's coefficients v_i, (M,) or (M, C).
        n: numbers of training points, a whole number or several, (S,); within a trial the smaller sets are part of the
            larger ones.
        k: number of features; None for the kernel itself.
        ridge: delta >= 0, not divided by n, a number or several, (R,); without it the solution of least norm is taken.
        noise: variance of the noise on each output of the targets.
        trials: number of draws.
        seed: a whole number below 2^32.

    Returns:
        `test` and `train` over (n, ridge, trial): mean squared errors, no factor 1/2, summed over outputs, as `Risk`.

    Raises:
        ValueError: an argument out of its range, or draws of too many numbers.
    """
    n = sizes(n, "n", int(_MOST_NUMBERS))
    ridge = np.atleast_1d(number_or_array(ridge, "ridge", least=0))
    noise, trials, seed = number(noise, "noise", least=0), whole(trials, "trials", 1), seed_of(seed)
    problem = checked(eigenvalues, coefficients, max(n), k or np.inf, 0.0, noise)
    k = None if k is None else whole(k, "k", 1)
    roots = np.sqrt(np.asarray(problem.eigenvalues, np.float64))
    if len(roots) * max(*n, k or 1) > _MOST_NUMBERS:
        raise ValueError(
            f"A draw may have {_MOST_NUMBERS:g} numbers, modes x points or features; got {len(roots)} modes. "
            "Lower n or k, or leave out the last modes."
        )
    v = np.asarray(coefficients, np.float64).reshape(len(roots), -1)
    errors = np.empty((2, len(n), len(ridge), trials))
    for column, rng in enumerate(np.random.default_rng(seed).spawn(trials)):
        phi = rng.standard_normal((max(n), len(roots)))
        y = phi @ v + np.sqrt(noise) * rng.standard_normal((max(n), v.shape[1]))
        basis = np.diag(roots) if k is None else roots[:, None] * rng.standard_normal((len(roots), k)) / np.sqrt(k)
        features = phi * roots if k is None else phi @ basis
        for row, size in enumerate(n):
            errors[:, row, :, column] = _errors(features[:size], y[:size], basis, v, ridge)
    errors[0] += v.shape[1] * noise
    settings = {"noise": noise, "trials": trials, "seed": seed, "k": np.inf if k is None else k}
    return labelled(
        {"test": errors[0], "train": errors[1]}, ("n", "ridge", "trial"), {"n": n, "ridge": ridge}, **settings
    )


def _errors(features: np.ndarray, y: np.ndarray, basis: np.ndarray, v: np.ndarray, ridge: np.ndarray) -> np.ndarray:
    """Return test (without noise) and train errors of one training set at every ridge, (2, R)."""
    left, values, right = np.linalg.svd(features, full_matrices=False)
    is_rounding = values <= max(features.shape) * np.finfo(np.float64).eps * values[0]
    along, found = left.T @ y, []
    for delta in ridge:
        gain = np.where(is_rounding, 0.0, values / np.where(is_rounding, 1.0, values**2 + delta))
        weights = right.T @ (gain[:, None] * along)
        off = v - basis @ weights, y - features @ weights
        found.append(((off[0] ** 2).sum(), (off[1] ** 2).sum() / len(y)))
    return np.array(found).T
