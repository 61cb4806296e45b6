"""Work off the event loop: in each lane the latest request wins, and many lanes share one worker fairly."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from lazyrich_dashboard import jobs
from lazyrich_dashboard.deliver import session_deliverer
from lazyrich_dashboard.jobs import Latest
from tests.dashboard.lanes import LIMIT, Loop, Seen, finished

pytestmark = pytest.mark.usefixtures("each_at_once")


def test_items_are_handed_over_in_order_and_then_the_end(worker):
    loop, seen = Loop(), Seen()
    lane = Latest(worker, loop.deliver)
    seen.submit(lane, lambda: iter("abc"))
    assert not lane.idle.is_set()
    loop.run(4)
    assert (seen.items, seen.ends, seen.errors) == (["a", "b", "c"], 1, [])
    assert lane.idle.is_set()


def test_items_are_in_order_even_when_callbacks_are_run_backwards(worker):
    loop, seen = Loop(), Seen()
    seen.submit(Latest(worker, loop.deliver), lambda: iter(range(10)))
    loop.run(11, backwards=True)
    assert (seen.items, seen.ends) == (list(range(10)), 1)


def test_the_end_comes_after_items_whose_callbacks_have_not_run(worker):
    loop, order = Loop(), []
    lane = Latest(worker, loop.deliver)
    lane.submit(lambda: iter("ab"), order.extend, lambda: order.append("end"), order.append)
    loop.run(3, backwards=True)
    assert order == ["a", "b", "end"]


def test_items_in_quick_succession_are_delivered_together(worker, monkeypatch):
    monkeypatch.setattr(jobs, "_INTERVAL", 0.1)
    loop, seen, go_on = Loop(), Seen(), threading.Event()

    def items():
        yield from "abc"
        assert go_on.wait(LIMIT)
        yield from "de"

    start = time.monotonic()
    seen.submit(Latest(worker, loop.deliver), items)
    loop.run(1)
    assert seen.items == ["a"]
    loop.run(1)  # although there is nothing new that would bring them
    assert seen.items == ["a", "b", "c"]
    assert time.monotonic() - start >= 0.1
    go_on.set()
    while not seen.ends:
        loop.run(1)
    assert seen.items == ["a", "b", "c", "d", "e"]


def test_nothing_is_delivered_late_to_a_session_that_has_gone(worker, monkeypatch):
    monkeypatch.setattr(jobs, "_INTERVAL", 0.1)
    late, delivered = threading.Event(), []
    monkeypatch.setattr(jobs._Job, "_deliver_late", lambda job, do=jobs._Job._deliver_late: (do(job), late.set()))
    go_on = threading.Event()

    def items():
        yield from "ab"
        assert go_on.wait(LIMIT)

    lane = Latest(worker, delivered.append)
    Seen().submit(lane, items)
    while lane._job is not None and not lane._job._is_due:
        time.sleep(0.001)
    lane.cancel()
    assert late.wait(LIMIT)
    go_on.set()
    assert len(delivered) == 1


def test_the_end_and_what_comes_with_it_are_not_waited_for(worker, monkeypatch):
    monkeypatch.setattr(jobs, "_INTERVAL", LIMIT)
    loop, seen = Loop(), Seen()
    seen.submit(Latest(worker, loop.deliver), lambda: iter("abc"))
    loop.run(2)
    assert (seen.items, seen.ends) == (["a", "b", "c"], 1)


def test_a_slow_first_job_delivers_nothing_after_a_newer_request():
    loop, first, second = Loop(), Seen(), Seen()
    started, go_on = threading.Event(), threading.Event()

    def slow():
        started.set()
        assert go_on.wait(LIMIT)
        yield "stale"

    with ThreadPoolExecutor(2) as workers:
        lane = Latest(workers, loop.deliver)
        first.submit(lane, slow)
        assert started.wait(LIMIT)
        second.submit(lane, lambda: iter(["new"]))
        loop.run(2)  # the newer one's item and its end
        go_on.set()
        loop.run(1)  # the slow one's item, which has come too late

    assert (second.items, second.ends) == (["new"], 1)
    assert (first.items, first.ends, first.errors) == ([], 0, [])
    assert lane.idle.is_set()


def test_items_that_wait_for_the_loop_are_dropped_by_a_newer_request(worker):
    loop, first, second = Loop(), Seen(), Seen()
    lane = Latest(worker, loop.deliver)
    first.submit(lane, lambda: iter("ab"))
    finished(worker)
    second.submit(lane, lambda: iter("c"))
    while not lane.idle.is_set():
        loop.run(1)
    assert (first.items, first.ends) == ([], 0)
    assert (second.items, second.ends) == (["c"], 1)


def test_a_superseded_job_stops_at_its_next_item(worker):
    computed, started, go_on = [], threading.Event(), threading.Event()

    def endless():
        while True:
            computed.append(len(computed))
            started.set()
            assert go_on.wait(LIMIT)
            yield

    lane = Latest(worker, Loop().deliver)
    Seen().submit(lane, endless)
    assert started.wait(LIMIT)
    lane.cancel()
    go_on.set()
    finished(worker)
    finished(worker)
    assert computed == [0]


def test_a_cancelled_job_delivers_nothing_and_leaves_the_lane_idle_and_usable(worker):
    loop, seen, later = Loop(), Seen(), Seen()
    lane = Latest(worker, loop.deliver)
    seen.submit(lane, lambda: iter("abc"))
    lane.cancel()
    assert lane.idle.is_set()
    finished(worker)
    later.submit(lane, lambda: iter("d"))
    while not lane.idle.is_set():
        loop.run(1)
    assert (seen.items, seen.ends) == ([], 0)
    assert (later.items, later.ends) == (["d"], 1)


@pytest.mark.parametrize("drop", [Latest.cancel, lambda lane: Seen().submit(lane, lambda: iter("c"))])
def test_where_workers_hand_over_themselves_a_request_is_dropped_when_that_is_over(worker, drop):
    handing, go_on, dropped, seen = threading.Event(), threading.Event(), threading.Event(), []

    def items():
        yield "a"
        assert dropped.wait(LIMIT)
        yield "b"

    def take(items):
        handing.set()
        assert go_on.wait(LIMIT)
        seen.extend(items)

    lane = Latest(worker, session_deliverer())
    lane.submit(items, take, lambda: seen.append("end"), seen.append)
    assert handing.wait(LIMIT)
    dropping = threading.Thread(target=lambda: [drop(lane), dropped.set()])
    dropping.start()
    assert not dropped.wait(0.2)
    go_on.set()
    dropping.join(LIMIT)
    finished(worker)
    finished(worker)
    assert dropped.is_set() and seen == ["a"]


def test_a_delayed_job_that_is_cancelled_never_starts(worker):
    started = []
    loop, seen = Loop(), Seen()
    lane, other = (Latest(worker, loop.deliver) for _ in range(2))
    Seen().submit(lane, lambda: iter(started.append("first") or []), delay=0.5)
    lane.cancel()
    seen.submit(other, lambda: iter("a"), delay=0.6)  # due later, so when it is there the first has been due too
    loop.run(2)
    assert (seen.items, started) == (["a"], [])


def test_a_delayed_job_starts_by_itself(worker):
    loop, seen = Loop(), Seen()
    seen.submit(Latest(worker, loop.deliver), lambda: iter("a"), delay=0.01)
    loop.run(2)
    assert seen.items == ["a"]


def test_a_value_error_becomes_its_sentence(worker, caplog):
    loop, seen = Loop(), Seen()
    lane = Latest(worker, loop.deliver)

    def fail():
        yield "first"
        raise ValueError("n_train must be at least 1.")

    seen.submit(lane, fail)
    loop.run(2)
    assert (seen.items, seen.ends, seen.errors) == (["first"], 0, ["n_train must be at least 1."])
    assert lane.idle.is_set()
    assert not caplog.records


def test_any_other_exception_is_logged_and_becomes_a_sentence(worker, caplog):
    loop, seen = Loop(), Seen()
    lane = Latest(worker, loop.deliver)

    def fail():
        raise KeyError("weights")

    seen.submit(lane, fail)
    loop.run(1)
    assert len(seen.errors) == 1
    assert "could not be computed" in seen.errors[0]
    assert "KeyError" in seen.errors[0]
    assert "Change a control" in seen.errors[0]
    assert lane.idle.is_set()
    assert [record.exc_info[0] for record in caplog.records] == [KeyError]


def test_what_the_end_of_the_process_interrupts_is_no_error(monkeypatch, worker, caplog):
    pool = ThreadPoolExecutor(1)
    monkeypatch.setattr(jobs, "THEORY", pool)
    monkeypatch.setattr(jobs, "ASIDE", pool)
    monkeypatch.setattr(jobs, "NETWORKS", pool)
    loop, seen = Loop(), Seen()

    def needs_the_pool():
        jobs.end()
        yield pool.submit(len, "abc").result(LIMIT)

    seen.submit(Latest(worker, loop.deliver), needs_the_pool)
    finished(worker)
    assert not caplog.records
    with pytest.raises(RuntimeError, match="after shutdown"):
        pool.submit(len, "abc")


def test_what_the_end_of_a_script_interrupts_is_no_error():
    script = """
from lazyrich_dashboard import jobs

def needs_a_pool():
    print("begun")
    while True:
        jobs.NETWORKS.submit(len, "abc").result()

jobs.Latest(jobs.THEORY, lambda callback: callback()).submit(needs_a_pool, print, print, print)
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=LIMIT)
    assert (run.returncode, run.stdout, run.stderr) == (0, "begun\n", "")


def test_an_error_of_a_superseded_job_is_not_shown(worker):
    loop, seen, later = Loop(), Seen(), Seen()
    lane = Latest(worker, loop.deliver)

    def fail():
        raise ValueError("stale")

    seen.submit(lane, fail)
    finished(worker)
    later.submit(lane, lambda: iter("a"))
    loop.run(3)
    assert seen.errors == []
    assert later.items == ["a"]


def test_two_lanes_take_turns_on_one_worker(worker):
    computed, hold = [], threading.Event()

    def job(name):
        for index in range(3):
            computed.append(f"{name}{index}")
            yield

    loop = Loop()
    worker.submit(hold.wait, LIMIT)  # so that both lanes are in the queue before either starts
    for name in "ab":
        Seen().submit(Latest(worker, loop.deliver), lambda name=name: job(name))
    hold.set()
    loop.run(8)
    assert computed == ["a0", "b0", "a1", "b1", "a2", "b2"]
