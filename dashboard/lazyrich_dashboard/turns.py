"""Turns: how many items of long work are computed at a time, so that no run keeps the others waiting.

Most items take a few tenths of a second, and two of them at a time take all cores. But the next checkpoint of a large
run may be minutes away: who asks for it gives the turn back, and goes on beside those who have one, at their pace.
Beside three networks of four layers of 1,024 units on 512 points three of width 64 were trained after half a minute,
where they had not been after two.
"""

import contextlib
import threading
import time
from collections.abc import Iterator


class _Mine(threading.local):
    """What a thread has: a turn, or none any more as its item is long; for how long it has computed, and since when."""

    has_turn = is_long = False
    taken = since = 0.0


class Turns:
    """So many turns, each of which a thread has for one item; long items give theirs back."""

    # Seconds of computing after which an item is long; and for which it then waits after each piece (0.03 s) while
    # others have turns.
    _LONG, _PAUSE = 0.5, 0.1
    # Items that may be long at a time; each takes memory.
    _MOST_LONG = 4

    def __init__(self, count: int):
        """Let `count` threads have a turn at a time."""
        lock = threading.Lock()
        self._one_is_free, self._all_are_free = threading.Condition(lock), threading.Condition(lock)
        self._count, self._free, self._long = count, count, 0
        self._mine = _Mine()

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn, and have it or what has become of it until the end of the block."""
        with self._one_is_free:
            self._one_is_free.wait_for(lambda: self._free)
            self._free -= 1
        self._mine.has_turn, self._mine.is_long = True, False
        self._mine.taken, self._mine.since = 0.0, time.monotonic()
        try:
            yield
        finally:
            self.give_back()
            with self._one_is_free:
                self._long -= self._mine.is_long
            self._mine.is_long = False

    def give_back(self) -> None:
        """Leave the turn to another thread, if this one has one: it is going to wait for something."""
        if self._mine.has_turn:
            self._mine.has_turn = False
            with self._one_is_free:
                self._free += 1
                self._one_is_free.notify()  # of thirty threads that wait all would wake for nothing
                if self._free == self._count:
                    self._all_are_free.notify_all()

    @contextlib.contextmanager
    def pause(self) -> Iterator[None]:
        """Between two pieces of an item: give the turn back if the item is long, and wait a little for who has one.

        What the block takes is no time that the item has been computed for.
        """
        mine = self._mine
        if mine.has_turn:
            mine.taken += time.monotonic() - mine.since
            if mine.taken > self._LONG:
                self._become_long()
        elif mine.is_long:
            with self._all_are_free:
                self._all_are_free.wait_for(lambda: self._free == self._count, self._PAUSE)
        yield
        mine.since = time.monotonic()

    def _become_long(self) -> None:
        with self._one_is_free:
            self._mine.is_long = self._long < self._MOST_LONG
            self._long += self._mine.is_long
        if self._mine.is_long:
            self.give_back()


TURNS = Turns(2)
