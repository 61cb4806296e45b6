r"""Learning curves of random-feature ridge regression: k features, the kernel $\frac1k \Psi\Psi^T$.

$\kappa$ and $g$ solve $n = z + \delta/\kappa$ and $k = z + k\kappa/g$ with $z = \sum_i \lambda_i/(\lambda_i+g)$; with
$q = \sum_i (\lambda_i/(\lambda_i+g))^2$,

$$\text{test} = \frac{\sum_i (\frac{g}{\lambda_i+g} - \frac{\kappa\lambda_i}{(\lambda_i+g)^2}\frac{k}{k-q}) v_i^2
+ \sigma^2}{1 - \frac{q(k-2z)+z^2}{n(k-q)}}, \qquad \text{train} = \Big(\frac{\delta}{n\kappa}\Big)^2 \text{test} .$$

Source: Simon, Karkada, Ghosh & Belkin 2023, "More is better", eqs. 5-8. k to infinity is `kernel_regression_risk`.
Without ridge and noise n and k can change places if $v_i^2 \propto \lambda_i$, as for targets drawn from the limiting
kernel's own prior; otherwise they cannot.
"""

from typing import Any

from .._float64 import float64
from .risk import Risk, checked, is_peak, risk


@float64
def random_feature_risk(
    eigenvalues: Any, coefficients: Any, *, n: Any, k: Any, ridge: Any = 0.0, noise: Any = 0.0
) -> Risk:
    """Return the predicted risk of random-feature ridge regression with n points and k features.

    n, k, ridge and noise are numbers or arrays that broadcast, so that a whole curve is one call. In an array the risk
    is infinite where it diverges: without ridge at n = k below the number of modes and, with noise, at n equal to it.

    Args:
        eigenvalues: those of the limiting kernel's operator, positive, (M,).
        coefficients: the target's coefficients v_i, (M,) or (M, C).
        n: number of training points, above 0, fractions included.
        k: number of features, above 0; infinity is the kernel.
        ridge: delta >= 0, not divided by n; at 0 the limit is taken.
        noise: variance of the noise on each output of the targets.

    Returns:
        The risk; `learnability` is lambda_i/(lambda_i + g).

    Raises:
        ValueError: an argument out of its range, or a single n that without ridge is equal to k, or to the number of
            modes where k is at least that, where the risk diverges.
    """
    problem = checked(eigenvalues, coefficients, n, k, ridge, noise)
    if is_peak(problem):
        raise ValueError(
            f"Without ridge, n and k must differ from each other and from the number of modes where they exceed it, "
            f"since the risk diverges there; got n = {problem.n:g}, k = {problem.k:g}, {problem.eigenvalues.size} "
            "modes. Give a ridge above 0."
        )
    return risk(problem)
