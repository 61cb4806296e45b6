r"""Learning curves of kernel ridge regression, from the kernel's spectrum alone.

With eigenvalues $\lambda_i$ of the kernel operator, target coefficients $v_i$, ridge $\delta$ (not divided by n) and
noise variance $\sigma^2$, the constant $\kappa$ solves $\sum_i \lambda_i/(\lambda_i + \kappa) + \delta/\kappa = n$ and

$$L_i = \frac{\lambda_i}{\lambda_i+\kappa}, \quad E_0 = \frac{n}{n - \sum_i L_i^2}, \quad
\text{test} = E_0 \Big[\sum_i (1-L_i)^2 v_i^2 + \sigma^2\Big], \quad
\text{train} = \Big(\frac{\delta}{n\kappa}\Big)^2 \text{test} .$$

Source: Simon, Dickens, Karkada & DeWeese 2023, "The eigenlearning framework", eqs. 4-9.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq

from .._checks import as_array, number

# The square of a larger one leaves the range of float64.
_LARGEST = 1e150


@dataclass(frozen=True, eq=False)
class Risk:
    """Predicted mean squared errors (no factor 1/2, summed over outputs) and what they follow from.

    Attributes:
        test: mean squared error on new noisy targets.
        train: mean squared error on the training targets.
        kappa: effective ridge.
        learnability: how much of each mode is learned, between 0 and 1, (M,).
    """

    test: float
    train: float
    kappa: float
    learnability: Float[np.ndarray, " modes"]


def kernel_regression_risk(
    eigenvalues: Any, coefficients: Any, *, n: float, ridge: float = 0.0, noise: float = 0.0
) -> Risk:
    """Return the predicted risk of kernel ridge regression on n points.

    Args:
        eigenvalues: those of the kernel operator (of Gram/n on a large sample), positive, (M,).
        coefficients: the target's coefficients v_i in the operator's orthonormal eigenfunctions, (M,) or (M, C).
        n: number of training points, above 0.
        ridge: delta >= 0, not divided by n; at 0 the limit is taken.
        noise: variance of the noise on the targets.

    Raises:
        ValueError: an argument out of its range, or n equal to the number of modes without ridge, where the risk
            diverges.
    """
    eigenvalues, power = spectrum_and_power(eigenvalues, coefficients)
    n, ridge, noise = number(n, "n", above=0), number(ridge, "ridge", least=0), number(noise, "noise", least=0)
    kappa = effective_ridge(eigenvalues, n, ridge)
    learned = eigenvalues / (eigenvalues + kappa)
    left = n - (learned**2).sum()
    if left <= 0:
        raise ValueError(
            f"Without ridge, n must differ from the number of modes, where the risk diverges; got {n:g} of both. "
            "Give a ridge above 0, or another n."
        )
    test = n / left * (((1 - learned) ** 2 * power).sum() + noise)
    # delta/kappa is n - sum L_i, which has a limit where both are 0.
    train = max(1 - learned.sum() / n, 0.0) ** 2 * test
    return Risk(float(test), float(train), kappa, learned)


def spectrum_and_power(eigenvalues: Any, coefficients: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return eigenvalues and squared coefficients, both (M,), once they are checked."""
    eigenvalues = as_array(eigenvalues, "eigenvalues")
    coefficients = as_array(coefficients, "coefficients")
    if eigenvalues.ndim != 1 or eigenvalues.size == 0 or eigenvalues.min() <= 0:
        raise ValueError(
            f"eigenvalues must be a vector of positive numbers; got shape {eigenvalues.shape}"
            + (f" with smallest {eigenvalues.min():.3g}" if eigenvalues.size else "")
            + ". Leave out modes at the level of rounding."
        )
    if coefficients.ndim not in (1, 2) or len(coefficients) != len(eigenvalues):
        raise ValueError(
            f"coefficients must have one row for each of the {len(eigenvalues)} eigenvalues; got "
            f"{coefficients.shape}. Give v_i in the same order."
        )
    largest = max(eigenvalues.max(), np.abs(coefficients).max(initial=0.0))
    if largest > _LARGEST:
        raise ValueError(
            f"eigenvalues and coefficients must be at most {_LARGEST:g} in size; got {largest:.3g}. Scale them."
        )
    return eigenvalues, (coefficients**2).reshape(len(eigenvalues), -1).sum(axis=1)


def effective_ridge(eigenvalues: np.ndarray, n: float, ridge: float) -> float:
    r"""Return $\kappa$; 0 where there is no ridge and at least as many points as modes.

    Solved for $\log\kappa$: on steep spectra $\kappa$ is far below the resolution of a linear bisection.
    """
    modes = len(eigenvalues)
    if ridge == 0 and n >= modes:
        return 0.0

    def excess(log_kappa: float) -> float:
        kappa = np.exp(log_kappa)
        return float((eigenvalues / (eigenvalues + kappa)).sum() + ridge / kappa - n)

    # Brackets: sum L_i <= sum lambda / kappa, so kappa <= (sum lambda + ridge)/n; and sum L_i + ridge/kappa > n for
    # kappa below ridge/n, or without ridge below lambda_min (M - n)/(2M).
    high = np.log((eigenvalues.sum() + ridge) / n)
    low = np.log(ridge / n) if ridge else np.log(eigenvalues.min() * (modes - n) / (2 * modes))
    return float(np.exp(root(excess, low - 1e-6, high + 1e-6)))


def root(function: Callable[[float], float], low: float, high: float) -> float:
    """Return the root of a decreasing function between `low` and `high`."""
    return float(brentq(function, low, high, xtol=1e-14, rtol=1e-14, maxiter=500))  # type: ignore[arg-type]
