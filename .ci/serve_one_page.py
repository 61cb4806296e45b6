"""Serves the dashboard that this Python has installed, and looks at its page once.

A page whose script fails still answers with HTTP 200, hence the looks at its title and at the
server's log.
"""

import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

PATIENCE = 180.0  # seconds; the first start compiles
TITLE = re.compile(r"<title>[^<]*lazyrich", re.IGNORECASE)


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def page_at(address: str, server: subprocess.Popen) -> str:
    """The page's HTML, as soon as the server answers with one."""
    deadline = time.monotonic() + PATIENCE
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(address, timeout=30) as answer:
                return answer.read().decode()
        except (urllib.error.URLError, TimeoutError):
            time.sleep(1.0)
    return ""


def main() -> None:
    """Serve, look, stop; exit with a sentence and the log if anything is amiss."""
    port = free_port()
    address = f"http://localhost:{port}/lazyrich"
    command = [sys.executable, "-u", "-m", "lazyrich_dashboard", "serve", "--port", str(port)]

    with tempfile.TemporaryFile("w+") as log:
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            page = page_at(address, server)
        finally:
            server.terminate()
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()
        log.seek(0)
        said = log.read()

    if not TITLE.search(page) or "Traceback" in said:
        title = re.search(r"<title>.*?</title>", page)
        sys.exit(
            f"{address} must answer with a page titled lazyrich and nothing may fail behind it; "
            f"got {title.group() if title else 'no page'} and this log:\n{said}"
        )
    print(f"Served {address}")


if __name__ == "__main__":
    main()
