"""Measured learning curves of kernel ridge regression: training sets drawn from a pool of points, beside the theory.

One Gram matrix of the pool serves every draw. With replacement the draws are the independent ones that
`kernel_regression_risk` speaks of, and the pool is the population; without, the points left out are new, as in
`held_out_risk`.
"""

from typing import Any

import numpy as np
import xarray as xr

from .._checks import as_matrix, as_targets, flag, number, seed_of, whole
from ..results import labelled
from ..spectra.cholesky import cholesky


def sizes(value: Any, name: str, most: int) -> np.ndarray:
    """Return a whole number or several, each from 1 to `most`, as a vector."""
    is_several = isinstance(value, (list, tuple, range, np.ndarray)) and np.size(value) > 0
    return np.array([whole(entry, name, 1, most) for entry in (np.ravel(value) if is_several else [value])])


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


def mean_square(errors: np.ndarray) -> float:
    """Return the mean over points of the sum over outputs of the squared errors, (points, C)."""
    return float((errors**2).sum(axis=1).mean())


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
    kernel = as_matrix(kernel, "kernel", (None, None))
    points = len(kernel)
    kernel, y = as_matrix(kernel, "kernel", (points, points)), as_targets(y, "y", points)
    ridge, noise = number(ridge, "ridge", least=0), number(noise, "noise", least=0)
    n = sizes(n, "n", points if flag(replace, "replace") else points - 1)
    streams = np.random.default_rng(seed_of(seed)).spawn(whole(trials, "trials", 1))
    test, train = np.empty((2, len(n), trials))
    for trial, rng in enumerate(streams):
        order = rng.integers(points, size=n.max()) if replace else rng.permutation(points)
        noisy = y[order] + np.sqrt(noise) * rng.standard_normal((len(order), y.shape[1]))
        for row, size in enumerate(n):
            drawn = order[:size]
            outputs = _fit(kernel, noisy[:size], drawn, ridge)
            tested = slice(None) if replace else order[size:]
            test[row, trial] = mean_square(outputs[tested] - y[tested]) + noise * y.shape[1]
            train[row, trial] = mean_square(outputs[drawn] - noisy[:size])
    return labelled(
        {"test": test, "train": train}, ("n", "trial"), {"n": n, "trial": np.arange(trials)},
        points=points, ridge=ridge, noise=noise, replace=int(replace), seed=seed,
    )  # fmt: skip
