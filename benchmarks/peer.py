"""The peer, neural-tangents 0.6.5, in an environment of its own: it does not import on the JAX that lazyrich needs.

`Peer` makes the environment the first time, starts `benchmarks.peer_server` there, and keeps it until it is closed, so
that what the peer has compiled stays compiled. Its clock is in its own process: the pipe costs it nothing.
"""

import contextlib
import json
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = ROOT / ".venv-peer"
# Its last release, the last JAX it was tested with, and the ceilings that this JAX has itself.
PINS = ("neural-tangents==0.6.5", "jax==0.4.23", "jaxlib==0.4.23", "numpy<2", "scipy<1.13")


class PeerUnavailableError(Exception):
    """The peer could not be installed or started."""


def _environment() -> Path:
    """Return the Python of the peer's environment, made the first time; its stamp is written last."""
    python, stamp = ENVIRONMENT / "bin" / "python", ENVIRONMENT / "made.stamp"
    if stamp.exists() and stamp.read_text() == "\n".join(PINS):
        return python
    print(
        f"Installing neural-tangents in {ENVIRONMENT.name}, once: with TensorFlow, which it needs, 2.6 GB.",
        file=sys.stderr,
    )
    venv.create(ENVIRONMENT, clear=True, with_pip=True)
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PINS]
    made = subprocess.run(command, capture_output=True, text=True)
    if made.returncode:
        raise PeerUnavailableError(f"pip said: {made.stderr.strip().splitlines()[-1]}")
    stamp.write_text("\n".join(PINS))
    return python


class Peer:
    """A running peer; use `Peer.started()`."""

    def __init__(self, process: subprocess.Popen):
        self._process = process

    @classmethod
    @contextlib.contextmanager
    def started(cls) -> "Iterator[Peer]":
        """Start the peer and stop it at the end.

        Raises:
            PeerUnavailableError: it could not be installed.
        """
        command = [str(_environment()), "-m", "benchmarks.peer_server"]
        with subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            try:
                yield cls(process)
            finally:
                process.kill()

    def milliseconds(self, want: Any, **request: Any) -> float:
        """Return how long the peer took for `request`, once its kernel agrees with the corner `want`.

        The tolerance is a float32's after some layers: enough to tell another kernel.

        Raises:
            PeerUnavailableError: it ended, or answered with an error.
            ValueError: its kernel is another one than ours.
        """
        answer = self._ask(request)
        if "error" in answer:
            raise PeerUnavailableError(answer["error"])
        corner = np.asarray(want)[0, :4]
        if not np.allclose(answer["corner"], corner, rtol=1e-3, atol=1e-3 * np.abs(corner).max()):
            raise ValueError(f"The peer must compute our kernel; got {answer['corner']} beside our {corner}.")
        return answer["milliseconds"]

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        with contextlib.suppress(BrokenPipeError):
            stdin.write(json.dumps(request) + "\n")
            stdin.flush()
        line = stdout.readline()
        if not line:
            raise PeerUnavailableError("its process ended; `.venv-peer/bin/python -m benchmarks.peer_server` says why")
        return json.loads(line)
