"""A sweep over the processes of a real Dask cluster, one of which is killed."""

import os
import signal

import pytest
from distributed import Client, LocalCluster

import lazyrich as lr

pytestmark = pytest.mark.slow  # two processes that import JAX

EXPERIMENT = lr.Experiment(
    data=lr.DataSpec("circle", n_train=5, n_test=3),
    network=lr.Network(2, 4, "tanh", 1.0),
    training=lr.TrainingSpec(time=2.0, learning_rate=0.1, seeds=2, checkpoints=4),
)
GRID = {"network.richness": [0.5, 1.0, 2.0], "seed": [0, 5]}


@pytest.fixture(scope="module")
def client():
    """A client of two worker processes, each with a guardian that replaces it when it dies."""
    arguments = {"dashboard_address": None, "scheduler_kwargs": {"dashboard_address": ":0"}}
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, **arguments) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(2, timeout=60)
        yield client


def test_a_sweep_is_the_same_when_a_worker_is_killed_mid_way(client, tmp_path):
    seen, killed = [], []

    def progress(done, total):
        seen.append((done, total))
        if done == 2:
            killed.append(next(iter(client.run(os.getpid).values())))
            os.kill(killed[0], signal.SIGKILL)

    result = lr.sweep(EXPERIMENT, GRID, client=client, path=tmp_path, progress=progress)
    assert seen == [(done, 6) for done in range(1, 7)]
    assert killed[0] not in client.run(os.getpid).values()
    assert result.identical(lr.sweep(EXPERIMENT, GRID))


def test_what_train_refuses_is_refused_in_the_same_words(client):
    with pytest.raises(ValueError, match=r"At training.batch_size = 9: batch_size must be a whole number from 1 to 5"):
        lr.sweep(EXPERIMENT, {"training.batch_size": [9]}, client=client)
