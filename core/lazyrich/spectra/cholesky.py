"""Direct solution with a kernel matrix that is positive definite beyond rounding, and a refusal of every other."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.linalg import cho_factor, cho_solve, eigvalsh, get_lapack_funcs


class Cholesky(NamedTuple):
    r"""The factor R of $K + \delta I = R^T R$, in the upper triangle."""

    factor: Float[np.ndarray, "n n"]

    @property
    def log_determinant(self) -> float:
        r"""$\log\det(K + \delta I)$."""
        return 2 * float(np.log(np.diag(self.factor)).sum())

    def solve(self, y: Float[np.ndarray, "n out_dim"]) -> Float[np.ndarray, "n out_dim"]:
        r"""Return $(K + \delta I)^{-1} y$."""
        return cho_solve((self.factor, False), y)


def cholesky(kernel: Float[np.ndarray, "n n"], ridge: float, name: str = "ridge") -> Cholesky:
    """Factor kernel + ridge I.

    Args:
        kernel: symmetric positive semi-definite, (n, n) float64.
        ridge: at least 0, in the units of the kernel.
        name: what the ridge is called where it is asked for.

    Raises:
        ValueError: a matrix that is singular or indefinite to rounding, with its smallest eigenvalue.
    """
    matrix = kernel + ridge * np.eye(len(kernel))
    try:
        factor = cho_factor(matrix)[0]
        # From the factor at a cost of n^2: a factorisation may succeed by the luck of rounding.
        (estimate,) = get_lapack_funcs(("pocon",), (factor,))
        reciprocal_condition, _ = estimate(factor, np.abs(matrix).sum(axis=0).max())
    except np.linalg.LinAlgError:
        reciprocal_condition, factor = 0.0, None
    if factor is None or reciprocal_condition < len(kernel) * np.finfo(np.float64).eps:
        values = eigvalsh(matrix)
        raise ValueError(
            f"kernel + {name} I must be positive definite beyond rounding; got the smallest eigenvalue {values[0]:.3g} "
            f"beside a largest one of {values[-1]:.3g}. Give a larger {name}, or leave out points that occur twice."
        )
    return Cholesky(factor)
