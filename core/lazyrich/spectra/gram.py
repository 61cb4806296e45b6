"""The eigensystem of a kernel matrix: everything later is read off from it."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .._checks import as_matrix, as_targets
from .._float64 import float64
from .powerlaw import PowerLaw, fit_power_law

_eigh = jax.jit(jnp.linalg.eigh)
# Above this the sum of entries, and so an eigenvalue, may leave the range of float64.
_LARGEST_ENTRY = 1e300


@dataclass(frozen=True, eq=False)
class Eigensystem:
    r"""Eigenvalues and eigenvectors of a symmetric positive semi-definite kernel matrix.

    Attributes:
        values: eigenvalues $\lambda_i$ of the (n, n) matrix (not of matrix/n), descending, (n,). Rounding can leave the
            last ones slightly negative; they are not clipped.
        vectors: orthonormal eigenvectors in the columns, (n, n).
        resolution: below this an eigenvalue is rounding: n eps times the largest, in the precision the kernel came in.
    """

    values: Float[np.ndarray, " n"]
    vectors: Float[np.ndarray, "n n"]
    resolution: float

    @property
    def condition(self) -> float:
        """Largest over smallest eigenvalue; infinite when the smallest is rounding."""
        smallest = float(self.values[-1])
        return float(self.values[0]) / smallest if smallest > self.resolution else float("inf")

    @property
    def effective_rank(self) -> float:
        r"""$\exp(-\sum p_i \log p_i)$ with $p_i = \lambda_i / \sum \lambda$ (Roy & Vetterli 2007, eq. 3)."""
        positive = self.values[self.values > self.resolution]
        if not len(positive):
            return 0.0
        p = positive / positive.sum()
        return float(np.exp(-(p * np.log(p)).sum()))

    def coefficients(self, y: Any) -> Float[np.ndarray, "n out_dim"]:
        """Return the targets' coefficients in the eigenbasis, vectors.T @ y, (n, C); a vector means C = 1.

        Raises:
            ValueError: targets whose length is not n.
        """
        return self.vectors.T @ as_targets(y, "y", len(self.values))

    def power_law(self, first: int | None = None, last: int | None = None) -> PowerLaw:
        """Fit the decay of the eigenvalues; see `lazyrich.spectra.powerlaw.fit_power_law`."""
        return fit_power_law(self.values, first, last)


@float64
def eigensystem(kernel: Any) -> Eigensystem:
    """Return the eigensystem of a kernel matrix.

    Args:
        kernel: symmetric positive semi-definite, (n, n).

    Raises:
        ValueError: a matrix that is not square or symmetric, or that has an eigenvalue below zero beyond rounding.
    """
    single = getattr(kernel, "dtype", None) in (np.float32, np.float16)
    eps = float(np.finfo(kernel.dtype if single else np.float64).eps)
    matrix = as_matrix(kernel, "kernel", (None, None))
    n, size = matrix.shape[0], float(np.abs(matrix).max())
    if matrix.shape != (n, n):
        raise ValueError(f"kernel must be square; got shape {matrix.shape}. Give K(x, x) of one set of points.")
    if size > _LARGEST_ENTRY:
        raise ValueError(f"kernel's entries must be at most {_LARGEST_ENTRY:g}; got {size:.3g}. Scale the kernel.")
    gap = float(np.abs(matrix - matrix.T).max())
    if gap > max(1e-8, 100 * eps) * size:
        raise ValueError(
            f"kernel must be symmetric; entries differ from their mirror images by up to {gap:.3g}. "
            "Give K(x, x) of one set of points."
        )
    values, vectors = _eigh(jnp.asarray((matrix + matrix.T) / 2, jnp.float64))
    # The kernel's own entries carry rounding of a few eps each, hence the factor 10.
    resolution = n * eps * max(float(values[-1]), size)
    if values[0] < -10 * resolution:
        raise ValueError(
            f"kernel must be positive semi-definite; got the eigenvalue {float(values[0]):.3g} beside a largest one "
            f"of {float(values[-1]):.3g}. Compute it in float64, or give a true kernel."
        )
    return Eigensystem(np.asarray(values)[::-1].copy(), np.asarray(vectors)[:, ::-1].copy(), resolution)
