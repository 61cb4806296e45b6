"""The benchmark's talk with the peer's process: answers, errors, another kernel than ours, and no peer at all."""

import json
import subprocess
import sys

import numpy as np
import pytest

from benchmarks import against_peer, peer
from benchmarks.__main__ import _line
from benchmarks.timing import Note, compare

KERNEL = np.array([[2.0, 1.0], [1.0, 2.0]])


@pytest.fixture
def answering():
    """A function from an answer to a `Peer` whose process gives it to every request, or ends where it is None."""
    processes = []

    def start(answer):
        program = f"import sys\nfor line in sys.stdin: print({json.dumps(answer)!r}, flush=True)"
        process = subprocess.Popen(
            [sys.executable, "-c", program if answer else ""], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        processes.append(process)
        return peer.Peer(process, ["peer"])

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_its_own_time_is_taken_when_its_kernel_is_ours(answering):
    answer = {"milliseconds": 12.5, "corner": [2.0, 1.0 + 1e-6]}
    assert answering(answer).milliseconds(KERNEL, kernel="infinite") == 12.5


def test_another_kernel_than_ours_is_refused(answering):
    with pytest.raises(ValueError, match=r"must compute what we do; got \[2.0, 1.1\]"):
        answering({"milliseconds": 12.5, "corner": [2.0, 1.1]}).milliseconds(KERNEL)


def test_an_error_and_an_end_are_told(answering):
    with pytest.raises(peer.PeerUnavailableError, match="out of memory"):
        answering({"error": "XlaRuntimeError: out of memory"}).milliseconds(KERNEL)
    with pytest.raises(peer.PeerUnavailableError, match="its process ended"):
        answering(None).milliseconds(KERNEL)


def test_a_peer_that_cannot_be_installed_is_a_row_that_says_so(monkeypatch, tmp_path):
    def failing(command, **_):
        return subprocess.CompletedProcess(command, 1, stderr="Looking\nNo matching distribution found for jaxlib")

    monkeypatch.setattr(peer, "ROOT", tmp_path)
    monkeypatch.setattr(peer.venv, "create", lambda *_, **__: None)
    monkeypatch.setattr(peer.subprocess, "run", failing)
    (row,) = against_peer.rows()
    assert isinstance(row, Note)
    assert "not compared: pip said: No matching distribution found for jaxlib" in _line(row)


def test_the_two_are_timed_in_turns_each_by_its_clock():
    calls = []
    row = compare("it", lambda: calls.append("ours"), "peer", lambda: calls.append("its"), 3, lambda f: f() or 7.0)
    assert calls == ["ours", "its"] * 4
    assert row.other == 7.0 and row.ratio == pytest.approx(7.0 / row.ours)
