"""What is read off a kernel's leading eigenpairs, whether they are all n of them or the first k."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Array, Float

from .._checks import as_targets
from .._float64 import float64, is_traced

Scalar = float | Float[Array, ""]


def as_scalar(value: Any) -> Any:
    """Return a result of one number as a float; a tracer stays as it is."""
    return value if is_traced(value) else float(value)


def as_power(y: Any, n: int) -> Any:
    """Return targets (n, C), once they are checked, or say so where they have no power."""
    y = as_targets(y, "y", n)
    if not is_traced(y) and not np.any(y):
        raise ValueError("y must not be zero; got zeros. Give targets that vary.")
    return y


@dataclass(frozen=True, eq=False)
class AbstractEigenpairs:
    r"""Leading eigenvalues of a symmetric positive semi-definite (n, n) kernel matrix, with their eigenvectors.

    Attributes:
        values: eigenvalues $\lambda_i$ of the matrix (not of matrix/n), descending, (k,).
        vectors: orthonormal eigenvectors in the columns, (n, k).
        resolution: below this an eigenvalue is rounding.
    """

    values: Float[np.ndarray | Array, "*batch k"]
    vectors: Float[np.ndarray | Array, "*batch n k"]
    resolution: float | Float[np.ndarray | Array, "*batch"]

    @property
    @float64
    def half_lives(self) -> Float[np.ndarray | Array, " k"]:
        r"""Gradient-flow times $n \ln 2 / \lambda_i$ in which the error in a mode halves, (k,).

        From $d_i = e^{-\lambda_i t/n}$ (Lee et al. 2019, eq. 8). Infinite for modes at the level of rounding.
        """
        xp = self.values.__array_namespace__()
        resolved = self.values > self.resolution
        return xp.where(resolved, len(self.vectors) * np.log(2) / xp.where(resolved, self.values, 1.0), np.inf)

    @float64
    def coefficients(self, y: Any) -> Float[np.ndarray | Array, "k out_dim"]:
        """Return the targets' coefficients in the eigenbasis, vectors.T @ y, (k, C); a vector means C = 1.

        Raises:
            ValueError: targets whose length is not n.
        """
        return self.vectors.T @ as_targets(y, "y", len(self.vectors))

    @float64
    def cumulative_power(self, y: Any) -> Float[np.ndarray | Array, " k"]:
        r"""Return the part of $|y|^2$ that is in the first 1, 2, ..., k modes, (k,), summed over outputs.

        A kernel learns a target from few points if this rises to 1 early (Canatar, Bordelon & Pehlevan 2021, "Spectral
        bias and task-model alignment explain generalization in kernel regression and infinitely wide neural networks").

        Raises:
            ValueError: targets whose length is not n, or that are zero.
        """
        y = as_power(y, len(self.vectors))
        power = (self.coefficients(y) ** 2).sum(axis=1)
        return power.cumsum() / (y**2).sum()
