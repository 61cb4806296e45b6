"""Tiles computed by the processes of a real Dask cluster, some of which are killed."""

import os
import signal
import time
from concurrent.futures import CancelledError

import numpy as np
import pytest
from distributed import Client, LocalCluster

import lazyrich as lr
from tests.tolerances import assert_allclose

pytestmark = pytest.mark.slow  # two processes that import JAX

NET = lr.Network(depth=3)
X = np.random.default_rng(0).normal(size=(60, 5))
TILE, TILES = 8, 36  # of 8 x 8 those above the diagonal and on it


@pytest.fixture(scope="module")
def cluster():
    """A client of two worker processes, each with a guardian that replaces it when it dies."""
    # No dashboard, and any free port for what the scheduler serves besides.
    arguments = {"dashboard_address": None, "scheduler_kwargs": {"dashboard_address": ":0"}}
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, **arguments) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def client(cluster):
    """The client, with both workers there."""
    cluster.wait_for_workers(2, timeout=60)
    return cluster


def kill(client, count):
    """Kill that many workers, without a word to Dask; return the processes there were."""
    processes = client.run(os.getpid)
    assert len(processes) == 2 and os.getpid() not in processes.values()
    for process in list(processes.values())[:count]:
        os.kill(process, signal.SIGKILL)
    return processes


def wait_until(condition):
    """Dask says on a thread of its own what it has let go."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("killed", [1, 2], ids=["one_worker", "every_worker"])
def test_the_kernel_is_complete_and_right_when_workers_are_killed_mid_way(killed, client, tmp_path):
    seen, processes = [], {}

    def progress(done, total):
        seen.append((done, total))
        if done == 6:
            processes.update(kill(client, killed))

    out = tmp_path / "kernel.npy"
    got = lr.tiled_kernel(NET, X, tile=TILE, client=client, out=out, progress=progress)
    assert_allclose(got, lr.ntk(NET, X), 1e-13)
    assert_allclose(got, got.T, 0)
    assert seen == [(done, TILES) for done in range(1, TILES + 1)]
    assert_allclose(lr.load_tiled_kernel(out), got, 0)
    survivors = set(client.run(os.getpid).values()) & set(processes.values())
    assert len(survivors) == 2 - killed


def test_a_few_tiles_at_a_time_are_under_way_and_none_when_it_is_cancelled(client, tmp_path):
    under_way = []

    def progress(done, total):
        under_way.append(len([key for key in client.futures if key.startswith("block")]))
        return done < 9

    arguments = {"tile": TILE, "client": client, "kind": "nngp", "out": tmp_path / "kernel.npy"}
    with pytest.raises(CancelledError, match=f"after 9 of {TILES} tiles"):
        lr.tiled_kernel(NET, X, progress=progress, **arguments)
    assert max(under_way) <= 2 * 2
    wait_until(lambda: not client.futures)
    # What was cancelled is finished here, without the cluster.
    assert_allclose(lr.tiled_kernel(NET, X, **{**arguments, "client": None}), lr.nngp(NET, X), 1e-13)


def test_tiles_stream_from_the_cluster_each_once(client):
    matrix = np.zeros((len(X), 7))
    for rows, columns, block in lr.kernel_tiles(NET, X, X[:7], tile=TILE, client=client):
        matrix[rows, columns] += block
    assert_allclose(matrix, lr.ntk(NET, X, X[:7]), 1e-13)


def test_an_overflow_on_a_worker_is_refused_in_the_same_words(client):
    with pytest.raises(ValueError, match="must be finite in float64; got an overflow"):
        lr.tiled_kernel(NET, 1e200 * X, tile=TILE, client=client)
