"""Peers in environments of their own: neural-tangents 0.6.5, which does not import on current JAX, and PyTorch.

`Peer` makes the environment the first time, starts the peer's server there, and keeps it until it is closed, so that
what the peer has compiled stays compiled. Its clock is in its own process: the pipe costs it nothing.
"""

import contextlib
import json
import subprocess
import sys
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Installation:
    """What is installed where, at which size, and the module that answers there."""

    folder: str
    pins: tuple[str, ...]
    size: str
    server: str
    options: tuple[str, ...] = ()


# Its last release, the last JAX it was tested with, and the ceilings that this JAX has itself.
NEURAL_TANGENTS = Installation(
    ".venv-peer",
    ("neural-tangents==0.6.5", "jax==0.4.23", "jaxlib==0.4.23", "numpy<2", "scipy<1.13"),
    "with TensorFlow, which it needs, 2.6 GB",
    "benchmarks.peer_server",
)
PYTORCH = Installation(
    ".venv-pytorch",
    ("torch==2.13.0", "numpy"),  # the index of builds for the CPU has it as 2.13.0+cpu, which pip prefers
    "the build for the CPU alone, 1 GB",
    "benchmarks.pytorch_server",
    ("--extra-index-url", "https://download.pytorch.org/whl/cpu"),
)


class PeerUnavailableError(Exception):
    """The peer could not be installed or started."""


def _python(peer: Installation) -> Path:
    """Return the Python of a peer's environment, made the first time; its stamp is written last."""
    folder = ROOT / peer.folder
    python, stamp = folder / "bin" / "python", folder / "made.stamp"
    if stamp.exists() and stamp.read_text() == "\n".join(peer.pins):
        return python
    print(f"Installing {peer.pins[0]} in {peer.folder}, once: {peer.size}.", file=sys.stderr)
    venv.create(folder, clear=True, with_pip=True)
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *peer.options, *peer.pins]
    made = subprocess.run(command, capture_output=True, text=True)
    if made.returncode:
        raise PeerUnavailableError(f"pip said: {made.stderr.strip().splitlines()[-1]}")
    stamp.write_text("\n".join(peer.pins))
    return python


class Peer:
    """A running peer; use `Peer.started()`."""

    def __init__(self, process: subprocess.Popen, command: list[str]):
        self._process, self._command = process, command

    @classmethod
    @contextlib.contextmanager
    def started(cls, peer: Installation = NEURAL_TANGENTS) -> "Iterator[Peer]":
        """Start a peer and stop it at the end.

        Raises:
            PeerUnavailableError: it could not be installed.
        """
        command = [str(_python(peer)), "-m", peer.server]
        with subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            try:
                yield cls(process, command)
            finally:
                process.kill()

    def milliseconds(self, want: Any, *, relative: float = 1e-3, **request: Any) -> float:
        """Return how long the peer took for `request`, once its answer agrees with the first numbers of `want`.

        The tolerance is a float32's after some layers: enough to tell another kernel.

        Raises:
            PeerUnavailableError: it ended, or answered with an error.
            ValueError: its answer is another one than ours.
        """
        answer = self._ask(request)
        if "error" in answer:
            raise PeerUnavailableError(answer["error"])
        corner = np.atleast_2d(want)[0, :4]
        if not np.allclose(answer["corner"], corner, rtol=relative, atol=relative * np.abs(corner).max()):
            raise ValueError(f"The peer must compute what we do; got {answer['corner']} beside our {corner}.")
        return answer["milliseconds"]

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        with contextlib.suppress(BrokenPipeError):
            stdin.write(json.dumps(request) + "\n")
            stdin.flush()
        line = stdout.readline()
        if not line:
            raise PeerUnavailableError(f"its process ended; `{' '.join(self._command)}` says why")
        return json.loads(line)
