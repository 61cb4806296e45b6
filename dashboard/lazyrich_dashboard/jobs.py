"""Work off the event loop: process-wide pools, and in each session the latest request wins.

A job is an iterator. A pool takes one item of it at a time and then puts the job back at the end of its queue, so that
many sessions share the workers fairly. A job that has been superseded or cancelled stops at its next item, or sooner if
its item looks at `stops` or `check_wanted`. Items are handed over on the session's own event loop, those that come in
quick succession together.

Theory, which follows a slider, takes precedence: whatever else is to be computed, of any session, gives way to it.
"""

import asyncio
import contextlib
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import panel as pn

from . import precedence
from .cache import DroppedError, others_wait
from .deliver import Deliver, session_deliverer

# What a slider moves; what is made of it once the controls rest (timelines, files); and what takes long: networks, and
# whatever is measured. XLA spreads one run over all cores; a second worker lets others go on while one is deep in a
# long chunk.
THEORY = ThreadPoolExecutor(2, thread_name_prefix="theory")
ASIDE = ThreadPoolExecutor(2, thread_name_prefix="aside")
NETWORKS = ThreadPoolExecutor(2, thread_name_prefix="networks")

_at_work = threading.local()  # whose `job` is the one of which this thread computes an item

# Seconds between two deliveries of one job: a page that draws every checkpoint at once has no time for its visitor.
_INTERVAL = 0.25

_log = logging.getLogger(__name__)


def end() -> None:
    """Drop all work: the process is ending, and with it the threads that computations need."""
    for pool in (THEORY, ASIDE, NETWORKS):
        pool.shutdown(wait=False, cancel_futures=True)


def have_ended() -> bool:
    """Say whether the process, a server or a script after its last line, is ending: its pools take no work then."""
    try:
        ASIDE.submit(int)
    except RuntimeError as error:
        return "shutdown" in str(error)
    return False


def stops() -> bool:
    """Return False when no theory is asked for: the `stop` of training, whose next item may be minutes away.

    Raises:
        DroppedError: nobody waits for the item any more.
    """
    precedence.give_way(is_a_piece=True)
    check_wanted()
    return False


def check_wanted() -> None:
    """Raise DroppedError if nobody waits any more for the item that this thread computes."""
    job = getattr(_at_work, "job", None)
    if job is not None and job.is_dropped and not others_wait():
        raise DroppedError


class Latest:
    """One lane of work in one session: a new request replaces the one before.

    `on_items` gets the items that have come since it was last called, in order; `on_end` is called after the last;
    `on_error` gets the sentence of a `ValueError`, or of anything else that went wrong (which is logged too). None of
    them is called for a superseded request.
    """

    def __init__(self, pool: ThreadPoolExecutor, deliver: Deliver):
        """Run on `pool`, hand items over through `deliver`."""
        self._pool, self._deliver = pool, deliver
        self._job: _Job | None = None
        # Whoever replaces or drops a request waits until no item of it is being handed over: in a script, which has no
        # loop, that happens on the workers' threads.
        self.lock = threading.RLock()
        self.idle = threading.Event()
        self.idle.set()

    def submit(
        self,
        make: Callable[[], Iterator[Any]],
        on_items: Callable[[list[Any]], None],
        on_end: Callable[[], None],
        on_error: Callable[[str], None],
        delay: float = 0.0,
    ) -> None:
        """Start the job that `make` returns after `delay` seconds, unless a newer request comes first."""
        with self.lock:
            self.idle.clear()
            job = self._job = _Job(self, make, on_items, on_end, on_error)
        if delay:
            _after(delay, lambda: self.enqueue(job))
        else:
            self.enqueue(job)

    def enqueue(self, job: "_Job") -> None:
        """Put a job that is wanted at the end of the queue; when the process is ending there is none any more."""
        if job.is_dropped:
            return
        with contextlib.suppress(RuntimeError):
            if self._pool is THEORY:
                self._hurry(job)
            else:
                self._pool.submit(self._give_way, job)

    def _hurry(self, job: "_Job") -> None:
        precedence.note(1)
        try:
            self._pool.submit(job.advance).add_done_callback(lambda _: precedence.note(-1))
        except RuntimeError:
            precedence.note(-1)
            raise

    def _give_way(self, job: "_Job") -> None:
        if not job.is_dropped:
            precedence.give_way()
            job.advance()

    def cancel(self) -> None:
        """Drop the current request; nothing of it is delivered any more."""
        with self.lock:
            self._job = None
            self.idle.set()


def _after(seconds: float, act: Callable[[], None]) -> None:
    """Do something short later, on a thread that all have in common, unless the process has ended by then."""
    clock = _clock()
    clock.call_soon_threadsafe(clock.call_later, seconds, act)


@cache
def _clock() -> asyncio.AbstractEventLoop:
    """Return the loop of that thread; a `threading.Timer` of its own for each wait takes half a millisecond."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="clock", daemon=True).start()
    return loop


def once(make: Callable[[], Any], take: Callable[[Any], None], refuse: Callable[[str], None]) -> Latest:
    """Make one thing off the event loop and hand it over; `refuse` gets the sentence of an error."""
    lane = Latest(ASIDE, session_deliverer())
    lane.submit(lambda: iter([make()]), lambda items: take(items[-1]), lambda: None, refuse)
    return lane


class _Job:
    """One request: computed item by item on the pool, handed over in order on the session's loop."""

    def __init__(self, lane: Latest, make, on_items, on_end, on_error):
        self._lane, self._make = lane, make
        self._on_items, self._on_end, self._on_error = on_items, on_end, on_error
        self._items: Iterator[Any] | None = None
        self._ready: deque[Any] = deque()
        self._ending: Callable[[], None] | None = None
        self._last, self._is_due = -math.inf, False  # when items were delivered last, and whether they will be

    @property
    def is_dropped(self) -> bool:
        """Whether a newer request has come, or the job has been cancelled, or is at its end."""
        return self._lane._job is not self

    def advance(self) -> None:
        """Compute one item, hand it over, and queue up for the next."""
        if self.is_dropped:
            return
        _at_work.job = self
        try:
            self._items = iter(self._make()) if self._items is None else self._items
            self._ready.append(next(self._items))
        except StopIteration:
            self._ending = self._on_end
        except DroppedError:
            return
        except ValueError as error:
            sentence = str(error)
            self._ending = lambda: self._on_error(sentence)
        except Exception as error:
            if have_ended():
                return
            _log.exception("A job failed")
            sentence = f"This could not be computed ({type(error).__name__}: {error}). Change a control to go on."
            self._ending = lambda: self._on_error(sentence)
        finally:
            _at_work.job = None
        self._announce()
        if self._ending is None:
            self._lane.enqueue(self)

    def _announce(self) -> None:
        """Have what is ready handed over, with what comes until an interval has passed since the last time."""
        wait = self._last + _INTERVAL - time.monotonic()
        if self._ending is not None or wait <= 0:
            self._deliver()
        elif not self._is_due:
            self._is_due = True
            _after(wait, self._deliver_late)

    def _deliver_late(self) -> None:
        if not self.is_dropped:  # else the session may have gone, and its document cannot take anything
            self._deliver()

    def _deliver(self) -> None:
        # A server may run the callbacks it is given in any order, so each takes all there is, and some find nothing.
        self._last, self._is_due = time.monotonic(), False
        self._lane._deliver(self._hand_over)

    def _hand_over(self) -> None:
        with self._lane.lock:
            if not self.is_dropped:
                self._hand_over_what_is_ready()

    def _hand_over_what_is_ready(self) -> None:
        ending = self._ending  # looked at first: what is ready by then is all there is
        items = []
        while self._ready:
            items.append(self._ready.popleft())
        with pn.io.hold():
            if items:
                self._on_items(items)
            if ending is not None and not self.is_dropped:
                self._lane._job = None
                ending()
                self._lane.idle.set()
