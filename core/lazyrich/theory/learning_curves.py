r"""Learning curves of kernel ridge regression, from the kernel's spectrum alone.

With eigenvalues $\lambda_i$ of the kernel operator, target coefficients $v_i$, ridge $\delta$ (not divided by n) and
noise variance $\sigma^2$, the constant $\kappa$ solves $\sum_i \lambda_i/(\lambda_i + \kappa) + \delta/\kappa = n$ and

$$L_i = \frac{\lambda_i}{\lambda_i+\kappa}, \quad E_0 = \frac{n}{n - \sum_i L_i^2}, \quad
\text{test} = E_0 \Big[\sum_i (1-L_i)^2 v_i^2 + \sigma^2\Big], \quad
\text{train} = \Big(\frac{\delta}{n\kappa}\Big)^2 \text{test} .$$

Source: Simon, Dickens, Karkada & DeWeese 2023, "The eigenlearning framework", eqs. 4-9.
"""

from typing import Any

import numpy as np

from .._float64 import float64
from .risk import Risk, checked, is_peak, risk


@float64
def kernel_regression_risk(eigenvalues: Any, coefficients: Any, *, n: Any, ridge: Any = 0.0, noise: Any = 0.0) -> Risk:
    """Return the predicted risk of kernel ridge regression on n points.

    n, ridge and noise are numbers or arrays that broadcast, so that a whole curve is one call. In an array the risk
    is infinite where it diverges: at n equal to the number of modes, without ridge but with noise.

    Args:
        eigenvalues: those of the kernel operator (of Gram/n on a large sample), positive, (M,).
        coefficients: the target's coefficients v_i in the operator's orthonormal eigenfunctions, (M,) or (M, C).
        n: number of training points, above 0, fractions included.
        ridge: delta >= 0, not divided by n; at 0 the limit is taken.
        noise: variance of the noise on each output of the targets.

    Raises:
        ValueError: an argument out of its range, or a single n equal to the number of modes without ridge, where the
            risk diverges.
    """
    problem = checked(eigenvalues, coefficients, n, np.inf, ridge, noise)
    if is_peak(problem):
        raise ValueError(
            f"Without ridge, n must differ from the number of modes, where the risk diverges; got {problem.n:g} of "
            "both. Give a ridge above 0, or another n."
        )
    return risk(problem)
