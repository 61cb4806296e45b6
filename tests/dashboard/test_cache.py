"""The cache that all sessions share: each result is computed once, held within its bytes, and never an error."""

import gc
import itertools
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest

from lazyrich.data import openml
from lazyrich_dashboard.cache import Cache, SharedStream
from lazyrich_dashboard.views import PAGES, LearningCurvesView
from tests.dashboard.examples import SMALL

LIMIT = 60.0  # seconds until a test that waits for another thread gives up


@dataclass(frozen=True, eq=False)
class Value:
    nbytes: int


class WatchedKey:
    """A key that knows how many threads have looked it up."""

    def __init__(self):
        self._threads, self._changed = set(), threading.Condition()

    def __hash__(self):
        with self._changed:
            self._threads.add(threading.get_ident())
            self._changed.notify_all()
        return 0

    def wait_for_threads(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._threads) == count, LIMIT)


def test_eight_threads_that_ask_at_the_same_time_compute_once():
    cache, key, computed = Cache(max_bytes=100), WatchedKey(), []

    def make():
        key.wait_for_threads(8)  # so that all are asking while one computes
        computed.append(Value(10))
        return computed[-1]

    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(cache.get, key, make) for _ in range(8)]
        got = [future.result(LIMIT) for future in asked]

    assert len(computed) == 1
    assert all(value is computed[0] for value in got)


def test_different_keys_are_computed_side_by_side():
    cache, meet = Cache(max_bytes=100), threading.Barrier(2)

    def make():
        meet.wait(LIMIT)  # breaks unless both are being computed at the same time
        return Value(10)

    with ThreadPoolExecutor(2) as threads:
        asked = [threads.submit(cache.get, key, make) for key in "ab"]
        assert all(future.result(LIMIT).nbytes == 10 for future in asked)


def test_the_least_recently_used_goes_when_the_bytes_run_over():
    cache, computed = Cache(max_bytes=100), []

    def get(key):
        return cache.get(key, lambda: computed.append(key) or Value(40))

    for key in ("old", "used again", "used again", "old", "used again", "new"):
        get(key)
    assert computed == ["old", "used again", "new"]

    get("used again")
    get("new")
    assert computed == ["old", "used again", "new"]
    get("old")
    assert computed == ["old", "used again", "new", "old"]


def test_a_value_larger_than_the_cache_is_given_and_soon_forgotten():
    cache = Cache(max_bytes=100)
    large = cache.get("large", lambda: Value(1000))
    assert cache.get("large", lambda: Value(1)) is large
    cache.get("next", lambda: Value(10))
    assert cache.get("large", lambda: Value(1)) is not large


def test_a_result_that_is_being_computed_stays_while_others_are_dropped():
    cache, started, finish = Cache(max_bytes=100), threading.Event(), threading.Event()

    def slow():
        started.set()
        assert finish.wait(LIMIT)
        return Value(10)

    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(cache.get, "slow", slow)
        assert started.wait(LIMIT)
        for key in range(5):
            cache.get(key, lambda: Value(40))
        finish.set()
        assert cache.get("slow", lambda: Value(1)) is asked.result(LIMIT)


def test_an_error_is_raised_and_not_kept():
    cache = Cache(max_bytes=100)

    def fail():
        raise ValueError("no such data")

    for _ in range(2):
        with pytest.raises(ValueError, match="no such data"):
            cache.get("key", fail)
    assert cache.get("key", lambda: Value(10)).nbytes == 10


def test_a_stream_computes_each_item_once_for_several_readers():
    computed = []

    def make():
        for index in range(20):
            computed.append(Value(index))
            yield computed[-1]

    stream = SharedStream(make)
    with ThreadPoolExecutor(4) as threads:
        read = [threads.submit(list, stream) for _ in range(4)]
        got = [future.result(LIMIT) for future in read]

    assert len(computed) == 20
    for items in got:
        assert len(items) == 20
        assert all(mine is theirs for mine, theirs in zip(items, computed, strict=True))


def test_a_stream_goes_on_where_a_reader_stopped_midway():
    computed = []
    stream = SharedStream(lambda: (computed.append(index) or index for index in range(6)))

    assert list(itertools.islice(stream, 2)) == [0, 1]
    assert computed == [0, 1]
    assert list(stream) == list(range(6))
    assert computed == list(range(6))


def test_of_streams_left_midway_all_but_the_last_start_again_when_they_are_read_again():
    begun = []

    def make(name):
        begun.append(name)
        yield from range(6)

    streams = {name: SharedStream(lambda name=name: make(name)) for name in "abc"}
    for stream in streams.values():
        assert list(itertools.islice(stream, 2)) == [0, 1]
    for stream in streams.values():
        assert list(stream) == list(range(6))
        assert list(stream) == list(range(6))  # complete: nothing is computed again
    assert "".join(begun) == "abca"


def test_a_stream_that_someone_reads_is_never_begun_again():
    begun = []
    streams = [SharedStream(lambda number=number: (begun.append(number) or i for i in range(3))) for number in range(9)]
    readers = [iter(stream) for stream in streams]
    assert [next(reader) for reader in readers] == [0] * 9
    assert [list(reader) for reader in readers] == [[1, 2]] * 9
    assert sorted(begun) == sorted([*range(9)] * 3)


def test_a_stream_computes_nothing_before_it_is_read():
    def make():
        raise AssertionError("made too early")
        yield

    assert SharedStream(make).nbytes == 0


def test_a_stream_counts_the_bytes_it_holds_so_far():
    stream = SharedStream(lambda: (Value(size) for size in (5, 7)))
    reader = iter(stream)
    next(reader)
    assert stream.nbytes == 5
    next(reader)
    assert stream.nbytes == 12


def test_every_reader_of_a_stream_that_fails_gets_its_items_and_then_its_error():
    def make():
        yield Value(1)
        raise ValueError("the data end here")

    stream = SharedStream(make)
    for _ in range(2):
        reader = iter(stream)
        assert next(reader).nbytes == 1
        with pytest.raises(ValueError, match="the data end here"):
            next(reader)


class Asker:
    """Who asks for something that is kept for all, and must not be."""

    def reads(self, ask) -> None:
        try:
            ask()
        except ValueError:
            return
        raise AssertionError("It must fail.")


def is_held(ask) -> bool:
    """Whether somebody is kept by what he asked for in vain."""
    asker = Asker()
    held = weakref.ref(asker)
    asker.reads(ask)
    del asker
    gc.collect()
    return held() is not None


def test_an_error_that_is_kept_holds_nobody_who_asked():
    stream = SharedStream(lambda: (int(text) for text in ["none"]))
    assert not any(is_held(lambda: list(stream)) for _ in range(3))


def test_a_download_that_failed_holds_nobody_who_asked(monkeypatch):
    failed = openml.Future()
    failed.set_exception(OSError("no route to host"))
    monkeypatch.setattr(openml, "download", lambda _: failed)
    assert not any(is_held(lambda: openml.fetched("mnist", 1.0)) for _ in range(3))


@pytest.mark.parametrize("kind", [kind for column in itertools.chain(*PAGES.values()) for kind in column])
def test_what_is_kept_for_all_sessions_holds_no_session(kind):
    view = kind()
    view.predict(SMALL)
    kept, held = view.measure(SMALL), weakref.ref(view)
    del view
    gc.collect()
    assert held() is None, kept


def test_a_stream_is_of_the_options_it_was_asked_for_whatever_its_view_shows_by_then():
    view = LearningCurvesView(ridge=0.1)
    asked = view.measure(SMALL)
    view.ridge = 10.0
    later = view.measure(SMALL)
    assert not np.allclose(next(iter(asked)).losses, next(iter(later)).losses)
