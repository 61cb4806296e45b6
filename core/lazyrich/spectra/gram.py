"""The eigensystem of a kernel matrix: everything later is read off from it."""

from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np

from .._checks import as_matrix, number
from .._float64 import float64, is_traced
from .alignment import alignment
from .eigenpairs import AbstractEigenpairs, Scalar, as_power, as_scalar
from .line import Line
from .powerlaw import PowerLaw, fit_power_law
from .stieltjes import operator_eigenvalues

# Above this the sum of entries, and so an eigenvalue, may leave the range of float64.
_LARGEST_ENTRY = 1e300


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class Eigensystem(AbstractEigenpairs):
    r"""Eigenvalues and eigenvectors of a symmetric positive semi-definite kernel matrix, all n of them.

    Attributes:
        values: eigenvalues $\lambda_i$ of the (n, n) matrix (not of matrix/n), descending, (n,). Rounding can leave the
            last ones slightly negative; they are not clipped.
        vectors: orthonormal eigenvectors in the columns, (n, n).
        resolution: below this an eigenvalue is rounding: n eps times the largest, in the precision the kernel came in.
    """

    @property
    def _resolved(self) -> Any:
        """The eigenvalues, with 0 for those at the level of rounding."""
        return self.values.__array_namespace__().where(self.values > self.resolution, self.values, 0.0)

    @property
    @float64
    def condition(self) -> Scalar:
        """Largest over smallest eigenvalue; infinite when the smallest is rounding."""
        xp, smallest = self.values.__array_namespace__(), self._resolved[-1]
        return as_scalar(xp.where(smallest > 0, self.values[0] / xp.where(smallest > 0, smallest, 1.0), np.inf))

    @property
    @float64
    def effective_rank(self) -> Scalar:
        r"""$\exp(-\sum p_i \log p_i)$ with $p_i = \lambda_i / \sum \lambda$ (Roy & Vetterli 2007, eq. 3)."""
        xp, values = self.values.__array_namespace__(), self._resolved
        total = values.sum()
        p = values / xp.where(total > 0, total, 1.0)
        entropy = -(p * xp.log(xp.where(p > 0, p, 1.0))).sum()
        return as_scalar(xp.where(total > 0, xp.exp(entropy), 0.0))

    @property
    @float64
    def participation_ratio(self) -> Scalar:
        r"""$(\sum \lambda_i)^2 / \sum \lambda_i^2$: the number of eigenvalues that are large, if those are equal."""
        xp, values = self.values.__array_namespace__(), self._resolved
        relative = values / xp.where(self.values[0] > 0, self.values[0], 1.0)
        squares = (relative**2).sum()
        return as_scalar(relative.sum() ** 2 / xp.where(squares > 0, squares, 1.0))

    @float64
    def effective_dimension(self, ridge: Any) -> Scalar:
        r"""Return $\sum_i \lambda_i / (\lambda_i + \delta)$: how many degrees of freedom a ridge leaves.

        The trace of $\Theta (\Theta + \delta I)^{-1}$ (Hastie, Tibshirani & Friedman 2009, eq. 3.50). Without ridge it
        is the rank.

        Args:
            ridge: $\delta$ of at least 0, in the units of the matrix and not divided by n, as in the learning curves;
                that of `LinearDynamics` is $\delta / n$.

        Raises:
            ValueError: a negative ridge.
        """
        ridge = ridge if is_traced(ridge) else number(ridge, "ridge", least=0)
        xp, values = self.values.__array_namespace__(), self._resolved
        return as_scalar((values / (xp.where(values > 0, values, 1.0) + ridge)).sum())

    def power_law(self, first: int | None = None, last: int | None = None) -> PowerLaw:
        r"""Fit the decay of the eigenvalues above rounding; arguments and errors are those of `lazyrich.fit_power_law`.

        The standard error includes what a sample of n points may differ from the kernel's operator by: how far the
        exponent of `lazyrich.operator_eigenvalues` is from that of the eigenvalues, root mean square over the window.
        """
        if is_traced(self.values):
            return fit_power_law(self.values, first, last)  # which says why not
        values = np.asarray(self.values)
        values = np.where(values > float(self.resolution), values, 0.0)
        fit = fit_power_law(values, first, last)
        ranks = np.arange(fit.first, fit.last + 1)
        # At one end a sample's spectrum is too flat and at the other too steep, which a mean would cancel.
        ratio = Line.through(np.log(ranks), np.log(operator_eigenvalues(values)[ranks - 1] / values[ranks - 1]))
        squares = fit.stderr**2 + ratio.slope**2 + (2 * ratio.curvature * ratio.span) ** 2 / 12
        return replace(fit, stderr=float(np.sqrt(squares)))

    @float64
    def alignment(self, y: Any) -> Scalar:
        """Return the alignment of the kernel with targets (n, C); see `lazyrich.target_alignment`.

        Raises:
            ValueError: targets whose length is not n, or that are zero, or a kernel that is zero.
        """
        y = as_power(y, len(self.values))
        if not is_traced(self.values) and not self.values[0] > 0:
            raise ValueError("A kernel must not be zero to have an alignment; got zeros. Give a kernel that varies.")
        return as_scalar(alignment(self.values, self.coefficients(y)))


@float64
def eigensystem(kernel: Any) -> Eigensystem:
    """Return the eigensystem of a kernel matrix.

    Under `jax.jit`, `jax.grad` and `jax.vmap` the numbers are not checked. Derivatives through the vectors exist where
    all eigenvalues differ; with two that are equal they are NaN, as no basis of their space is singled out. Those
    through the values alone are finite.

    Args:
        kernel: symmetric positive semi-definite, (n, n).

    Raises:
        ValueError: a matrix that is not square or symmetric, or that has an eigenvalue below zero beyond rounding.
    """
    precision = getattr(kernel, "dtype", None)
    eps = float(np.finfo(precision if precision in (np.float32, np.float16) else np.float64).eps)
    matrix = as_matrix(kernel, "kernel", (None, None))
    n = len(matrix)
    if matrix.shape != (n, n):
        raise ValueError(f"kernel must be square; got shape {matrix.shape}. Give K(x, x) of one set of points.")
    traced, xp = is_traced(matrix), matrix.__array_namespace__()
    symmetric = (matrix + matrix.T) / 2 if traced else symmetrised(matrix, eps)
    # JAX brings its own threads for linear algebra: beside NumPy's, which take over from here, they halve the speed.
    values, vectors = xp.linalg.eigh(symmetric)
    resolution = n * eps * xp.maximum(values[-1], xp.abs(matrix).max())
    if traced:
        return Eigensystem(values[::-1], vectors[:, ::-1], resolution)
    # The kernel's own entries carry rounding of a few eps each, hence the factor 10.
    if values[0] < -10 * resolution:
        raise ValueError(
            f"kernel must be positive semi-definite; got the eigenvalue {float(values[0]):.3g} beside a largest one "
            f"of {float(values[-1]):.3g}. Compute it in float64, or give a true kernel."
        )
    return Eigensystem(values[::-1].copy(), vectors[:, ::-1].copy(), float(resolution))


def symmetrised(matrix: np.ndarray, eps: float) -> np.ndarray:
    """Return the mean of `matrix` and its mirror image; one that is out of range or not symmetric is refused."""
    size = float(np.abs(matrix).max())
    if size > _LARGEST_ENTRY:
        raise ValueError(f"kernel's entries must be at most {_LARGEST_ENTRY:g}; got {size:.3g}. Scale the kernel.")
    symmetric = (matrix + matrix.T) / 2
    gap = 2 * float(np.abs(matrix - symmetric).max())
    if gap > max(1e-8, 100 * eps) * size:
        raise ValueError(
            f"kernel must be symmetric; entries differ from their mirror images by up to {gap:.3g}. "
            "Give K(x, x) of one set of points."
        )
    return symmetric
