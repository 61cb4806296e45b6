"""Measured learning curves of kernel ridge regression: training sets drawn from a pool of points, beside the theory.

One Gram matrix of the pool serves every draw. Without replacement the points left out are new, as in `held_out_risk`.
With replacement the draws are independent and the pool is the population, as in `kernel_regression_risk`, whose
features in general position the few points of a pool have only while hardly any is drawn twice, n well below P.
"""

from typing import Any

import numpy as np
import xarray as xr

from .._checks import as_matrix, as_targets
from ..results import labelled
from ..spectra.cholesky import cholesky
from .draws import Settings, sizes, trials_of


def _as_gram(value: Any) -> np.ndarray:
    """Return a square, symmetric matrix."""
    kernel = as_matrix(value, "kernel", (None, None))
    gap = np.abs(kernel - kernel.T).max() if len(kernel) == len(kernel.T) else np.inf
    if gap > 1e-8 * np.abs(kernel).max():
        raise ValueError(
            f"kernel must be square and symmetric; got shape {kernel.shape}, whose entries differ from their mirror "
            f"images by up to {gap:.3g}. Give K(x, x) of one set of points."
        )
    return kernel


def _fit(kernel: np.ndarray, y: np.ndarray, drawn: np.ndarray, ridge: float) -> np.ndarray:
    r"""Return the predictions on the pool, (P, C), after training on the points `drawn` with targets `y`.

    A point drawn m times counts once, with the mean of its targets and the ridge $\delta/m$: the same minimum, which
    keeps its limit without ridge.
    """
    points, where, times = np.unique(drawn, return_inverse=True, return_counts=True)
    means = np.zeros((len(points), y.shape[1]))
    np.add.at(means, where, y)
    matrix = kernel[np.ix_(points, points)] + np.diag(ridge / times)
    return kernel[:, points] @ cholesky(matrix, 0.0).solve(means / times[:, None])


def measured_kernel_risk(
    kernel: Any,
    y: Any,
    *,
    n: Any,
    ridge: float = 0.0,
    noise: float = 0.0,
    trials: int = 10,
    replace: bool = False,
    seed: int = 0,
) -> xr.Dataset:
    """Return test and train errors of kernel ridge regression on random subsets of a pool.

    Within a trial the smaller training sets are part of the larger ones. The standard error of the mean over trials is
    `result.test.std("trial", ddof=1) / trials**0.5`; that the pool itself is a sample is not in it.

    Args:
        kernel: Gram matrix of the pool, (P, P), symmetric positive semi-definite.
        y: targets of the pool, (P, C); a vector means C = 1.
        n: numbers of training points, a whole number or several, (S,); without replacement below P.
        ridge: delta >= 0, not divided by n.
        noise: variance of the noise drawn anew for each output of the training targets. That of new targets adds its
            expectation to the test error.
        trials: number of draws.
        replace: draw points independently, so that one may come twice, and test on the whole pool; otherwise test on
            those that were not drawn.
        seed: a whole number below 2^32.

    Returns:
        `test` and `train` over (n, trial): mean squared errors, no factor 1/2, summed over outputs, as in `Risk`.

    Raises:
        ValueError: an argument out of its range, shapes that do not fit, or a training kernel that without ridge is
            singular to rounding.
    """
    kernel = _as_gram(kernel)
    points = len(kernel)
    y = as_targets(y, "y", points)
    settings = Settings.checked(ridge, noise, trials, replace, seed)
    n = sizes(n, "n", points if replace else points - 1)
    errors = np.empty((2, len(n), settings.trials))
    for column, trial in enumerate(trials_of(y, settings.noise, settings.trials, settings.replace, settings.seed)):
        for row, size in enumerate(n):
            draw = trial.first(size)
            errors[:, row, column] = draw.errors(_fit(kernel, draw.y, draw.rows, settings.ridge), y)
    test, train = errors[0] + y.shape[1] * settings.noise, errors[1]
    return labelled({"test": test, "train": train}, ("n", "trial"), {"n": n}, **settings.attributes(points))
