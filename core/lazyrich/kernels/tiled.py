"""Large Gram matrices, tile by tile: in memory, in a file, as a stream, over devices and over machines.

`tiled_kernel` returns the matrix, `kernel_tiles` hands out its tiles one at a time and keeps none. Use them where
`ntk` and `nngp` would need more memory than there is: these take a dozen arrays of the size of their result
(measured for ReLU; a tile takes two of a tile's size).
"""

import os
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import CancelledError
from contextlib import closing
from typing import Any

import numpy as np
from jaxtyping import Float

from ..networks import Network
from .blocks import Tile, TiledGram, tiled_gram
from .distributed import checked_client, computed_by
from .tile_files import TileFile


class _InMemory:
    """A matrix in memory; `TileFile` is its counterpart on disk."""

    def __init__(self, gram: TiledGram):
        self.finished = set()
        self._matrix = np.empty(gram.shape, gram.dtype)
        self._symmetric = gram.x2 is None

    def write(self, number: int, rows: slice, columns: slice, block: np.ndarray) -> None:
        self._matrix[rows, columns] = block
        if self._symmetric and rows != columns:
            self._matrix[columns, rows] = block.T
        self.finished.add(number)

    def result(self) -> np.ndarray:
        return self._matrix


def tiled_kernel(
    net: Network,
    x1: Any,
    x2: Any = None,
    *,
    kind: str = "ntk",
    tile: int = 1024,
    dtype: str = "float64",
    out: str | os.PathLike | None = None,
    progress: Callable[[int, int], Any] | None = None,
    client: Any = None,
) -> Float[np.ndarray, "n1 n2"]:
    """Return `ntk` or `nngp` of many points, computed tile by tile, (n1, n2).

    It needs the memory of the result and of two tiles; with `out` the result is in the file instead. Of a symmetric
    matrix (x2 None) only the tiles on and above the diagonal are computed. The rows of a tile are spread over all
    local devices.

    An activation with a kink and no closed form (elu, selu, hard_tanh, functions of yours), on points of unequal norms,
    needs more memory and much more time: every pair is a quadrature of its own; see `lazyrich.duals.kinks`.

    Args:
        net: the network; see `nngp_and_ntk`.
        x1: points, (n1, D).
        x2: points, (n2, D); `None` means `x1`.
        kind: ntk or nngp.
        tile: rows and columns of a tile, at least 1; around 1,000 is fast, and then takes 8 MB.
        dtype: float64, or float32 for half the space, computed in that precision.
        out: a .npy file to write to. A job that was cancelled or killed is resumed by a call with the same arguments;
            until it is complete the file is called `out` + ".partial". One process at a time may write to it.
        progress: called as `progress(tiles done, tiles in all)` after each tile. It cancels by returning False.
        client: a `dask.distributed.Client`, on whose workers the tiles are computed (extra `cluster`); those of a
            worker that dies are computed again by another.

    Returns:
        An array, or with `out` a read-only `np.memmap` of the file.

    Raises:
        ValueError: inputs as in `nngp_and_ntk`; an `out` that holds another matrix, or a disk without room for it.
        CancelledError: `progress` returned False (`concurrent.futures.CancelledError`).
    """
    gram = tiled_gram(net, x1, x2, kind, tile, dtype)
    if progress is not None and not callable(progress):
        raise ValueError(f"progress must be a function or None; got {type(progress).__name__}. Give a function of two.")
    client = checked_client(client)
    matrix = _InMemory(gram) if out is None else TileFile(out, gram)
    todo = (tile for tile in enumerate(gram.tiles()) if tile[0] not in matrix.finished)
    with closing(_blocks(gram, todo, client)) as blocks:  # so that nothing is left under way on the workers
        for (number, (rows, columns)), block in blocks:
            matrix.write(number, rows, columns, block)
            del block  # otherwise it would stay until the next one is there
            done = len(matrix.finished)
            if progress is not None and progress(done, gram.count) is False:
                kept = "" if out is None else f" A call with the same arguments goes on from {out}.partial."
                raise CancelledError(f"Cancelled by progress after {done} of {gram.count} tiles.{kept}")
    return matrix.result()


def kernel_tiles(
    net: Network,
    x1: Any,
    x2: Any = None,
    *,
    kind: str = "ntk",
    tile: int = 1024,
    dtype: str = "float64",
    client: Any = None,
) -> Iterator[tuple[slice, slice, Float[np.ndarray, "rows columns"]]]:
    """Yield `ntk` or `nngp` of many points as (rows, columns, block), one tile at a time, and keep none.

    Of a symmetric matrix (x2 None) they are the tiles on and above the diagonal; `block.T` belongs at (columns, rows).
    With a client they come in the order in which they are finished. Arguments and errors are those of `tiled_kernel`.
    """
    gram, client = tiled_gram(net, x1, x2, kind, tile, dtype), checked_client(client)
    # A generator of its own, so that what is wrong with the arguments is said here and not at the first tile.
    return ((rows, columns, block) for (_, (rows, columns)), block in _blocks(gram, enumerate(gram.tiles()), client))


def _blocks(
    gram: TiledGram, todo: Iterator[tuple[int, Tile]], client: Any
) -> Generator[tuple[tuple[int, Tile], np.ndarray], None, None]:
    """Compute tiles here, in order, or on the client's workers."""
    if client is not None:
        yield from computed_by(client, gram, todo)
    else:
        for numbered in todo:
            yield numbered, gram.block(*numbered[1])
