"""Sweeps: an experiment at every combination of values of some of its fields."""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError
from contextlib import closing
from typing import Any

import xarray as xr

from .._checks import choice, whole
from ..dynamics.training.recording import RECORDERS
from ..experiment import Experiment
from ..kernels.distributed import checked_client
from .folder import Folder, Memory
from .grid import Grid
from .joined import joined
from .running import on_cluster, on_threads


def sweep(
    experiment: Experiment,
    grid: Mapping[str, Any],
    *,
    record: tuple[str, ...] = ("loss",),
    steps: int | None = None,
    threads: int = 2,
    client: Any = None,
    path: str | os.PathLike | None = None,
    progress: Callable[[int, int], Any] | None = None,
) -> xr.Dataset:
    """Run an experiment over a grid of values of its fields.

    Args:
        experiment: what all points have in common.
        grid: fields of the experiment, as in `network.width`, `training.learning_rate` or `seed`, and for each the
            values it takes; every combination is run. Where seeds are swept, they share networks unless they are at
            least `training.seeds` apart.
        record: what is recorded; see `train`.
        steps: train every point for so many steps of its own learning rate; None trains to `training.time`.
        threads: how many points are trained at once on this machine; each takes the memory of its networks.
        client: a `dask.distributed.Client`, on whose workers the points are trained in place of threads (extra
            `cluster`); those of a worker that dies are trained again by another.
        path: a folder to keep finished points in. A sweep that was cancelled or killed is resumed by a call with the
            same arguments, which trains only what is missing. One process at a time may write to it.
        progress: called as `progress(points done, points in all)` after each point. It cancels by returning False.

    Returns:
        The variables of `train`, over the grid's dimensions (the last part of each field's name; `data` for data.name,
        `end_time` for training.time), then `network` (the seeds of one point, from its `seed` on) and `checkpoint`,
        then the rest. Checkpoints lie at the coordinate `time` (..., checkpoint), since times are whole steps: where
        learning rates differ, so do they; `learning_rate` (...) is each point's step, also where none was given.
        `status` (...) says `complete`, or when a point diverged: it is NaN from then on. A point that has fewer
        checkpoints, networks, layers or points than another is NaN there, too.

    Raises:
        ValueError: a field that there is not, without values or with one twice; a value that is none; a path that holds
            another sweep; or a point that `train` refuses.
        CancelledError: `progress` returned False (`concurrent.futures.CancelledError`).
    """
    plan = Grid.of(experiment, grid, steps)
    names = tuple(choice(name, "record", RECORDERS) for name in _listed(record))
    threads, client = whole(threads, "threads", 1), checked_client(client)
    if progress is not None and not callable(progress):
        raise ValueError(f"progress must be a function or None; got {type(progress).__name__}. Give a function of two.")
    store = Memory() if path is None else Folder(path, {**plan.spec(), "record": list(names)})
    missing = [i for i in range(len(plan.points)) if i not in store.finished]
    todo = ((i, plan.where(i), plan.points[i]) for i in missing)
    runs = on_threads(todo, names, threads) if client is None else on_cluster(client, todo, names)
    with closing(runs) as finished:
        for done, (index, run) in enumerate(finished, len(plan.points) - len(missing) + 1):
            store.write(index, run if path is None else run.assign_attrs(experiment=plan.points[index].to_json()))
            if progress is not None and progress(done, len(plan.points)) is False:
                kept = "" if path is None else f" A call with the same arguments goes on from {path}."
                raise CancelledError(f"Cancelled by progress after {done} of {len(plan.points)} points.{kept}")
    return joined(plan, [store.read(index) for index in range(len(plan.points))])


def _listed(record: Any) -> Any:
    return record if isinstance(record, (tuple, list)) else (record,)
