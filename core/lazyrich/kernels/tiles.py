"""A kernel matrix from square tiles of a few fixed sizes.

A tile fits the processor's cache and is compiled once whatever the number of points; of a symmetric matrix the tiles
above the diagonal are mirrored. The moments of the inputs are taken in NumPy, in float64, whatever precision follows.
"""

import functools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.spatial.distance import cdist

_SIZES = (32, 128, 256)
_CORES = os.cpu_count() or 1
# What a tile costs beside its pairs, in pairs: its launch.
_LAUNCH = 4096
# Squared distances below this part of the squared norms are computed from the differences: q1 + q2 - 2k loses digits.
_CLOSE = 1e-3


class Inputs(NamedTuple):
    """Variances (n1,) or (1,), (n2,) or (1,), covariances (n1, n2) and, where needed, squared distances of pairs."""

    q1: Any
    q2: Any
    k: Any
    distance: Any


def traced_inputs(x1: Any, x2: Any, needs_distance: bool) -> Inputs:
    """Return the moments of x / sqrt(D) under a JAX transformation; x2 None means x1, with an exact diagonal."""
    second = x1 if x2 is None else x2
    q1, q2 = (jnp.sum(x * x, axis=1) / x.shape[1] for x in (x1, second))
    k = x1 @ second.T / x1.shape[1]
    k = k.at[jnp.diag_indices_from(k)].set(q1) if x2 is None else k
    norms = q1[:, None] + q2[None, :]
    distance = jnp.where(norms - 2 * k > 8 * np.finfo(np.float64).eps * norms, norms - 2 * k, 0.0)
    return Inputs(q1, q2, k, distance if needs_distance else None)


def _distances(x1: np.ndarray, x2: np.ndarray, q1: np.ndarray, q2: np.ndarray, k: np.ndarray) -> np.ndarray:
    """Return squared distances over D; those of close points, and of equal ones, to their own digits."""
    norms = q1[:, None] + q2[None, :]
    distance = norms - 2 * k
    close = distance < _CLOSE * norms
    if close.mean() > 0.05:
        return cdist(x1, x2, "sqeuclidean") / x1.shape[1]
    i, j = np.nonzero(close)
    distance[i, j] = np.sum((x1[i] - x2[j]) ** 2, axis=1) / x1.shape[1]
    return distance


class _Points(NamedTuple):
    """Points filled up to whole tiles with copies of the last one, and their variances, (n,) or (1,)."""

    x: np.ndarray
    q: np.ndarray
    shared: bool

    def tile(self, index: int, size: int) -> "_Points":
        rows = slice(index * size, (index + 1) * size)
        return _Points(self.x[rows], self.q if self.shared else self.q[rows], self.shared)


def _variances(x: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows here is reported with the kernel
        return np.einsum("nd,nd->n", x, x) / x.shape[1]


def _filled_up(x: np.ndarray, q: np.ndarray, size: int, shared: bool) -> _Points:
    missing = -len(x) % size
    x = np.concatenate([x, np.repeat(x[-1:], missing, axis=0)])
    return _Points(x, q if shared else np.concatenate([q, np.repeat(q[-1:], missing)]), shared)


def _moments(first: _Points, second: _Points, is_diagonal: bool, needs_distance: bool) -> Inputs:
    """Return the moments of x / sqrt(D) of a tile."""
    with np.errstate(over="ignore", invalid="ignore"):
        k = first.x @ second.x.T / first.x.shape[1]
        q1, q2 = (np.broadcast_to(points.q, len(points.x)) for points in (first, second))
        if is_diagonal:
            np.fill_diagonal(k, q1)
        distance = _distances(first.x, second.x, q1, q2, k) if needs_distance else None
    return Inputs(first.q, second.q, k, distance)


def _size(n1: int, n2: int) -> int:
    """Return the tile size that costs least, the filling up included."""
    return min(_SIZES, key=lambda size: -(-n1 // size) * -(-n2 // size) * (size**2 + _LAUNCH))


def _layout(x1: np.ndarray, x2: np.ndarray | None, size: int) -> tuple[_Points, _Points, list[tuple[int, int]]]:
    """Return both sets of points in whole tiles, and the tiles' rows and columns: on one set those above the diagonal."""
    second = x1 if x2 is None else x2
    q1, q2 = _variances(x1), _variances(second)
    both = np.concatenate([q1, q2])
    shared = bool(np.isfinite(both).all() and np.ptp(both) <= 1e-14 * both.max())
    if shared:  # equal norms, to rounding: one variance stands for all
        q1 = q2 = both.mean(keepdims=True)
    rows, columns = _filled_up(x1, q1, size, shared), _filled_up(second, q2, size, shared)
    counts = len(rows.x) // size, len(columns.x) // size
    return rows, columns, [(i, j) for i in range(counts[0]) for j in range(i if x2 is None else 0, counts[1])]


@functools.cache
def _pool() -> ThreadPoolExecutor:
    """Return the threads that compute tiles, for the whole process."""
    return ThreadPoolExecutor(_CORES, thread_name_prefix="lazyrich-tiles")


def for_each(run: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    """Return what `run` gives for every item, on all cores; the first error ends it."""
    if len(items) == 1:
        return [run(items[0])]
    futures = [_pool().submit(run, item) for item in items]
    try:
        return [future.result() for future in futures]
    finally:
        for future in futures:
            future.cancel()
        wait(futures)  # after an error nothing goes on in the background


def in_tiles(
    compute: Callable[[Inputs], tuple[Any, ...]],
    x1: np.ndarray,
    x2: np.ndarray | None,
    needs_distance: bool,
    leading: tuple[tuple[int, ...], ...],
    dtype: str,
) -> tuple[tuple[np.ndarray, ...], bool]:
    """Return the matrices that `compute` gives tile by tile, and whether they are finite.

    Args:
        compute: from the moments of a tile to its arrays, (..., tile, tile); called from several threads.
        x1: points, (n1, D).
        x2: points, (n2, D); `None` means x1, and symmetric matrices.
        needs_distance: whether `compute` wants squared distances.
        leading: the leading dimensions of each matrix, (); or (l,): of the tiles' first dimension so many count.
        dtype: their precision.
    """
    n1, n2 = len(x1), len(x1 if x2 is None else x2)
    size = _size(n1, n2)
    rows, columns, tiles = _layout(x1, x2, size)
    results = tuple(np.empty((*dims, n1, n2), dtype) for dims in leading)

    def run(tile: tuple[int, int]) -> bool:
        i, j = tile
        inputs = _moments(rows.tile(i, size), columns.tile(j, size), x2 is None and i == j, needs_distance)
        with jax.enable_x64(True):  # which each thread must say for itself
            arrays = compute(inputs)
        places = slice(i * size, min((i + 1) * size, n1)), slice(j * size, min((j + 1) * size, n2))
        blocks = [
            np.asarray(array)[(*(slice(d) for d in dims), ..., *(slice(p.stop - p.start) for p in places))]
            for array, dims in zip(arrays, leading, strict=True)
        ]
        for result, block in zip(results, blocks, strict=True):
            result[(..., *places)] = block
            if x2 is None and i < j:
                result[(..., *places[::-1])] = np.swapaxes(block, -1, -2)
        return all(np.isfinite(block).all() for block in blocks)

    return results, all(for_each(run, tiles))
