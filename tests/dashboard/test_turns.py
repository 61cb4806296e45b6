"""Turns: two items at a time, but no long one keeps the others waiting."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from lazyrich_dashboard import jobs
from lazyrich_dashboard.cache import SharedStream
from lazyrich_dashboard.jobs import Latest
from lazyrich_dashboard.turns import Turns
from tests.dashboard.lanes import LIMIT, Seen

MANY = 8


@pytest.fixture
def pool():
    """Threads enough, and an end of all items that wait for it."""
    with ThreadPoolExecutor(MANY) as pool:
        yield pool


@pytest.fixture
def soon(monkeypatch):
    monkeypatch.setattr(Turns, "_LONG", 0.1)


def test_so_many_have_a_turn_at_a_time(pool):
    turns, guard, inside, counts = Turns(2), threading.Lock(), [], []

    def take(number):
        with turns.turn():
            with guard:
                inside.append(number)
                counts.append(len(inside))
            time.sleep(0.02)
            with guard:
                inside.remove(number)

    list(pool.map(take, range(20)))
    assert max(counts) == 2 and len(counts) == 20


def test_what_takes_long_leaves_its_turn_and_only_so_much_may(pool, soon):
    turns, ends, begun = Turns(2), threading.Event(), threading.Semaphore(0)

    def take_long():
        with turns.turn():
            begun.release()
            while not ends.is_set():
                with turns.pause():
                    pass
                time.sleep(0.01)

    at_work = [pool.submit(take_long) for _ in range(MANY)]
    for _ in range(2 + Turns._MOST_LONG):
        assert begun.acquire(timeout=LIMIT)
    assert not begun.acquire(timeout=0.3)
    ends.set()
    for one in at_work:
        one.result(LIMIT)
    assert turns._free == 2 and turns._long == 0


def test_an_item_is_long_by_the_time_it_computes_not_by_the_time_it_waits(soon):
    turns = Turns(1)
    with turns.turn():
        for _ in range(5):
            with turns.pause():
                time.sleep(0.05)
        assert turns._free == 0
        time.sleep(0.15)
        with turns.pause():
            assert turns._free == 1
    assert turns._free == 1


def short(lane: Latest) -> bool:
    """Submit what takes no time, and say whether it was done before the test gave up."""
    done = threading.Event()
    lane.submit(lambda: iter([1]), lambda items: done.set(), lambda: None, lambda sentence: None)
    return done.wait(LIMIT / 6)


def deliver_at_once(callback):
    callback()


def lane() -> Latest:
    return Latest(jobs.NETWORKS, deliver_at_once)


def until(ends: threading.Event):
    """An item that takes until then, in pieces as training has them."""
    while not ends.is_set():
        jobs.stops()
    yield 1


def test_runs_whose_checkpoints_are_minutes_away_do_not_keep_others_waiting(soon):
    ends, lanes, seen = threading.Event(), [lane() for _ in range(3)], Seen()
    for long in lanes:
        seen.submit(long, lambda: until(ends))
    try:
        assert short(lane())
        assert not seen.items
    finally:
        ends.set()
    assert all(long.idle.wait(LIMIT) for long in lanes)
    assert seen.items == [1, 1, 1]


def test_those_who_wait_for_an_item_of_another_do_not_keep_others_waiting(soon):
    ends, lanes, seen = threading.Event(), [lane() for _ in range(5)], Seen()
    stream = SharedStream(lambda: until(ends))
    for reader in lanes:
        seen.submit(reader, lambda: iter(stream))
    try:
        assert short(lane())
        assert not seen.items
    finally:
        ends.set()
    assert all(reader.idle.wait(LIMIT) for reader in lanes)
    assert seen.items == [1] * 5
