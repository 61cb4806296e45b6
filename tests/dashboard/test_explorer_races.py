"""Explorer under haste: what is on screen belongs to the controls on screen, and what is dropped stops."""

import itertools
import threading
from collections import Counter

import pytest

from lazyrich_dashboard import Explorer, jobs
from lazyrich_dashboard import work as module
from lazyrich_dashboard.jobs import NETWORKS, THEORY
from lazyrich_dashboard.results import frames, theory
from lazyrich_dashboard.views import SpectrumView, TrainingView
from tests.dashboard.examples import SMALL, assert_is_spectrum_of

LIMIT = 60.0  # seconds until a test that waits for another thread gives up


@pytest.fixture
def explorer():
    explorer = Explorer(SMALL)
    yield explorer
    explorer.close()


def assert_shows_its_own_networks(explorer: Explorer) -> None:
    shown, own = explorer.snapshot.frames, list(frames(explorer.experiment))
    assert shown
    assert all(any(frame is one for one in own) for frame in shown)


def each_worker_takes_a_turn(pool) -> None:
    """Return once every worker of a pool has finished what it was doing."""
    meet = threading.Barrier(pool._max_workers + 1)
    for _ in range(pool._max_workers):
        pool.submit(meet.wait, LIMIT)
    meet.wait(LIMIT)


class EndlessNetworks:
    """Stands in for `frames`: the first checkpoints of a run, then the third one over and over."""

    def __init__(self):
        self._asked, self._changed = Counter(), threading.Condition()

    def __call__(self, experiment):
        run = list(frames(experiment))
        for frame in itertools.chain(run[:2], itertools.repeat(run[2])):
            with self._changed:
                self._asked[experiment] += 1
                self._changed.notify_all()
            yield frame

    def wait_for(self, experiment) -> None:
        """Wait until two checkpoints of an experiment have been handed over and a third is asked for."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._asked[experiment] >= 3, LIMIT)

    def stops(self) -> bool:
        """Whether none is asked for any more, though the worker has had several turns."""
        each_worker_takes_a_turn(NETWORKS)
        before = self._asked.total()
        for _ in range(3):
            each_worker_takes_a_turn(NETWORKS)
        return self._asked.total() == before


@pytest.fixture
def endless(monkeypatch):
    endless = EndlessNetworks()
    monkeypatch.setattr(module, "frames", endless)
    monkeypatch.setattr(jobs, "_INTERVAL", 0.0)  # so that each checkpoint is handed over before the next is asked for
    return endless


def test_rapid_changes_end_on_the_last(explorer):
    for depth in (*range(1, 12), *range(11, 1, -1)):
        explorer.state.depth = depth
    explorer.state.weight_var = 1.7
    assert explorer.wait(LIMIT)
    network = explorer.experiment.network
    assert (network.depth, network.weight_var) == (2, 1.7)
    assert_is_spectrum_of(explorer.experiment, explorer.view(SpectrumView).live.source("theory").data)
    assert_shows_its_own_networks(explorer)
    assert len(explorer.snapshot.frames) == len(list(frames(explorer.experiment)))


def test_a_slow_theory_never_replaces_a_newer_one(explorer, monkeypatch):
    started, go_on = threading.Event(), threading.Event()

    def slow_at_depth_7(experiment):
        if experiment.network.depth == 7:
            started.set()
            assert go_on.wait(LIMIT)
        return theory(experiment)

    monkeypatch.setattr(module, "theory", slow_at_depth_7)
    explorer.state.depth = 7
    assert started.wait(LIMIT)
    explorer.state.depth = 3
    assert explorer.work.theory_lane.idle.wait(LIMIT)
    go_on.set()
    each_worker_takes_a_turn(THEORY)
    assert explorer.snapshot.theory.network.depth == 3
    assert_is_spectrum_of(explorer.experiment, explorer.view(SpectrumView).live.source("theory").data)


def test_a_bad_value_is_not_covered_by_the_theory_that_was_on_its_way(explorer, monkeypatch):
    started, go_on = threading.Event(), threading.Event()

    def slow(experiment):
        started.set()
        assert go_on.wait(LIMIT)
        return theory(experiment)

    monkeypatch.setattr(module, "theory", slow)
    explorer.state.depth = 7
    assert started.wait(LIMIT)
    explorer.state.seed = -1
    go_on.set()
    each_worker_takes_a_turn(THEORY)
    assert not explorer.grid.visible
    assert "seed must be" in explorer.alert.object


def test_a_change_drops_the_networks_of_the_controls_before(endless, explorer):
    explorer.state.weight_var = 1.5
    endless.wait_for(explorer.experiment)
    explorer.state.weight_var = 1.0
    endless.wait_for(explorer.experiment)
    assert explorer.snapshot.theory.network.weight_var == 1.0
    assert_shows_its_own_networks(explorer)


def test_a_bad_value_stops_the_networks(endless, explorer):
    endless.wait_for(explorer.experiment)
    assert not endless.stops()
    explorer.state.seed = -1
    assert endless.stops()


def test_close_stops_the_work(endless):
    explorer = Explorer(SMALL)
    endless.wait_for(SMALL)
    assert not endless.stops()
    explorer.close()
    assert endless.stops()


def test_cancel_stops_the_networks_and_leaves_what_has_come(endless, explorer):
    endless.wait_for(SMALL)
    assert not explorer.bar.cancel_button.disabled
    explorer.bar.cancel_button.clicks += 1
    assert endless.stops()
    assert "cancelled" in explorer.bar.status.object
    assert explorer.bar.progress.value == 0
    assert explorer.bar.cancel_button.disabled
    assert len(explorer.view(TrainingView).live.source("train: nets").data["x"]) > 0
