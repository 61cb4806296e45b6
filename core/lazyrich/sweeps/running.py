"""The points of a sweep, on local threads or on the workers of a Dask cluster, in the order in which they finish."""

import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from itertools import islice
from typing import Any

import xarray as xr

from ..experiment import Experiment

Point = tuple[int, str, Experiment]
# Points under way for each thread of the workers: one that is trained, and one that waits to be next or to be fetched.
_PER_THREAD = 2


def run(experiment: Experiment, where: str, record: tuple[str, ...], stop: Callable[[], bool] | None = None) -> Any:
    """Train the networks of one point, and return a Dataset as `train` does, but without its warning.

    Raises:
        ValueError: as in `train`, with the point.
    """
    try:
        parts = list(experiment.train_stream(record, stop))
    except ValueError as error:
        raise ValueError(f"At {where}: {error}") from error
    return xr.concat(parts, dim="time", combine_attrs="override").assign_attrs(status=parts[-1].attrs["status"])


def on_threads(todo: Iterator[Point], record: tuple[str, ...], threads: int) -> Generator[tuple[int, xr.Dataset]]:
    """Yield the number of each point with its run; when closed, those under way stop within a step."""
    stop = threading.Event()
    with ThreadPoolExecutor(threads) as pool:
        try:
            under_way = {}

            def submit(count):
                for index, where, experiment in islice(todo, count):
                    under_way[pool.submit(run, experiment, where, record, stop.is_set)] = index

            submit(threads)
            while under_way:
                finished, _ = wait(under_way, return_when=FIRST_COMPLETED)
                for future in finished:
                    submit(1)
                    yield under_way.pop(future), future.result()
        finally:
            stop.set()


def on_cluster(client: Any, todo: Iterator[Point], record: tuple[str, ...]) -> Generator[tuple[int, xr.Dataset]]:
    """Yield the number of each point with its run; those of a worker that dies are run again by another.

    Raises:
        RuntimeError: a point whose workers died, several times over.
    """
    from distributed import KilledWorker, as_completed

    under_way = {}

    def submit(count):
        for index, where, experiment in islice(todo, count):
            future = client.submit(run, experiment, where, record, pure=False, key=f"sweep-{id(under_way)}-{index}")
            under_way[future] = index
            yield future

    finished = as_completed(list(submit(_PER_THREAD * max(1, sum(client.nthreads().values())))))
    try:
        for future in finished:
            finished.update(list(submit(1)))
            yield under_way.pop(future), future.result()
    except KilledWorker as error:
        raise RuntimeError(
            f"A point needs a worker that lives until it is finished; got this: {error} "
            "Give the workers more memory, or take smaller networks."
        ) from error
    finally:
        client.cancel(list(under_way))
