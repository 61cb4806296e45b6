"""How well a kernel fits the targets: one formula, for a matrix and for its eigenvalues."""

from typing import Any

from .._float64 import float64


def frobenius_norm(matrix: Any) -> Any:
    """Return the Frobenius norm, without squaring numbers that would overflow."""
    xp = matrix.__array_namespace__()
    largest = xp.abs(matrix).max()
    return largest * xp.sqrt(((matrix / xp.where(largest > 0, largest, 1.0)) ** 2).sum())


@float64
def alignment(matrix: Any, y: Any) -> Any:
    r"""Return $\sum_c y_c^T A y_c / (|A|_F |y|^2)$, between 0 and 1 for a positive semi-definite A.

    Neither changes with the basis, so $A = \Lambda$ with the targets' coefficients gives the same as the kernel itself
    with the targets. Source: Cristianini et al. 2001, "On kernel-target alignment", definition 2.

    Args:
        matrix: A, (n, n); or the diagonal (n,) of a diagonal one.
        y: targets, (n, C).
    """
    matrix, y = matrix / frobenius_norm(matrix), y / frobenius_norm(y)
    return (y * (matrix[:, None] * y if matrix.ndim == 1 else matrix @ y)).sum()
