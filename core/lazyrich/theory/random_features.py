r"""Learning curves of random-feature ridge regression: k features, the kernel $\frac1k \Psi\Psi^T$.

$\kappa$ and $g$ solve $n = z + \delta/\kappa$ and $k = z + k\kappa/g$ with $z = \sum_i \lambda_i/(\lambda_i+g)$; with
$q = \sum_i (\lambda_i/(\lambda_i+g))^2$,

$$\text{test} = \frac{\sum_i (\frac{g}{\lambda_i+g} - \frac{\kappa\lambda_i}{(\lambda_i+g)^2}\frac{k}{k-q}) v_i^2
+ \sigma^2}{1 - \frac{q(k-2z)+z^2}{n(k-q)}}, \qquad \text{train} = \Big(\frac{\delta}{n\kappa}\Big)^2 \text{test} .$$

Source: Simon, Karkada, Ghosh & Belkin 2023, "More is better", eqs. 5-8. k to infinity is `kernel_regression_risk`.
"""

from typing import Any

import numpy as np

from .._checks import number
from .learning_curves import Risk, effective_ridge, root, spectrum_and_power


def random_feature_risk(
    eigenvalues: Any, coefficients: Any, *, n: float, k: float, ridge: float = 0.0, noise: float = 0.0
) -> Risk:
    """Return the predicted risk of random-feature ridge regression with n points and k features.

    Args:
        eigenvalues: those of the limiting kernel's operator, positive, (M,).
        coefficients: the target's coefficients v_i, (M,) or (M, C).
        n: number of training points, above 0.
        k: number of features, above 0.
        ridge: delta >= 0, not divided by n; at 0 the limit is taken.
        noise: variance of the noise on the targets.

    Returns:
        The risk; `learnability` is lambda_i/(lambda_i + g).

    Raises:
        ValueError: an argument out of its range, or n = k (or both at least the number of modes, one equal to it)
            without ridge, where the risk diverges.
    """
    eigenvalues, power = spectrum_and_power(eigenvalues, coefficients)
    n, k = number(n, "n", above=0), number(k, "k", above=0)
    ridge, noise = number(ridge, "ridge", least=0), number(noise, "noise", least=0)
    g = _feature_ridge(eigenvalues, n, k, ridge)
    learned = eigenvalues / (eigenvalues + g)
    z, q = learned.sum(), (learned**2).sum()
    kappa = max(g * (k - z) / k, 0.0)
    # lambda/(lambda+g)^2 times kappa, with kappa = g (k - z)/k, so that g = 0 needs no division.
    shrunk = learned * (1 - learned) * max(k - z, 0.0)
    left = n * (k - q) - (q * (k - 2 * z) + z**2)
    if k - q <= 0 or left <= 1e-12 * n * k:
        raise ValueError(
            f"Without ridge, n and k must differ from each other and from the number of modes where they exceed it, "
            f"since the risk diverges there; got n = {n:g}, k = {k:g}, {len(eigenvalues)} modes. Give a ridge above 0."
        )
    bias = ((1 - learned - shrunk / (k - q)) * power).sum()
    test = (bias + noise) * n * (k - q) / left
    train = max(1 - z / n, 0.0) ** 2 * test
    return Risk(float(test), float(train), float(kappa), learned)


def _feature_ridge(eigenvalues: np.ndarray, n: float, k: float, ridge: float) -> float:
    r"""Return $g$: without ridge, where z is the smaller of n and k; else the root of $z + \delta k/(g(k-z)) = n$."""
    if ridge == 0:
        return effective_ridge(eigenvalues, min(n, k), 0.0)

    def excess(log_g: float) -> float:
        g = np.exp(log_g)
        z = float((eigenvalues / (eigenvalues + g)).sum())
        return z + ridge * k / (g * (k - z)) - n if z < k else np.inf

    # The left side is above n where z + delta/g >= min(n, k), and below it where g is large: widen from there.
    low = np.log(effective_ridge(eigenvalues, min(n, k), ridge)) - 1.0
    while not excess(low) > 0:
        low -= 1.0
    high = low
    while excess(high) > 0:
        low, high = high, high + 1.0
    while not np.isfinite(excess(low)):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return float(np.exp(root(excess, low, high)))
