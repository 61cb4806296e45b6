"""Precedence: whatever is not theory waits until none is asked for, but not for ever."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from lazyrich_dashboard import jobs, precedence
from lazyrich_dashboard.jobs import Latest
from lazyrich_dashboard.precedence import Precedence
from lazyrich_dashboard.results import frames
from tests.dashboard.examples import small
from tests.dashboard.lanes import LIMIT, Loop, Seen, finished


@pytest.fixture
def hasty(monkeypatch):
    """The pool of theory, all of it busy until the event is set."""
    pool, computed = ThreadPoolExecutor(1), threading.Event()
    monkeypatch.setattr(jobs, "THEORY", pool)

    def theory():
        assert computed.wait(LIMIT)
        yield "theory"

    Seen().submit(Latest(pool, Loop().deliver), theory)
    yield computed
    computed.set()
    pool.shutdown()


def test_what_is_not_theory_waits_until_none_is_asked_for(worker, monkeypatch, hasty):
    monkeypatch.setattr(Precedence, "_LONGEST", LIMIT)
    order = []
    Seen().submit(Latest(worker, Loop().deliver), lambda: iter([order.append("networks")]))
    Seen().submit(Latest(jobs.THEORY, Loop().deliver), lambda: iter([order.append("theory")]))
    assert not order
    hasty.set()
    finished(worker)
    assert order == ["theory", "networks"]


def test_servers_of_one_page_give_way_to_the_theory_of_each_other(tmp_path, monkeypatch):
    monkeypatch.setattr(Precedence, "_PAUSE", 0.3)
    one, other = Precedence(), Precedence()
    for number, server in enumerate((one, other)):
        server.share(tmp_path / "haste", 2, number)
    start = time.monotonic()
    one.give_way()
    assert time.monotonic() - start < 0.3  # nobody has been in haste
    other.note(1)
    start = time.monotonic()
    one.give_way()
    assert time.monotonic() - start >= 0.29


def test_training_gives_way_between_two_checkpoints(worker, monkeypatch, hasty):
    """Of which the first is there as soon as it is asked for, and the other after many pieces."""
    monkeypatch.setattr(Precedence, "_LONGEST_OF_A_PIECE", LIMIT)
    gives_way, waits = threading.Event(), Precedence.give_way
    monkeypatch.setattr(Precedence, "give_way", lambda *given: (gives_way.set(), waits(*given)))
    training = worker.submit(lambda: list(frames(small(time=3e3, checkpoints=2))))
    assert gives_way.wait(LIMIT)
    time.sleep(0.2)
    assert not training.done()
    hasty.set()
    assert len(training.result(LIMIT)) == 2


def test_there_is_peace_when_no_theory_is_asked_for(hasty):
    assert precedence.peace() == 0.0
    hasty.set()
    while not precedence.peace():
        time.sleep(0.01)
    time.sleep(0.1)
    assert 0.1 <= precedence.peace() < LIMIT


def test_one_item_at_a_time_is_computed_while_a_class_drags_on(worker, monkeypatch, hasty):
    monkeypatch.setattr(Precedence, "_LONGEST", 0.05)
    loop, seen = Loop(), Seen()
    seen.submit(Latest(worker, loop.deliver), lambda: iter("ab"))
    loop.run(3)
    assert (seen.items, seen.ends) == (["a", "b"], 1)


def test_what_was_cancelled_while_it_gave_way_is_not_computed(worker, monkeypatch, hasty):
    monkeypatch.setattr(Precedence, "_LONGEST", LIMIT)
    gives_way, waits = threading.Event(), Precedence.give_way
    monkeypatch.setattr(Precedence, "give_way", lambda *given: (gives_way.set(), waits(*given)))
    order, lane = [], Latest(worker, Loop().deliver)
    Seen().submit(lane, lambda: iter([order.append("networks")]))
    assert gives_way.wait(LIMIT)
    lane.cancel()
    hasty.set()
    finished(worker)
    assert not order
