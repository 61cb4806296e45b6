"""Housekeeping: what a server does for its memory, at moments when nobody moves a slider."""

import gc
import threading
import time

from . import jobs

# Allocations that are still there before garbage is looked for among the young, and how often that happens before the
# older are looked at too; a page takes a third of a million. The oldest are left to `_keep_house`.
_THRESHOLDS = (10_000, 10, 1_000_000)
_DUE = 10  # looks at the older since the oldest were looked at
# Seconds between two looks around, without any theory asked for, and for which the oldest are put off at most.
_PAUSE, _PEACE, _LONGEST = 5.0, 2.0, 300.0


def start() -> None:
    """Let the garbage collector leave alone what there is now, and go over the oldest of the rest in quiet moments.

    A full collection stops every slider for half a second as long as it goes over all that has been imported, and again
    with thirty sessions (measured: 0.6 to 0.9 s).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    threading.Thread(target=_keep_house, name="housekeeping", daemon=True).start()


def _keep_house() -> None:
    put_off = 0.0
    while not jobs.have_ended():
        time.sleep(_PAUSE)
        if gc.get_count()[2] < _DUE:
            continue
        if jobs.peace() < _PEACE and put_off < _LONGEST:
            put_off += _PAUSE
        else:
            put_off = 0.0
            gc.collect()
