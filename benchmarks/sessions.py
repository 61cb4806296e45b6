"""A class on one server: thirty sessions that drag a slider twice a second, and what they ask of the event loop.

Each session moves the weight variance to values of its own, so that nearly every move is a theory nobody has computed,
and its echo is the spectrum it must show: another session's would be an error.
"""

import dataclasses
import gc
import http.client
import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import psutil
from bokeh.client import ClientSession, pull_session
from bokeh.core.serialization import Deserializer, Serialized
from bokeh.document.events import MessageSentEvent
from bokeh.events import DocumentReady
from bokeh.models import Plot

from benchmarks.timing import Note, Row
from lazyrich_dashboard.results import theory
from lazyrich_dashboard.state import PRESET
from tests.browser.server import serve

_SESSIONS, _SECONDS, _RATE = 30, 20.0, 2.0
_ECHO, _LATENESS, _PAGE = 500.0, 250.0, 500.0  # aims, in milliseconds
_PAUSE = 0.02  # seconds between two looks at the event loop
_IDLE = 10.0  # per cent of a core


class _Visitor:
    """One session, as a browser would have it, on a thread of its own.

    Of what it is sent it reads the spectrum only: thirty documents kept up to date here would take the server's time,
    and a class has machines of its own.
    """

    def __init__(self, address: str, number: int):
        self.number, self.echoes, self.values = number, [], []
        self.session: ClientSession = pull_session(url=address)
        document: Any = self.session.document
        document.callbacks.trigger_on_change(MessageSentEvent(document, "bokeh_event", DocumentReady()))
        self.session.force_roundtrip()
        labels = {getattr(getattr(model, "data", None), "label", ""): model for model in document.models}
        self.slider: Any = labels["Weight variance σ²w"]
        spectrum = document.select_one({"type": Plot, "name": "Spectrum"})
        (theory,) = (renderer for renderer in spectrum.renderers if renderer.name == "theory")
        self._spectrum = theory.data_source.id
        self._shown: Any = None
        self.session._handle_patch = self._read  # pyright: ignore[reportAttributeAccessIssue]

    def _read(self, message: Any) -> None:
        for event in message.content["events"]:
            if event["kind"] == "ColumnDataChanged" and event["model"]["id"] == self._spectrum:
                self._shown = Serialized(event["data"], message.buffers)

    def catch_up(self) -> None:
        """Read what has come since the page was opened, as a browser does at once; the first echo would wait for it."""
        self.session.force_roundtrip()

    def drag(self, until: float) -> None:
        rng = np.random.default_rng(self.number)
        time.sleep(rng.uniform(0, 1 / _RATE))
        while time.perf_counter() < until:
            start = time.perf_counter()
            self._move(float(rng.uniform(0.5, 4)))
            time.sleep(max(0.0, 1 / _RATE - (time.perf_counter() - start)))

    def _move(self, value: float) -> None:
        self._shown, start = None, time.perf_counter()
        self.slider.data.value = value
        self.session._connection._loop_until(lambda: self._shown is not None)
        self.echoes.append(1e3 * (time.perf_counter() - start))
        self.values.append((value, np.asarray(Deserializer().deserialize(self._shown)["y"])))

    def check(self) -> bool:
        """Whether the last echo is the spectrum of the last value."""
        value, shown = self.values[-1]
        network = dataclasses.replace(PRESET.network, weight_var=value)
        spectrum = theory(dataclasses.replace(PRESET, network=network)).spectrum
        want = spectrum.values[spectrum.values > spectrum.resolution] / len(spectrum.values)
        return len(want) == len(shown) and np.allclose(shown, want, rtol=1e-5)


def main(port: int, seconds: float) -> None:
    """Print how long each of many requests took that the loop answers at once: a process of its own."""
    late, until = [], time.perf_counter() + seconds
    while time.perf_counter() < until:
        late.append(_request(port, "/liveness"))
        time.sleep(_PAUSE)
    print(json.dumps(late))


def _request(port: int, path: str) -> float:
    start = time.perf_counter()
    connection = http.client.HTTPConnection("localhost", port, timeout=60)
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status == 200, answer.status
    return 1e3 * (time.perf_counter() - start)


def rows() -> Iterator[Row | Note]:
    for count in (1, 2):
        with serve("--num-procs", str(count)) as address:
            yield from _of_a_class(address, f"{count} process{'es' * (count > 1)}")


def _of_a_class(address: str, server: str) -> Iterator[Row | Note]:
    port = int(urlsplit(address).port or 0)
    _request(port, "/lazyrich")
    _wait_until_idle()
    pages = [_request(port, "/lazyrich") for _ in range(5)]
    yield Row(f"{server}: a page's HTML, its session included", statistics.median(pages), "the aim", _PAGE)
    visitors = [_Visitor(address, number) for number in range(_SESSIONS)]
    _wait_until_idle()
    for visitor in visitors:
        visitor.catch_up()
    gc.collect()
    gc.freeze()  # all visitors are in this process, and would wait together while its garbage is looked for
    start, own = time.perf_counter(), time.process_time()
    late = _drag(visitors, port)
    busy = (time.process_time() - own) / (time.perf_counter() - start)
    echoes = np.concatenate([visitor.echoes for visitor in visitors])
    moves = f"{server}, {_SESSIONS} sessions, {len(echoes) / _SECONDS:.0f} moves a second"
    echo = f"{moves}: echo, 95th percentile (median {np.median(echoes):.0f})"
    yield Row(echo, float(np.percentile(echoes, 95)), "the aim", _ECHO)
    yield Row(f"{moves}: the loop's answer, slowest of {len(late)}", max(late), "the aim", _LATENESS)
    wrong = sum(not visitor.check() for visitor in visitors)
    yield Note(f"{moves}: {wrong} sessions ended on a picture that was not theirs; the visitors took {busy:.2f} cores")


def _wait_until_idle() -> None:
    """Wait until the servers have compiled what they warm up beside serving."""
    servers = psutil.Process().children(recursive=True)
    busy = np.inf
    while busy > _IDLE:
        [server.cpu_percent() for server in servers]  # from here on
        time.sleep(2.0)
        busy = sum(server.cpu_percent() for server in servers)


def _drag(visitors: list[_Visitor], port: int) -> list[float]:
    """Let all visitors drag and then leave; return how long the loop took to answer meanwhile, in milliseconds."""
    command = [sys.executable, "-m", "benchmarks.sessions", str(port), str(_SECONDS)]
    watch = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    until = time.perf_counter() + _SECONDS
    threads = [threading.Thread(target=visitor.drag, args=(until,)) for visitor in visitors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for visitor in visitors:
        visitor.session.close()
    return json.loads(watch.communicate()[0])


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
