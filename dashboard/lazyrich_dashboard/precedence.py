"""Precedence: theory, which follows a slider, comes before all else that is to be computed, of any session."""

import math
import threading
import time
from pathlib import Path

import numpy as np


class Precedence:
    """What is asked for in haste and has not been computed yet, of all sessions; the rest gives way to it.

    Servers of one page share the times at which they were last in haste: the networks of one would take the cores from
    the theory of another.
    """

    # Seconds without haste before the rest goes on, as a slider that is dragged asks again at once; and seconds after
    # which one item of the rest is computed all the same, that it may come to an end while a class drags.
    _PAUSE, _LONGEST = 0.1, 1.0
    # The same for a piece of training, which takes less than a tenth of a second.
    _LONGEST_OF_A_PIECE = 0.3

    def __init__(self):
        self._changed = threading.Condition()
        self._hasty = 0
        self._last, self._own = np.full(1, -np.inf), 0  # of each server; which of them this is

    def share(self, path: Path, count: int, own: int) -> None:
        """Keep the times in a file with one for each server, which the first makes."""
        with path.open("ab") as file:
            file.truncate(count * self._last.itemsize)
        self._last, self._own = np.memmap(path, dtype=float, mode="r+", shape=(count,)), own

    def note(self, hasty: int) -> None:
        """Note that so many more are asked for; -1 for one that is computed."""
        with self._changed:
            self._hasty += hasty
            self._last[self._own] = time.monotonic()  # which all processes of a machine have in common
            self._changed.notify_all()

    def give_way(self, is_a_piece: bool = False) -> None:
        """Return when there is no haste."""
        until = time.monotonic() + (self._LONGEST_OF_A_PIECE if is_a_piece else self._LONGEST)
        with self._changed:
            while (wait := min(until, self._end_of_haste()) - time.monotonic()) > 0:
                self._changed.wait(wait)

    def peace(self) -> float:
        """Return for how many seconds no theory has been asked for or computed here; 0 while one is."""
        return 0.0 if self._hasty else time.monotonic() - float(self._last[self._own])

    def _end_of_haste(self) -> float:
        return math.inf if self._hasty else float(self._last.max()) + self._PAUSE


_own = Precedence()


def share(path: Path, count: int, own: int) -> None:
    """Let this server, one of several, give way to the theory of the others, with which it shares a file."""
    _own.share(path, count, own)


def note(hasty: int) -> None:
    """Note that so much more theory is asked for; -1 for one that is computed."""
    _own.note(hasty)


def give_way(is_a_piece: bool = False) -> None:
    """Return when no theory is asked for, in a second at most; in less for a piece of what is at work."""
    _own.give_way(is_a_piece)


def peace() -> float:
    """Return for how many seconds no theory has been asked for in this process."""
    return _own.peace()
