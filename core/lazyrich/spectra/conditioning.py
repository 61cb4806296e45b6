"""How far a kernel matrix can be trusted: its smallest eigenvalue, its condition number, its equal rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._checks import of_type
from .gram import Eigensystem, eigensystem

# Two rows differ by rounding if by less than this many eps: the rounding of a few layers.
_ROUNDINGS = 64


@dataclass(frozen=True)
class Conditioning:
    """The conditioning of an (n, n) kernel matrix; `str` of it says the same in sentences.

    Attributes:
        n: rows of the kernel.
        smallest: smallest eigenvalue; slightly negative where it is rounding.
        largest: largest eigenvalue.
        condition: largest over smallest; infinite where the smallest is rounding.
        duplicates: groups of rows, counted from 0, that are equal to rounding, as points given twice make them.
        resolution: n eps times the largest eigenvalue: below it an eigenvalue is rounding.
        below_resolution: how many eigenvalues are.
        dtype: the precision the kernel came in, to which eps belongs.
    """

    n: int
    smallest: float
    largest: float
    condition: float
    duplicates: tuple[tuple[int, ...], ...]
    resolution: float
    below_resolution: int
    dtype: str

    def __str__(self) -> str:
        """Return the report in sentences."""
        sentences = [
            f"The {self.n} eigenvalues reach from {self.smallest:.3g} to {self.largest:.3g}.",
            f"{self.dtype} resolves them down to {self.resolution:.3g}, and "
            + (
                "all are above that"
                if not self.below_resolution
                else f"{self.below_resolution} are rounding below that"
            )
            + (f": the condition number is {self.condition:.3g}." if np.isfinite(self.condition) else ": singular."),
        ]
        if np.dtype(self.dtype).itemsize < np.dtype(np.float64).itemsize and self.below_resolution:
            double = self.resolution * np.finfo(np.float64).eps / np.finfo(self.dtype).eps
            sentences.append(f"A kernel computed in float64 would resolve them down to {double:.3g}.")
        if self.duplicates:
            groups = "; ".join(" = ".join(map(str, group)) for group in self.duplicates)
            sentences.append(f"Equal rows: {groups}. Each copy makes one eigenvalue zero.")
        return " ".join(sentences)


def equal_rows(kernel: np.ndarray, eps: float) -> tuple[tuple[int, ...], ...]:
    r"""Return the groups of rows that differ by rounding alone.

    1. In feature space $|\phi_i - \phi_j|^2 = K_{ii} + K_{jj} - 2K_{ij}$, zero to rounding for equal rows: this finds
       the candidates. Points 1e-8 apart pass too if the kernel is smooth.
    2. By Cauchy-Schwarz $|K_{il} - K_{jl}| \le |\phi_i - \phi_j| \sqrt{K_{ll}}$, so that rounding in row i is measured
       in $\sqrt{K_{ii} K_{ll}}$: this tells equal rows from close ones.
    """
    kernel = np.asarray(kernel, np.float64)
    squared = np.maximum(np.diag(kernel), 0.0)
    size = np.sqrt(squared)
    distance = np.add.outer(squared, squared) - 2 * kernel
    near = np.asarray(distance <= _ROUNDINGS * eps * np.maximum.outer(squared, squared))
    np.fill_diagonal(near, False)
    waiting, groups = np.asarray(near.any(axis=1)), []
    for row in range(len(kernel)):
        if not waiting[row]:
            continue
        others = np.flatnonzero(near[row] & waiting)
        gaps = np.abs(kernel[others] - kernel[row])
        same = others[(gaps <= _ROUNDINGS * eps * size[row] * size).all(axis=1)]
        waiting[[row, *same]] = False
        if len(same):
            groups.append((row, *map(int, same)))
    return tuple(groups)


def conditioning(kernel: Any, system: Eigensystem | None = None) -> Conditioning:
    """Report the conditioning of a kernel matrix.

    Args:
        kernel: symmetric positive semi-definite, (n, n), in the precision it was computed in.
        system: its eigensystem, where there is one already.

    Raises:
        ValueError: a kernel that `eigensystem` refuses: not square, not symmetric, or with an eigenvalue below zero
            beyond rounding, which it names; an eigensystem of another size.
    """
    if system is None:
        system = eigensystem(kernel)
    n = len(of_type(system, "system", Eigensystem, "Make one with lazyrich.eigensystem.").values)
    matrix = np.asarray(kernel)
    if matrix.shape != (n, n):
        raise ValueError(f"kernel must have the shape of its system, {(n, n)}; got {matrix.shape}. Give a pair.")
    dtype = matrix.dtype if matrix.dtype in (np.float16, np.float32) else np.dtype(np.float64)
    return Conditioning(
        n=n,
        smallest=float(system.values[-1]),
        largest=float(system.values[0]),
        condition=float(system.condition),
        duplicates=equal_rows(matrix, float(np.finfo(dtype).eps)),
        resolution=float(system.resolution),
        below_resolution=int((system.values <= system.resolution).sum()),
        dtype=dtype.name,
    )
