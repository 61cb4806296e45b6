r"""Learning curves of real data, predicted from the Gram matrix of a finite pool of points.

The P points of the pool, each with weight 1/P, are a population with the eigenvalues and eigenvectors of Gram/P.
`kernel_regression_risk` with them predicts the error on the whole pool, training points included, and so for n well
below P alone, before many points are drawn twice. Tested on the points that were *not* drawn, a larger error is
measured, without ridge by P/(P - n): `held_out_risk` predicts that one, for every n below P. It is also the error on
points that the pool never held, as those left out are new to the n drawn.
"""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from .._checks import number, number_or_array, of_type
from .._float64 import float64
from ..spectra import Eigensystem, eigensystem
from .learning_curves import kernel_regression_risk
from .risk import Risk


class PoolSpectrum(NamedTuple):
    """A pool of points as a population: what the learning-curve functions take.

    Attributes:
        eigenvalues: those of Gram/P that stand out of rounding, descending, (M,).
        coefficients: of the targets in the eigenvectors, times 1/sqrt(P), so that their squares add up to the mean
            square of the targets, (M, C).
        noise: what the targets have in the other modes, which no kernel regression can learn: a variance for each
            output, their mean.
        points: number P of points.
    """

    eigenvalues: Float[np.ndarray, " modes"]
    coefficients: Float[np.ndarray, "modes out_dim"]
    noise: float
    points: int


def spectrum_from_gram(kernel: Any, y: Any) -> PoolSpectrum:
    """Return the spectrum of a pool of points and the target's coefficients in it.

    Args:
        kernel: Gram matrix of the pool, (P, P), or its `Eigensystem`.
        y: targets, (P, C); a vector means C = 1.

    Raises:
        ValueError: a kernel that is not positive semi-definite or is zero, or targets of another length.
    """
    system = kernel if isinstance(kernel, Eigensystem) else eigensystem(kernel)
    values, points = np.asarray(system.values), len(system.values)
    coefficients = np.asarray(system.coefficients(y)) / np.sqrt(points)
    stands_out = values > system.resolution
    if not stands_out.any():
        raise ValueError("kernel must have an eigenvalue above 0; got zeros alone. Give K(x, x) of points that differ.")
    noise = (coefficients[~stands_out] ** 2).sum() / coefficients.shape[1]
    return PoolSpectrum(values[stands_out] / points, coefficients[stands_out], float(noise), points)


@float64
def held_out_risk(pool: PoolSpectrum, *, n: Any, ridge: float = 0.0, noise: float = 0.0) -> Risk:
    r"""Return the predicted risk of training on n points drawn from a pool without replacement, tested on the others.

    Derived, for eigenvectors in general position:

    1. The predictions on the others are those without ridge for the kernel $K + \delta I$ of the whole pool, whose
       entries between training and other points are the same. So the spectrum is $\lambda_i + \delta/P$.
    2. Without ridge the error on the n training points is 0, and the mean over the pool is what the theory predicts
       for the population (a random projection of rank n is free of the kernel, and its S-transform leads to the same
       equation and the same mean). It is all on the P - n others: theirs is P/(P - n) times as large.
    3. With $L_i = \lambda_i/(\lambda_i+\kappa)$, $\kappa$ including $\delta/P$, each training residual is
       $1 - \sum_i L_i/n$ of what it would be if its point were left out (generalised cross-validation).

    Args:
        pool: spectrum of the pool, from `spectrum_from_gram`.
        n: number of training points, above 0 and below P; a number or an array.
        ridge: delta >= 0, not divided by n.
        noise: variance of noise added to each output of the pool's targets.

    Raises:
        ValueError: an argument out of its range.
    """
    of_type(pool, "pool", PoolSpectrum, "Make one with lazyrich.spectrum_from_gram.")
    n, ridge, noise = number_or_array(n, "n", above=0), number(ridge, "ridge", least=0), number(noise, "noise", least=0)
    if np.max(n) >= pool.points:
        raise ValueError(
            f"n must be below the number of points in the pool, {pool.points}; got {np.max(n):g}. Lower n."
        )
    missing, outputs = pool.points - len(pool.eigenvalues), pool.coefficients.shape[1]
    eigenvalues, power, rest = pool.eigenvalues, pool.coefficients**2, pool.noise
    if ridge and missing:
        # The ridge lifts the other modes out of rounding; being equal, they may share the targets' power equally.
        eigenvalues = np.append(eigenvalues, np.zeros(missing))
        power, rest = np.append(power, np.full((missing, outputs), pool.noise / missing), axis=0), 0.0
        missing = 0
    coefficients = np.sqrt(power + noise / pool.points)
    shift = ridge / pool.points
    whole = kernel_regression_risk(eigenvalues + shift, coefficients, n=n, noise=rest + noise * missing / pool.points)
    kappa = whole.kappa + shift
    learned = eigenvalues / (eigenvalues + np.asarray(kappa)[..., None])
    test = whole.test * pool.points / (pool.points - n)
    return Risk(test, np.maximum(1 - learned.sum(axis=-1) / n, 0.0) ** 2 * test, kappa, learned)
