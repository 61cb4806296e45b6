"""Predicted learning curves beside one eigendecomposition of a 512 x 512 matrix, and beside the usual loop over n."""

from collections.abc import Callable, Iterator
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import brentq

import lazyrich as lr
from benchmarks.problems import points
from benchmarks.timing import Row, compare


def _eigh(n: int) -> Callable:
    """Return a call of JAX's eigh, compiled, in float64."""
    with jax.enable_x64(True):
        x = points(n, 2 * n)
        matrix, eigh = jnp.asarray(x @ x.T / n), jax.jit(jnp.linalg.eigh)

    def run():
        with jax.enable_x64(True):
            return eigh(matrix)

    return run


def _loop(eigenvalues: np.ndarray, sizes: np.ndarray, ridge: float, noise: float) -> list[float]:
    """Return the test errors of a target of the prior, one root at a time with SciPy, in log kappa."""
    errors = []
    for n in sizes:

        def excess(u, n=n):
            return (eigenvalues / (eigenvalues + np.exp(u))).sum() + ridge * np.exp(-u) - n

        learned = eigenvalues / (eigenvalues + np.exp(brentq(excess, -60, 60, xtol=1e-14, rtol=1e-14)))
        errors.append(((1 - learned) ** 2 @ eigenvalues + noise) * n / (n - learned @ learned))
    return errors


def rows() -> Iterator[Row]:
    modes, sizes = 2000, np.geomspace(1, 1900, 100)
    eigenvalues = np.arange(1, modes + 1.0) ** -1.5
    spectrum = eigenvalues, np.sqrt(eigenvalues)
    eigh, beside = _eigh(512), "one eigh, 512 x 512, float64"
    for ridge in (0.0, 0.1):
        settings, what = (
            {"n": sizes, "ridge": ridge, "noise": 0.1},
            f"100 values of n, {modes:,} modes, ridge {ridge:g}",
        )
        kernel = partial(lr.kernel_regression_risk, *spectrum, **settings)
        yield compare(f"kernel: {what}", kernel, beside, eigh)
        yield compare(
            f"300 features: {what}", partial(lr.random_feature_risk, *spectrum, k=300, **settings), beside, eigh
        )
        yield compare(
            f"kernel: {what}", kernel, "SciPy's brentq for each n", partial(_loop, eigenvalues, sizes, ridge, 0.1)
        )
