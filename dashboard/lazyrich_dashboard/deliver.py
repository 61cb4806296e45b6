"""Delivery: how what was computed off the event loop gets to the loop of its session, from any thread."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import panel as pn

# Runs a callback on a session's event loop, sooner or later.
Deliver = Callable[[Callable[[], None]], Any]


def session_deliverer() -> Deliver:
    """Return a function that runs a callback on the current session's event loop, from any thread.

    On a server that is the document's own queue, in a notebook the kernel's loop; in a script, which has neither, the
    callback runs at once.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return _one_at_a_time()
    document = pn.state.curdoc
    if document is None or document.session_context is None:
        return NotebookLoop(loop)

    # By the loop's own thread, and only while there is a session: Bokeh makes a document the current one of all threads
    # while it takes a callback, and for ever if it fails; Panel then holds it from when it makes its next page.
    def put(callback: Callable[[], None]) -> None:
        if document.session_context is not None:
            document.add_next_tick_callback(callback)

    return lambda callback: loop.call_soon_threadsafe(put, callback)


class NotebookLoop:
    """Runs callbacks on a kernel's event loop, in order.

    A cell holds the loop up for as long as it runs; one that waits for results calls `run_waiting`.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop):
        """Run on `loop`."""
        self._loop = loop
        self._waiting: deque[Callable[[], None]] = deque()

    def __call__(self, callback: Callable[[], None]) -> None:
        """Run the callback on the loop, sooner or later."""
        self._waiting.append(callback)
        self._loop.call_soon_threadsafe(self.run_waiting)

    def run_waiting(self) -> None:
        """Run what is waiting, now; only for the loop's own thread."""
        while self._waiting:
            self._waiting.popleft()()


def _one_at_a_time() -> Deliver:
    lock = threading.RLock()  # the workers of two pools may hand over at the same moment

    def deliver(callback: Callable[[], None]) -> None:
        with lock:
            callback()

    return deliver
