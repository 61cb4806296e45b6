"""Tiles computed by the workers of a Dask cluster, which may die.

The points go to every worker once; each tile is one task. Only a few tasks are under way at a time, since a finished
block waits in its worker's memory until it is fetched. Dask gives the tasks of a dead worker to another one.
"""

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

import numpy as np

from .blocks import Tile, TiledGram

# Tiles under way for each thread of the workers: one that is computed, and one that waits to be next or to be fetched.
_PER_THREAD = 2
# Attempts at a task that raises, as when a worker is short of memory for a moment.
_RETRIES = 2
# How often all workers may die without having finished one tile since the last time.
_ROUNDS_IN_VAIN = 3


def checked_client(client: Any) -> Any:
    """Return `client` if it is None or a Dask client.

    Raises:
        ValueError: something else.
    """
    if client is None:
        return None
    try:
        from distributed import Client  # an extra: most users have no cluster
    except ImportError:
        Client = ()
    if not isinstance(client, Client):
        raise ValueError(
            f"client must be a dask.distributed.Client or None; got {type(client).__name__}. "
            "Install lazyrich[cluster] and make a Client."
        )
    return client


def computed_by(
    client: Any, gram: TiledGram, todo: Iterator[tuple[int, Tile]]
) -> Iterator[tuple[tuple[int, Tile], np.ndarray]]:
    """Yield each numbered tile with its block, in the order in which they are finished.

    Raises:
        RuntimeError: every worker died, several times over, before one tile was finished.
        ValueError: a kernel that overflows.
    """
    from distributed import CancelledError

    in_vain = 0
    while in_vain < _ROUNDS_IN_VAIN:
        under_way, in_vain = {}, in_vain + 1
        try:
            for result in _round(client, gram, todo, under_way):
                in_vain = 0
                yield result
            return
        except CancelledError:  # no worker is left that has the points; those that come next have none of them
            todo = chain(list(under_way.values()), todo)
    raise RuntimeError(
        f"A tile needs a worker that lives until it is finished; got {_ROUNDS_IN_VAIN} times none. "
        "Give the workers more memory, or take a smaller tile."
    )


def _round(
    client: Any, gram: TiledGram, todo: Iterator[tuple[int, Tile]], under_way: dict[Any, tuple[int, Tile]]
) -> Iterator[tuple[tuple[int, Tile], np.ndarray]]:
    """Send the points out, then yield tiles as long as some worker has them; `under_way` holds what was not finished.

    Raises:
        CancelledError: all workers that had the points have died (`distributed.CancelledError`).
    """
    from distributed import as_completed

    points = client.scatter(gram, broadcast=True, hash=False)

    def submit(numbered):
        future = client.submit(TiledGram.block, points, *numbered[1], pure=False, retries=_RETRIES)
        under_way[future] = numbered
        return future

    at_once = _PER_THREAD * max(1, sum(client.nthreads().values()))
    finished = as_completed([submit(numbered) for numbered in islice(todo, at_once)])
    try:
        for future in finished:
            block = future.result()
            yield under_way.pop(future), block
            del block  # otherwise it would stay until the next one has been fetched
            finished.update([submit(numbered) for numbered in islice(todo, 1)])
    finally:
        client.cancel([*under_way, points])
