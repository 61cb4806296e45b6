"""The served page, and on SIGUSR1 a line about its memory: `python -m benchmarks.watched_server --port PORT`.

The cache of results starts full, as it will be after some hours: what is computed then takes the place of what was
there. Garbage is collected and given back to the system before memory is read, so that what remains is held by someone.
"""

import ctypes
import gc
import json
import signal
import sys
import threading

import numpy as np
import psutil

from lazyrich_dashboard.__main__ import main
from lazyrich_dashboard.cache import RESULTS
from lazyrich_dashboard.explorer import Explorer

MEGABYTE = 2**20


def _fill() -> None:
    for number in range(RESULTS.max_bytes // MEGABYTE):
        RESULTS.get(("filling", number), lambda: np.ones(MEGABYTE, np.uint8))


def _report(*_) -> None:
    gc.collect()
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)
    said = {
        "megabytes": psutil.Process().memory_info().rss / MEGABYTE,
        "sessions": sum(type(thing) is Explorer for thing in gc.get_objects()),
        "threads": threading.active_count(),
    }
    print(json.dumps(said), flush=True)


if __name__ == "__main__":
    _fill()
    signal.signal(signal.SIGUSR1, _report)
    sys.exit(main(["serve", *sys.argv[1:]]))
