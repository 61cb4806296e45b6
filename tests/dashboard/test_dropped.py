"""Dropped work: what nobody waits for any more stops within an item, and is made anew for who comes later."""

import dataclasses
import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from lazyrich_dashboard import jobs, movement, results
from lazyrich_dashboard.cache import SharedStream
from lazyrich_dashboard.jobs import Latest
from lazyrich_dashboard.results import Snapshot, frames
from lazyrich_dashboard.timeline import timeline
from lazyrich_dashboard.views import TrainingView
from tests.dashboard.examples import small
from tests.dashboard.lanes import LIMIT, Loop, Seen, finished

pytestmark = pytest.mark.usefixtures("each_at_once")


def slow_frames(time: float, seeds: int = 1):
    """Networks whose second and last checkpoint is minutes away where `time` is large."""
    return frames(small(time=time, checkpoints=2, seeds=seeds))


def test_training_that_nobody_waits_for_stops_between_two_checkpoints(worker):
    loop, seen = Loop(), Seen()
    lane, stream = Latest(worker, loop.deliver), slow_frames(1e8)
    seen.submit(lane, lambda: iter(stream))
    loop.run(1)
    lane.cancel()
    finished(worker)
    assert len(seen.items) == 1 and not seen.errors


@pytest.mark.parametrize("width", [32.0, math.inf], ids=["networks", "limit"])
def test_a_measurement_that_nobody_waits_for_stops_within_a_point(worker, monkeypatch, width):
    begun, stops = threading.Event(), jobs.stops
    monkeypatch.setattr(movement, "stops", lambda: begun.set() or stops())
    experiment = small(time=1e7, learning_rate=0.1)
    experiment = dataclasses.replace(experiment, network=dataclasses.replace(experiment.network, depth=1))
    seen, lane = Seen(), Latest(worker, Loop().deliver)
    seen.submit(lane, lambda: iter(movement.measurement(experiment, [movement.Point(width, 1.0)])))
    assert begun.wait(LIMIT)
    lane.cancel()
    finished(worker)
    assert not seen.items and not seen.errors


def test_a_timeline_that_nobody_waits_for_stops_at_its_next_time(worker):
    drawn, begun, go_on = [], threading.Event(), threading.Event()

    class Watched(TrainingView):
        def columns(self, snapshot):
            drawn.append(snapshot.scrub)
            begun.set()
            assert go_on.wait(LIMIT)
            return super().columns(snapshot)

    lane, seen = Latest(worker, Loop().deliver), Seen()
    view, snapshot = Watched(), Snapshot(results.theory(small()), (), 1.0)
    seen.submit(lane, lambda: iter([timeline(view, snapshot)]))
    assert begun.wait(LIMIT)
    lane.cancel()
    go_on.set()
    finished(worker)
    assert (drawn, seen.errors) == ([0.0], [])


def test_training_that_was_dropped_is_made_anew_for_the_next(worker):
    loop, first, second = Loop(), Seen(), Seen()
    lane, stream = Latest(worker, loop.deliver), slow_frames(1e4, seeds=2)
    first.submit(lane, lambda: iter(stream))
    loop.run(1)
    time.sleep(0.2)  # somewhere between its two checkpoints
    lane.cancel()
    finished(worker)
    second.submit(lane, lambda: iter(stream))
    loop.run(3)
    assert (len(first.items), len(second.items), second.ends) == (1, 2, 1)
    fresh = list(results._compute_frames(small(time=1e4, checkpoints=2, seeds=2)))
    assert np.array_equal(second.items[-1].f_test, fresh[-1].f_test)


def test_training_that_another_session_waits_for_goes_on():
    stopped, shared = [], SharedStream(lambda: items())

    def items():
        yield "first"
        started.set()
        assert go_on.wait(LIMIT)
        stopped.append(jobs.stops())
        yield "second"

    started, go_on = threading.Event(), threading.Event()
    loop, seen = Loop(), Seen()
    with ThreadPoolExecutor(2) as workers:
        lane = Latest(workers, loop.deliver)
        seen.submit(lane, lambda: iter(shared))
        assert started.wait(LIMIT)
        other = iter(shared)
        assert next(other) == "first"
        lane.cancel()
        go_on.set()
        assert next(other) == "second"
    assert stopped == [False]
