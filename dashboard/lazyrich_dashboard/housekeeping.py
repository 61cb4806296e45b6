"""Housekeeping: what a server does for its memory, at moments when nobody moves a slider."""

import ctypes
import gc
import os
import sys
import threading
import time
from collections.abc import Callable

import jax
import psutil

from . import jobs, precedence

# Allocations that are still there before garbage is looked for among the young, and how often that happens before the
# older are looked at too; the oldest are left to `_keep_house`. A page takes a third of a million, and nine hundredths
# less time than with ten thousand before each look.
_THRESHOLDS = (50_000, 10, 1_000_000)
_DUE = 2  # looks at the older since the oldest were looked at
# Seconds between two looks around, without any theory asked for, and for which tidying up is put off at most.
_PAUSE, _PEACE, _LONGEST = 5.0, 2.0, 300.0
# Bytes by which a process may grow before it forgets programs: JAX keeps all it has compiled, and seven minutes of
# random use made 1.3 GB of it.
_MOST = 2**30
# Bytes by which it may be larger than at first, once after each time of use, when nobody has asked for theory for as
# many seconds: by then the server has let go of pages that were closed.
_REST, _LONG_PEACE = 2**26, 200.0


# Of glibc's mallopt(3), by the names of its manual for the environment: how many heaps threads share, and from how many
# bytes on memory is taken from the system for one use. Left to itself the library gives each thread a heap of its own
# and lets the second number rise to 32 MB, and what JAX lets go of stays scattered over all of them.
_HEAPS = {"MALLOC_ARENA_MAX": (-8, 2), "MALLOC_MMAP_THRESHOLD_": (-3, 2**20)}


def keep_heaps_few() -> None:
    """Have the C library take memory where it can give it back, unless the user has said how; only glibc can."""
    if sys.platform == "linux" and (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)):
        for name, (parameter, value) in _HEAPS.items():
            if name not in os.environ:
                mallopt(parameter, value)


def start(warm: Callable[[], None]) -> None:
    """Look after memory from now on, on a thread that first warms up.

    The garbage collector leaves alone what there is now: a full collection would stop every slider for half a second,
    and for 0.6 to 0.9 s with thirty sessions (measured).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    threading.Thread(target=_keep_house, args=(warm,), name="housekeeping", daemon=True).start()


def _keep_house(warm: Callable[[], None]) -> None:
    """Warm up, and then tidy up whenever it is due and nobody drags, until the process ends."""
    try:
        warm()
        at_first = at_home = memory()
        put_off, rests = 0.0, False
        while not jobs.have_ended():
            time.sleep(_PAUSE)
            peace, now = precedence.peace(), memory()
            rests = rests and peace >= _LONG_PEACE
            has_grown = now - at_home >= _MOST or (peace >= _LONG_PEACE and not rests and now - at_first >= _REST)
            if not has_grown and gc.get_count()[2] < _DUE:
                continue
            if peace < _PEACE and put_off < _LONGEST:
                put_off += _PAUSE
                continue
            at_home, put_off = _tidy_up(at_home, warm if has_grown else None), 0.0
            rests = rests or (has_grown and peace >= _LONG_PEACE)
    except RuntimeError:  # no thread can start any more
        if not jobs.have_ended():
            raise


def _tidy_up(at_home: int, warm: Callable[[], None] | None) -> int:
    """Collect garbage, or forget programs where `warm` brings the usual ones back; return the memory at home then."""
    if warm is None:
        gc.collect()
        return at_home
    _forget_programs()
    warm()
    return memory()


def memory() -> int:
    """Return the bytes that this process takes."""
    return psutil.Process().memory_info().rss


def _forget_programs() -> None:
    """Let go of all that has been compiled, and of the memory where the C library would keep it (glibc does)."""
    jax.clear_caches()
    gc.collect()
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)
