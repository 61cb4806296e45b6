"""Endurance: a visitor uses the page at random for half an hour, and the server gives its memory back.

Memory is read when all sessions have been closed and let go: first when a third of that time has gone into compiling
what is used, and again at the end. The cache of results (512 MB) is full from the start; uploaded files, of which there
are few here, may hold 256 MB besides.
"""

import contextlib
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import sync_playwright

from benchmarks.timing import Note
from benchmarks.visitor import Visitor
from tests.browser.chromium import find_chromium
from tests.browser.server import BOKEHS_OWN, free_port, is_up

_LEFT_ALONE = 300.0  # seconds after which sessions must have been let go, and what has been compiled
_MOST = 1.1  # memory at the end, of that at the start
_SIGNS = ("Traceback", "ERROR", "Error:", "Exception")


class _Server:
    """The watched server in a process of its own."""

    def __init__(self, log: Path):
        self._log, self.port = log, free_port()
        command = [sys.executable, "-m", "benchmarks.watched_server", "--port", str(self.port)]
        with log.open("w") as stream:
            self.process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT)
        assert is_up(self.process, self.port), log.read_text()

    def memory(self) -> dict[str, float]:
        """Return what the server says of its memory."""
        before = self._said()
        self.process.send_signal(signal.SIGUSR1)
        while len(said := self._said()) == len(before):
            assert self.process.poll() is None, self._log.read_text()
            time.sleep(0.1)
        return json.loads(said[-1])

    def _said(self) -> list[str]:
        return [line for line in self._log.read_text().splitlines() if line.startswith('{"megabytes"')]

    def memory_at_rest(self) -> dict[str, float]:
        """Return the same when the server has been left alone."""
        time.sleep(_LEFT_ALONE)
        return self.memory()

    def wrong(self) -> list[str]:
        """Return the lines of the log that speak of something that went wrong."""
        lines = self._log.read_text().splitlines()
        kept = [line for line in lines if any(sign in line for sign in _SIGNS)]
        return kept if sum("Traceback" in line for line in lines) > sum(BOKEHS_OWN in line for line in lines) else []


@contextlib.contextmanager
def _served() -> Iterator[_Server]:
    with tempfile.TemporaryDirectory() as folder:
        server = _Server(Path(folder) / "log")
        try:
            yield server
        finally:
            server.process.terminate()
            server.process.wait(timeout=60)


def rows(minutes: float) -> Iterator[Note]:
    with _served() as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(find_chromium()), args=["--no-sandbox"])
        visitor = Visitor(browser, f"http://localhost:{server.port}", seed=0)
        said = []
        for duration in (20 * minutes, 60 * minutes):
            until = time.monotonic() + duration
            while time.monotonic() < until:
                visitor.act()
            visitor.leave()
            said.append(server.memory_at_rest())
            yield Note(f"endurance: {said[-1]}, done {sum(visitor.done.values())}: {dict(visitor.done)}")
        browser.close()
        wrong = [*visitor.wrong, *server.wrong()]
    ratio = said[1]["megabytes"] / said[0]["megabytes"]
    yield Note(f"endurance, {minutes:g} minutes: memory {ratio:.2f} of that at the start (aim: at most {_MOST})")
    yield Note(f"endurance, {minutes:g} minutes: {len(wrong)} errors {wrong[:20]}")
