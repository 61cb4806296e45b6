r"""Linear systems with a kernel that is too large to factor: preconditioned conjugate gradients.

The preconditioner is a randomised Nyström approximation $\hat K = U \Lambda U^T$ of rank r, which costs one product of
the kernel with r vectors. It takes the leading eigenvalues out of the condition number (Frangella, Tropp & Udell 2023,
"Randomized Nyström preconditioning", SIAM J. Matrix Anal. Appl. 44, section 5). Whatever the iteration believes, the
residual is computed from the kernel once more at the end.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.sparse.linalg import cg

from .._checks import as_targets, number, seed_of, whole
from .operators import FunctionOperator, KernelOperator, as_kernel

# More than this is seldom repaid: forming the preconditioner costs as many products as its rank.
_DEFAULT_RANK = 100
# The residual that the iteration carries along drifts from the true one; each restart sets it right.
_RESTARTS = 4


@dataclass(frozen=True, eq=False)
class Solution:
    r"""The solution of $(K + \delta I) x = y$.

    Attributes:
        x: the solution, (n, C).
        residuals: $|y - (K + \delta I) x| / |y|$ of each column, computed from the kernel once more, (C,).
        iterations: products of the kernel with the C columns that it took.
        rank: rank of the preconditioner: the one asked for, or the kernel's own to rounding if that is lower.
    """

    x: Float[np.ndarray, "n out_dim"]
    residuals: Float[np.ndarray, " out_dim"]
    iterations: int
    rank: int


class Nystrom(NamedTuple):
    r"""A kernel's approximation $\hat K = U \Lambda U^T$ of low rank."""

    vectors: Float[np.ndarray, "n rank"]
    values: Float[np.ndarray, " rank"]


def nystrom(kernel: KernelOperator, rank: int, rng: np.random.Generator) -> Nystrom:
    r"""Return $\hat K = Y (\Omega^T Y)^+ Y^T$ with $Y = K \Omega$ and $\Omega$ an orthonormal random basis, (n, rank).

    Source: Frangella, Tropp & Udell 2023, section 2 and algorithm 2.1; a pseudo-inverse stands in for the algorithm's
    shift, so that a rank above the kernel's own is harmless.
    """
    omega = np.linalg.qr(rng.standard_normal((kernel.shape[0], rank)))[0]
    y = kernel.matmat(omega)
    core = omega.T @ y
    d, q = np.linalg.eigh((core + core.T) / 2)
    kept = d > kernel.shape[0] * kernel.eps * d.max(initial=0.0)
    u, root, _ = np.linalg.svd(y @ (q[:, kept] / np.sqrt(d[kept])), full_matrices=False)
    return Nystrom(u, root**2)


def _preconditioner(approximation: Nystrom, ridge: float):
    r"""Return $v \mapsto (\lambda_r + \delta) U (\Lambda + \delta)^{-1} U^T v + (I - U U^T) v$ (their eq. 5.3)."""
    u, values = approximation
    if not len(values):
        return lambda v: v
    scale = (values[-1] + ridge) / (values + ridge) - 1
    return lambda v: v + u @ (scale[:, None] * (u.T @ v))


def _conjugate_gradients(multiply, precondition, b: np.ndarray, tolerance: float, most: int) -> tuple[np.ndarray, int]:
    """Solve for all columns of `b`, each of norm 1 or 0, at once; return the solution and the iterations taken.

    SciPy solves for one vector, so the columns are laid end to end: the matrix is then block diagonal, with one product
    of the kernel with all columns an iteration.
    """

    def flat(function):
        return FunctionOperator(b.size, lambda v: function(v.reshape(b.shape)).ravel())

    taken = 0

    def count(_):
        nonlocal taken
        taken += 1

    # |r| <= tolerance over all columns bounds each of them.
    target = tolerance / max(float(np.linalg.norm(b)), 1.0)
    x = np.zeros_like(b)
    for _ in range(_RESTARTS):
        flat_x, _ = cg(
            flat(multiply),
            b.ravel(),
            x.ravel(),
            rtol=target,
            maxiter=most - taken,
            M=flat(precondition),
            callback=count,
        )
        x = flat_x.reshape(b.shape)
        if taken >= most or np.linalg.norm(b - multiply(x)) <= target * np.linalg.norm(b):
            break
    return x, taken


def solve(
    kernel: Any,
    y: Any,
    *,
    ridge: float = 0.0,
    tolerance: float = 1e-8,
    rank: int | None = None,
    max_iterations: int = 1000,
    seed: int = 0,
) -> Solution:
    r"""Solve $(K + \delta I) x = y$ by preconditioned conjugate gradients.

    Use it where the kernel is too large to factor; it is only multiplied with vectors. The iterations grow with the
    square root of the condition number $(\lambda_r + \delta) / (\lambda_n + \delta)$ that a preconditioner of rank r
    leaves.

    Args:
        kernel: symmetric positive semi-definite, (n, n): an array, a memory map or a SciPy `LinearOperator`.
        y: right-hand sides, (n, C); a vector means C = 1.
        ridge: $\delta \ge 0$, in the units of the kernel and not multiplied by n.
        tolerance: the largest $|y - (K + \delta I) x| / |y|$ of a column.
        rank: rank r of the preconditioner, from 0 (none) to n; by default 100, or n where that is less.
        max_iterations: the most iterations.
        seed: of the random vectors behind the preconditioner.

    Raises:
        ValueError: a kernel that is not square, symmetric and positive semi-definite, targets of another length, or a
            tolerance that is not met, with the residual that was.
    """
    rng = np.random.default_rng(seed_of(seed))
    ridge, tolerance = number(ridge, "ridge", least=0), number(tolerance, "tolerance", above=0)
    most = whole(max_iterations, "max_iterations", 1)
    operator = as_kernel(kernel, rng)
    n = operator.shape[0]
    rank = min(_DEFAULT_RANK, n) if rank is None else whole(rank, "rank", 0, n)
    y = as_targets(y, "y", n)

    def multiply(v):
        product = operator.matmat(v) + ridge * v
        if v.any() and not np.vdot(v, product) > 0:
            raise ValueError(
                f"kernel + ridge I must be positive definite beyond rounding; got the Rayleigh quotient "
                f"{np.vdot(v, product) / np.vdot(v, v):.3g} with the ridge {ridge:g}. Give a larger ridge."
            )
        return product

    size = np.linalg.norm(y, axis=0)
    scale = np.where(size > 0, size, 1.0)
    approximation = nystrom(operator, rank, rng)
    precondition = _preconditioner(approximation, ridge)
    x, taken = _conjugate_gradients(multiply, precondition, y / scale, tolerance, most)
    x = x * scale
    residuals = np.linalg.norm(y - multiply(x), axis=0) / scale
    if not residuals.max() <= tolerance:
        raise ValueError(
            f"The residual |y - (K + ridge) x| / |y| must be at most the tolerance, {tolerance:g}; got "
            f"{residuals.max():.3g} after {taken} iterations. Give a larger ridge, rank, tolerance or max_iterations."
        )
    return Solution(x, residuals, taken, len(approximation.values))
