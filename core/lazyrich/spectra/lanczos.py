r"""The largest eigenvalues of a kernel that is too large for all of them.

ARPACK's implicitly restarted Lanczos iteration (Lehoucq, Sorensen & Yang 1998, "ARPACK users' guide", chapter 4) keeps
its basis orthogonal, but it grows the basis from one vector, in which each eigenvalue occurs once: the second of two
equal ones appears by rounding alone. Kernels of points on a circle or a sphere have many. So the iteration is repeated
on what the pairs found so far leave of the kernel, until that holds no larger eigenvalue.
"""

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from jaxtyping import Float
from scipy.sparse.linalg import ArpackNoConvergence, eigsh

from .._checks import number, seed_of, whole
from .eigenpairs import AbstractEigenpairs
from .operators import FunctionOperator, KernelOperator, as_kernel
from .powerlaw import PowerLaw, fit_power_law


@dataclass(frozen=True, eq=False)
class TopEigenpairs(AbstractEigenpairs):
    r"""The k largest eigenvalues of an (n, n) kernel.

    It answers what the first k modes answer: the targets' coefficients and cumulative power in them (the power that is
    missing from 1 is in the modes that are not here), half-lives, and a power law over these ranks. Condition number,
    effective rank and dimension and the alignment take every eigenvalue: an `Eigensystem` has them.

    Attributes:
        values: eigenvalues $\lambda_i$ of the kernel (not of kernel/n), descending, (k,).
        vectors: orthonormal eigenvectors in the columns, (n, k).
        resolution: below this an eigenvalue is rounding: n eps times the largest, in the kernel's precision.
        residuals: $|K v_i - \lambda_i v_i| / \lambda_1$, computed from the kernel once more, (k,).
    """

    residuals: Float[np.ndarray, " k"]

    def power_law(self, first: int | None = None, last: int | None = None) -> PowerLaw:
        """Fit the decay of these eigenvalues; arguments and errors are those of `lazyrich.fit_power_law`.

        What the sample differs from the kernel's operator by takes every eigenvalue, so the standard error is without.
        """
        return fit_power_law(np.where(self.values > self.resolution, self.values, 0.0), first, last)


def _rayleigh_ritz(kernel: KernelOperator, basis: np.ndarray) -> TopEigenpairs:
    """Return the best pairs in the span of `basis`, with their residuals."""
    basis = np.linalg.qr(basis)[0]
    product = kernel.matmat(basis)
    core = basis.T @ product
    values, rotation = np.linalg.eigh((core + core.T) / 2)
    values, rotation = values[::-1], rotation[:, ::-1]
    vectors = basis @ rotation
    residuals = np.linalg.norm(product @ rotation - vectors * values, axis=0)
    largest = max(float(values[0]), np.finfo(np.float64).tiny)
    return TopEigenpairs(values, vectors, kernel.shape[0] * kernel.eps * largest, residuals / largest)


def _lanczos(
    kernel: KernelOperator, k: int, found: np.ndarray, tolerance: float, rng: np.random.Generator
) -> np.ndarray:
    """Return k leading eigenvectors of what the orthonormal vectors `found` (n, j) leave of the kernel."""

    def remove(vector):
        return vector - found @ (found.T @ vector)

    # ARPACK's tolerance is relative to each eigenvalue.  Shifted by about |K|, all of them are of that size, and an
    # eigenvalue of zero converges too.  The Krylov spaces are the same.
    shift = kernel.norm or 1.0
    rest = FunctionOperator(kernel.shape[0], lambda v: remove(kernel.matvec(remove(v))) + shift * v)
    start = remove(rng.standard_normal(kernel.shape[0]))
    try:
        # Annotated as an int in SciPy, after its default of 0.
        return eigsh(rest, k=k, which="LA", v0=start, tol=cast(Any, tolerance / 2))[1]
    except ArpackNoConvergence as error:
        raise ValueError(
            f"Lanczos needs to converge to the tolerance {tolerance:g}; got {len(error.eigenvalues)} of {k} pairs. "
            "Give a larger tolerance, or ask for more eigenpairs if the last ones are close."
        ) from None


def _complete(kernel: KernelOperator, k: int, tolerance: float, rng: np.random.Generator) -> TopEigenpairs:
    """Return at least k pairs, the k largest of which nothing that is left of the kernel exceeds."""
    n = kernel.shape[0]
    pairs = _rayleigh_ritz(kernel, _lanczos(kernel, k, np.zeros((n, 0)), tolerance, rng))
    more = 1
    while (count := pairs.vectors.shape[1]) < n:
        rest = _lanczos(kernel, min(more, n - count), np.asarray(pairs.vectors), tolerance, rng)
        largest = _rayleigh_ritz(kernel, rest).values[0]
        if largest <= pairs.values[k - 1] + tolerance * pairs.values[0]:
            break
        pairs = _rayleigh_ritz(kernel, np.concatenate([pairs.vectors, rest], axis=1))
        more *= 2  # where one copy was missed, others were
    return pairs


def top_eigenpairs(kernel: Any, k: int, *, tolerance: float = 1e-10, seed: int = 0) -> TopEigenpairs:
    r"""Return the k largest eigenvalues of a kernel and their eigenvectors, without the others.

    Use it where `eigensystem` takes too long or too much memory: the kernel is only multiplied with vectors. Equal
    eigenvalues are all found. Negative eigenvalues are an error if the iteration meets them, but it does not look for
    them.

    Args:
        kernel: symmetric positive semi-definite, (n, n): an array, a memory map or a SciPy `LinearOperator`.
        k: how many, from 1 to n - 1.
        tolerance: the largest $|K v - \lambda v| / \lambda_1$ of a pair that is returned.
        seed: of the random vectors that the iteration starts from.

    Raises:
        ValueError: a kernel that is not square, symmetric and positive semi-definite, or a tolerance that is not met.
    """
    rng = np.random.default_rng(seed_of(seed))
    tolerance = number(tolerance, "tolerance", above=0)
    operator = as_kernel(kernel, rng)
    k = whole(k, "k", 1, operator.shape[0] - 1)
    pairs = _complete(operator, k, tolerance, rng)
    values, vectors, residuals = pairs.values[:k].copy(), pairs.vectors[:, :k].copy(), pairs.residuals[:k].copy()
    result = TopEigenpairs(values, vectors, pairs.resolution, residuals)
    if result.residuals.max() > tolerance:
        raise ValueError(
            f"The residuals |Kv - lambda v| / lambda_1 must be at most the tolerance, {tolerance:g}; got "
            f"{result.residuals.max():.3g}. Give a larger tolerance."
        )
    return result
