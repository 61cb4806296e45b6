"""Progress: networks are spoken of before measurements, with the share done and the time left."""

import dataclasses

import pytest

from lazyrich_dashboard import progress as module
from lazyrich_dashboard.progress import Progress
from lazyrich_dashboard.results import frames
from tests.dashboard.examples import SMALL


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands until it is moved."""
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def said():
    return []


@pytest.fixture
def progress(said):
    return Progress(lambda words, *, running, done=0.0: said.append((words, running, done)))


def at(share):
    return dataclasses.replace(next(iter(frames(SMALL))), time=100.0 * share, end=100.0)


def test_networks_have_a_share_done_and_the_time_left(progress, said, clock):
    progress.begin_training()
    progress.trained(at(0.0))
    clock[0] += 10
    progress.trained(at(0.25))
    progress.end_training("3 networks trained")
    assert said == [
        ("networks start when the controls rest", True, 0.0),
        ("networks at t = 0 of 100", True, 0.0),
        ("networks at t = 25 of 100, 30 s left", True, 25.0),
        ("3 networks trained", False, 0.0),
    ]


def test_measurements_have_too_counted_from_the_first(progress, said, clock):
    progress.begin_measuring([5])
    progress.measured([1])
    clock[0] += 6
    progress.measured([3])
    progress.end_measuring("measured")
    assert said == [
        ("measuring starts when the controls rest", True, 0.0),
        ("measuring", True, 20.0),
        ("measuring, 6 s left", True, 60.0),
        ("measured", False, 0.0),
    ]


def test_the_time_left_is_that_of_the_view_that_is_furthest_behind(progress, said, clock):
    progress.begin_measuring([20, 4, 0])
    progress.measured([20, 1, 0])
    clock[0] += 6
    progress.measured([20, 2, 7])
    assert said[1:] == [("measuring", True, 25.0), ("measuring, 12 s left", True, 50.0)]


def test_measuring_is_not_spoken_of_while_networks_train(progress, said):
    progress.begin_training()
    progress.begin_measuring([2])
    progress.measured([1])
    assert [words for words, *_ in said] == ["networks start when the controls rest"]
    progress.end_training("3 networks trained")
    assert said[-1] == ("3 networks trained", True, 0.0)
    progress.measured([2])
    progress.end_measuring("measured")
    assert said[-1] == ("3 networks trained", False, 0.0)


def test_networks_are_not_called_finished_by_what_is_measured_before(progress, said):
    progress.begin_training()
    progress.begin_measuring([1])
    progress.measured([1])
    progress.end_measuring("measured")
    assert len(said) == 1


@pytest.mark.parametrize(("networks", "words"), [(True, "networks cancelled"), (False, "cancelled; move a control")])
def test_a_cancelled_session_says_what_to_do(progress, said, networks, words):
    if networks:
        progress.begin_training()
    progress.begin_measuring([3])
    progress.cancel()
    assert said[-1][0].startswith(words) and said[-1][1] is False
