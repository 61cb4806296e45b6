"""How far a kernel matrix can be trusted, and which points make it bad: equal ones, close ones, the weakest mode's."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._checks import of_type
from .gram import Eigensystem, eigensystem

# Two rows differ by rounding if by less than this many eps: the rounding of a few layers.
_ROUNDINGS = 64
_DTYPES = tuple(np.dtype(name) for name in ("float64", "float32", "float16"))
# Close points: their squared distance in feature space is this part of their squared norms at most, and alone pushes
# the smallest eigenvalue to within this factor of where it is.
_CLOSE, _FACTOR = 0.01, 10.0
# The weakest points carry this much of the weakest modes.
_CARRIED = 0.9


@dataclass(frozen=True)
class Conditioning:
    r"""The conditioning of an (n, n) kernel matrix; `str` of it says the same in sentences.

    Attributes:
        n: rows of the kernel.
        smallest: smallest eigenvalue; slightly negative where it is rounding.
        largest: largest eigenvalue.
        condition: largest over smallest; infinite where the smallest is rounding.
        duplicates: groups of rows, counted from 0, that are equal to rounding, as points given twice make them.
        near_duplicates: pairs of rows, the closest first, that are nearly equal and explain the smallest eigenvalue
            above rounding: it is at most $|\phi_i - \phi_j|^2 / 2$, half their squared distance in feature space (the
            Rayleigh quotient of their difference), and at least a tenth of that.
        weakest_points: the fewest points, the heaviest first, that carry 90 % of the squared entries of the smallest
            eigenvector, or of all those that are rounding. Few: they make the kernel bad. Many: its decay does.
        resolution: n eps times the largest eigenvalue: below it an eigenvalue is rounding.
        below_resolution: how many eigenvalues are.
        dtype: the precision the kernel came in, to which eps belongs.
    """

    n: int
    smallest: float
    largest: float
    condition: float
    duplicates: tuple[tuple[int, ...], ...]
    near_duplicates: tuple[tuple[int, int], ...]
    weakest_points: tuple[int, ...]
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
        if self.near_duplicates:
            pairs = "; ".join(f"{i} and {j}" for i, j in self.near_duplicates[:5])
            more = f"; and {len(self.near_duplicates) - 5} more" if len(self.near_duplicates) > 5 else ""
            sentences.append(f"Nearly equal rows, which make the smallest eigenvalue small: {pairs}{more}.")
        if len(self.weakest_points) <= min(8, self.n // 2):
            points = ", ".join(map(str, self.weakest_points))
            sentences.append(f"The weakest modes are carried by few points: {points}.")
        else:
            sentences.append(f"The weakest modes are spread over {len(self.weakest_points)} points.")
        return " ".join(sentences)


def _distances(kernel: np.ndarray) -> np.ndarray:
    r"""Return $|\phi_i - \phi_j|^2$, (n, n)."""
    squared = np.maximum(np.diag(kernel), 0.0)
    return np.add.outer(squared, squared) - 2 * kernel


def equal_rows(kernel: np.ndarray, eps: float, floor: float = 0.0) -> tuple[tuple[int, ...], ...]:
    r"""Return the groups of rows that differ by rounding alone.

    1. In feature space $|\phi_i - \phi_j|^2 = K_{ii} + K_{jj} - 2K_{ij}$, zero to rounding for equal rows: this finds
       the candidates. Points 1e-8 apart pass too if the kernel is smooth.
    2. By Cauchy-Schwarz $|K_{il} - K_{jl}| \le |\phi_i - \phi_j| \sqrt{K_{ll}}$, so that rounding in row i is measured
       in $\sqrt{K_{ii} K_{ll}}$: this tells equal rows from close ones.

    All entries may be off by `floor` besides.
    """
    kernel = np.asarray(kernel, np.float64)
    squared = np.maximum(np.diag(kernel), 0.0)
    size = np.sqrt(squared)
    near = np.asarray(_distances(kernel) <= _ROUNDINGS * eps * np.maximum.outer(squared, squared) + 4 * floor)
    np.fill_diagonal(near, False)
    waiting, groups = np.asarray(near.any(axis=1)), []
    for row in range(len(kernel)):
        if not waiting[row]:
            continue
        others = np.flatnonzero(near[row] & waiting)
        gaps = np.abs(kernel[others] - kernel[row])
        same = others[(gaps <= _ROUNDINGS * eps * size[row] * size + 2 * floor).all(axis=1)]
        waiting[[row, *same]] = False
        if len(same):
            groups.append((row, *map(int, same)))
    return tuple(groups)


def near_rows(kernel: np.ndarray, smallest: float, duplicates: tuple[tuple[int, ...], ...]):
    """Return the pairs of rows, no duplicates, that are close enough to make an eigenvalue as small as `smallest`."""
    distance = _distances(np.asarray(kernel, np.float64))
    norms = np.add.outer(np.diag(kernel), np.diag(kernel))
    near = (distance <= _CLOSE * norms) & (distance / 2 <= _FACTOR * smallest)
    for group in duplicates:
        near[np.ix_(group, group)] = False
    i, j = np.nonzero(np.triu(near, 1))
    closest = np.argsort(distance[i, j], kind="stable")
    return tuple((int(i[pair]), int(j[pair])) for pair in closest)


def weakest_points(system: Eigensystem) -> tuple[int, ...]:
    """Return the fewest points that carry most of the modes that are rounding, or else of the last one."""
    weakest = max(int((system.values <= system.resolution).sum()), 1)
    weight = (np.asarray(system.vectors)[:, -weakest:] ** 2).mean(axis=1)
    order = np.argsort(-weight, kind="stable")
    count = int(np.searchsorted(np.cumsum(weight[order]), _CARRIED * (1 - 1e-12))) + 1
    return tuple(map(int, order[:count]))


def _rebuilt(system: Eigensystem) -> np.ndarray:
    """Return the matrix of an eigensystem, in the precision that its resolution is of."""
    values, vectors, largest = np.asarray(system.values), np.asarray(system.vectors), float(system.values[0])
    relative = float(system.resolution) / (len(values) * largest) if largest > 0 else 0.0
    dtype = next(dtype for dtype in _DTYPES if relative < 2 * np.finfo(dtype).eps or dtype == _DTYPES[-1])
    return ((vectors * values) @ vectors.T).astype(dtype)


def conditioning(kernel: Any, system: Eigensystem | None = None) -> Conditioning:
    """Report the conditioning of a kernel matrix.

    Args:
        kernel: symmetric positive semi-definite, (n, n), in the precision it was computed in; or its eigensystem alone,
            from which the rows are known to its resolution: rows that are closer count as equal then.
        system: its eigensystem, where there is one already.

    Raises:
        ValueError: a kernel that `eigensystem` refuses: not square, not symmetric, or with an eigenvalue below zero
            beyond rounding, which it names; an eigensystem of another size.
    """
    alone = isinstance(kernel, Eigensystem) and system is None
    if system is None:
        system = kernel if isinstance(kernel, Eigensystem) else eigensystem(kernel)
    n = len(of_type(system, "system", Eigensystem, "Make one with lazyrich.eigensystem.").values)
    matrix = _rebuilt(system) if alone else np.asarray(kernel)
    dtype = matrix.dtype if matrix.dtype in _DTYPES[1:] else _DTYPES[0]
    if matrix.shape != (n, n):
        raise ValueError(f"kernel must have the shape of its system, {(n, n)}; got {matrix.shape}. Give a pair.")
    values, resolution = np.asarray(system.values), float(system.resolution)
    duplicates = equal_rows(matrix, float(np.finfo(dtype).eps), resolution if alone else 0.0)
    return Conditioning(
        n=n,
        smallest=float(values[-1]),
        largest=float(values[0]),
        condition=float(system.condition),
        duplicates=duplicates,
        near_duplicates=near_rows(matrix, float(values[values > resolution].min(initial=values[0])), duplicates),
        weakest_points=weakest_points(system),
        resolution=resolution,
        below_resolution=int((values <= resolution).sum()),
        dtype=dtype.name,
    )
