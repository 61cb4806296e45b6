"""An event loop for tests of lanes, and what has been seen of one."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import Queue

from lazyrich_dashboard.jobs import Latest

LIMIT = 60.0  # seconds until a test that waits for another thread gives up


class Loop:
    """An event loop for tests: it keeps the callbacks that it is given until it is told to run them."""

    def __init__(self):
        self._callbacks: Queue[Callable[[], None]] = Queue()

    def deliver(self, callback: Callable[[], None]) -> None:
        self._callbacks.put(callback)

    def run(self, count: int, *, backwards: bool = False) -> None:
        """Wait for `count` callbacks, then run them."""
        callbacks = [self._callbacks.get(timeout=LIMIT) for _ in range(count)]
        for callback in reversed(callbacks) if backwards else callbacks:
            callback()


class Seen:
    """What a lane has handed over, in order."""

    def __init__(self):
        self.items, self.ends, self.errors = [], 0, []

    def submit(self, lane: Latest, make: Callable[[], Iterator], delay: float = 0.0) -> None:
        lane.submit(make, self.items.extend, self._end, self.errors.append, delay)

    def _end(self) -> None:
        self.ends += 1


def finished(worker: ThreadPoolExecutor) -> None:
    """Wait until the only worker has done what is in its queue now."""
    worker.submit(lambda: None).result(LIMIT)
