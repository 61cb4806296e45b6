"""Kernels that are too large to copy, as linear operators: what the iterative solvers ask of them.

A kernel is an array (in memory or mapped from a file) or a `scipy.sparse.linalg.LinearOperator`. It is multiplied strip
by strip in float64, so that a float32 kernel is never copied whole; and every product is looked at: a vector whose
Rayleigh quotient is negative beyond rounding shows that the kernel is no kernel.
"""

from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np
from scipy.sparse.linalg import LinearOperator

from .._checks import as_matrix

# Entries of a strip of rows: 32 MB in float64.
_STRIP = 2**22
# SciPy says that an operator's dtype is a string or a kind of number, and takes what NumPy takes.
_FLOAT64 = cast(Any, np.dtype(np.float64))


class FunctionOperator(LinearOperator):
    """A function of vectors (n,), linear in them, as what SciPy's solvers multiply with."""

    def __init__(self, n: int, function: Callable[[np.ndarray], np.ndarray]):
        self.function = function
        super().__init__(_FLOAT64, (n, n))

    def _matvec(self, x: np.ndarray) -> np.ndarray:
        return self.function(x.ravel())


class KernelOperator(LinearOperator):
    """A symmetric positive semi-definite operator that checks what it is multiplied with.

    Attributes:
        eps: the relative rounding of the kernel's entries.
        norm: the largest |K v| / |v| seen so far, a lower bound of the largest eigenvalue.
    """

    def __init__(self, source: np.ndarray | LinearOperator, rng: np.random.Generator):
        self.source, self.norm = source, 0.0
        shape = cast(tuple[int, int], source.shape)
        if shape[0] != shape[1]:
            raise ValueError(f"kernel must be square; got shape {shape}. Give K(x, x) of one set of points.")
        super().__init__(_FLOAT64, shape)
        self.eps = float(np.finfo(cast(Any, source.dtype)).eps)
        self._check_symmetry(rng)

    def _matmat(self, X: np.ndarray) -> np.ndarray:
        product = self._product(np.asarray(X, np.float64))
        bad = product.size - int(np.isfinite(product).sum())
        if bad:
            raise ValueError(
                f"kernel must give finite products; got {bad} NaN or infinite of {product.size} numbers. "
                "Scale the kernel, or look for NaN in it."
            )
        self._check_sign(X, product)
        return product

    def _matvec(self, x: np.ndarray) -> np.ndarray:
        return self._matmat(x.reshape(-1, 1)).ravel()

    def _product(self, vectors: np.ndarray) -> np.ndarray:
        if isinstance(self.source, LinearOperator):
            return np.asarray(self.source.matmat(vectors), np.float64)
        with np.errstate(over="ignore", invalid="ignore"):  # reported as products that are not finite
            return np.concatenate([strip.astype(np.float64, copy=False) @ vectors for strip in strips(self.source)])

    def _check_sign(self, vectors: np.ndarray, product: np.ndarray) -> None:
        squared = np.einsum("nc,nc->c", vectors, vectors)
        used = squared > 0
        if not used.any():
            return
        norms = np.linalg.norm(product[:, used], axis=0) / np.sqrt(squared[used])
        self.norm = max(self.norm, float(norms.max()))
        smallest = float((np.einsum("nc,nc->c", vectors, product)[used] / squared[used]).min())
        # The margin of `eigensystem`: the kernel's own entries carry rounding of a few eps each.
        if smallest < -10 * self.shape[0] * self.eps * self.norm:
            raise ValueError(
                f"kernel must be positive semi-definite; got an eigenvalue of at most {smallest:.3g} beside a largest "
                f"one of about {self.norm:.3g}. Compute it in float64, or give a true kernel."
            )

    def _check_symmetry(self, rng: np.random.Generator) -> None:
        """Compare u.Kv with v.Ku for random u and v: it costs two products, and is read row by row."""
        probes = rng.standard_normal((self.shape[0], 2))
        product = self.matmat(probes)
        gap = abs(probes[:, 0] @ product[:, 1] - probes[:, 1] @ product[:, 0])
        size = np.linalg.norm(probes) * np.linalg.norm(product)
        if gap > max(1e-8, 100 * self.eps) * size:
            raise ValueError(
                f"kernel must be symmetric; u.Kv and v.Ku of two random vectors must agree, but got a difference of "
                f"{gap:.3g} beside |u||Kv| = {size:.3g}. Give K(x, x) of one set of points."
            )


def strips(matrix: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the matrix in strips of rows."""
    rows = max(_STRIP // matrix.shape[1], 1)
    return (matrix[start : start + rows] for start in range(0, matrix.shape[0], rows))


def as_kernel(kernel: Any, rng: np.random.Generator) -> KernelOperator:
    """Return an array, a memory map or a `LinearOperator` as a checked `KernelOperator`.

    Raises:
        ValueError: what is not a square, symmetric matrix of finite real numbers.
    """
    if isinstance(kernel, LinearOperator):
        if np.dtype(kernel.dtype).kind != "f":
            raise ValueError(f"kernel must be an operator on real numbers; got {kernel.dtype}. Give a real one.")
        return KernelOperator(kernel, rng)
    is_matrix = isinstance(kernel, np.ndarray) and kernel.dtype.kind == "f" and kernel.ndim == 2 and kernel.size
    if not is_matrix:
        single = getattr(kernel, "dtype", None) == np.float32
        return KernelOperator(
            as_matrix(kernel, "kernel", (None, None)).astype(np.float32 if single else np.float64), rng
        )
    bad = sum(strip.size - int(np.isfinite(strip).sum()) for strip in strips(kernel))
    if bad:
        raise ValueError(
            f"kernel must be finite; got {bad} NaN or infinite of {kernel.size} numbers. Remove or replace them."
        )
    return KernelOperator(kernel, rng)
