"""Turns: how many items of long work are computed at a time, so that no run keeps the others waiting.

Most items take less than a second, and two of them at a time take all cores. But the next checkpoint of a large run may
be minutes away: who asks for it gives the turn back, and goes on beside those who have one, at their pace.
"""

import contextlib
import threading
import time
from collections.abc import Iterator


class Turns:
    """So many turns, each of which a thread has for one item; long items give theirs back."""

    # Seconds after which an item is long, and for which each piece of one (0.03 s) then waits while others have turns.
    _LONG, _PAUSE = 2.0, 0.1
    # Items that may be long at a time; each takes memory.
    _MOST_LONG = 4

    def __init__(self, count: int):
        """Let `count` threads have a turn at a time."""
        lock = threading.Lock()
        self._one_is_free, self._all_are_free = threading.Condition(lock), threading.Condition(lock)
        self._count, self._free, self._long = count, count, 0
        self._mine = threading.local()

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn, and have it or what has become of it until the end of the block."""
        with self._one_is_free:
            self._one_is_free.wait_for(lambda: self._free)
            self._free -= 1
        self._mine.has_turn, self._mine.is_long, self._mine.since = True, False, time.monotonic()
        try:
            yield
        finally:
            self.give_back()
            with self._one_is_free:
                self._long -= self._mine.is_long
            self._mine.is_long = False

    def give_back(self) -> None:
        """Leave the turn to another thread, if this one has one: it is going to wait for something."""
        if getattr(self._mine, "has_turn", False):
            self._mine.has_turn = False
            with self._one_is_free:
                self._free += 1
                self._one_is_free.notify()  # of thirty threads that wait all would wake for nothing
                if self._free == self._count:
                    self._all_are_free.notify_all()

    def let_others(self) -> None:
        """Between two pieces of an item: give the turn back if the item is long, and wait a little for who has one."""
        if getattr(self._mine, "has_turn", False):
            if time.monotonic() - self._mine.since > self._LONG:
                self._become_long()
        elif getattr(self._mine, "is_long", False):
            with self._all_are_free:
                self._all_are_free.wait_for(lambda: self._free == self._count, self._PAUSE)

    def _become_long(self) -> None:
        with self._one_is_free:
            self._mine.is_long = self._long < self._MOST_LONG
            self._long += self._mine.is_long
        if self._mine.is_long:
            self.give_back()


TURNS = Turns(2)
