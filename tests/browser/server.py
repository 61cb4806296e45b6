"""A served page of its own, for browser tests and pictures."""

import contextlib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

# Bokeh's keep-alive ping may find a connection closed before the connection hears of it, and its last messages and its
# `on_close` then trip over this line of bokeh/server/connection.py.  Nothing is lost: the page is already gone.
BOKEHS_OWN = "assert self._session is not None"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("localhost", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def serve(*options: str, seconds: float = 120.0) -> Iterator[str]:
    """Run `lazyrich serve` with options and yield the page's address; a traceback in its log is an error."""
    port = free_port()
    address = f"http://localhost:{port}/lazyrich"
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("w") as stream:
            command = [sys.executable, "-m", "lazyrich_dashboard", "serve", "--port", str(port), *options]
            process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT)
            try:
                if not is_up(process, port, seconds):
                    raise RuntimeError(f"The page must come up within {seconds:g} s; its log says:\n{log.read_text()}")
                yield address
            finally:
                process.terminate()
                process.wait(timeout=30)
        written = log.read_text()
        assert written.count("Traceback") == written.count(BOKEHS_OWN), written


def is_up(process: subprocess.Popen, port: int, seconds: float = 120.0) -> bool:
    """Wait until a process listens on a port; say whether it does."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("localhost", port), timeout=1):
            return True
        time.sleep(0.2)
    return False
