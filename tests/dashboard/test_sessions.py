"""Sessions of one server: each has its own page and controls, and is let go when its visitor has left."""

import gc
import logging
import socket
import threading
import time
import weakref
from collections.abc import Callable, Iterator

import panel as pn
import panel.models.browser  # these models must be known before a client can read a page that has them
import panel.models.layout
import panel.models.location
import panel.models.markup
import panel.models.reactive_html
import pytest
from bokeh.client import ClientSession, pull_session
from bokeh.document.events import MessageSentEvent
from bokeh.events import DocumentReady
from bokeh.io.doc import _PATCHED_CURDOCS
from bokeh.models import ImportedStyleSheet

from lazyrich_dashboard import app
from lazyrich_dashboard.commands.serve import take_files_from_here
from lazyrich_dashboard.views import SpectrumView
from tests.dashboard.examples import SMALL, assert_is_spectrum_of

LIMIT = 120.0  # seconds until a test that waits for the server gives up


def wait_for(happened: Callable[[], bool], pause: float = 0.05) -> bool:
    """Look every `pause` seconds whether something has happened, and return whether it has."""
    deadline = time.monotonic() + LIMIT
    while not (done := happened()) and time.monotonic() < deadline:
        time.sleep(pause)
    return done


@pytest.fixture
def explorers(monkeypatch):
    """The explorers of all sessions that are still alive; each session opens on the small experiment."""
    alive, make = weakref.WeakSet(), app.Explorer

    def remembered(_experiment, _bookmark):
        explorer = make(SMALL)
        alive.add(explorer)
        return explorer

    monkeypatch.setattr(app, "Explorer", remembered)
    logging.disable(logging.INFO)  # pytest keeps what is logged, and with it the pages that it speaks of
    yield alive
    logging.disable(logging.NOTSET)


@pytest.fixture
def address(explorers, monkeypatch) -> Iterator[str]:
    """The address of a server in this process that drops sessions soon after their visitors have left."""
    with socket.create_server(("localhost", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setattr(pn.state, "_on_session_created", [take_files_from_here])
    server = pn.serve(
        {app.TITLE: app.create_app},
        port=port,
        show=False,
        threaded=True,
        verbose=False,
        unused_session_lifetime_milliseconds=100,
        check_unused_sessions_milliseconds=100,
    )

    def answers() -> bool:
        with socket.socket() as client:
            return client.connect_ex(("localhost", port)) == 0

    assert wait_for(answers)
    yield f"http://localhost:{port}/{app.TITLE}"
    server.stop()
    server.join(LIMIT)
    # A callback that the end of the loop cuts off leaves its document as the current one, of all threads.
    _PATCHED_CURDOCS.clear()


def visit(address: str) -> ClientSession:
    """Open the page as a browser does, which says when it has drawn it."""
    session = pull_session(url=address)
    ready = MessageSentEvent(session.document, "bokeh_event", DocumentReady())
    session.document.callbacks.trigger_on_change(ready)
    session.force_roundtrip()  # the client sends only while it waits for an answer
    return session


def move(session: ClientSession, label: str, value: float) -> None:
    """Move the slider of that label, as a browser does."""
    (slider,) = [m for m in session.document.models if getattr(getattr(m, "data", None), "label", None) == label]
    slider.data.value = value
    session.force_roundtrip()


def test_a_session_moves_its_own_plots_and_no_others(address, explorers):
    here, there = visit(address), visit(address)
    assert len(explorers) == 2
    move(here, "Depth L", 5)
    assert wait_for(lambda: any(e.state.depth == 5 and e.work.theory_lane.idle.is_set() for e in explorers))
    (unmoved, moved) = sorted(explorers, key=lambda explorer: explorer.state.depth)
    assert wait_for(lambda: len(unmoved.snapshot.frames) > 0)
    for explorer, depth in ((unmoved, SMALL.network.depth), (moved, 5)):
        assert explorer.experiment.network.depth == depth
        assert_is_spectrum_of(explorer.experiment, explorer.view(SpectrumView).live.source("theory").data)
    here.close()
    there.close()


def test_a_session_that_comes_without_its_page_takes_its_style_sheets_from_the_server(address):
    session = visit(address)  # which asks for no HTML
    sheets = [model.url for model in session.document.models if isinstance(model, ImportedStyleSheet)]
    assert sheets and [sheet for sheet in sheets if not sheet.lstrip("./").startswith("static/")] == []
    session.close()


@pytest.mark.slow
def test_sixteen_sessions_that_have_been_closed_are_let_go(address, explorers):
    sessions = [visit(address) for _ in range(16)]
    assert len(explorers) == 16
    for session in sessions[::2]:  # so that some leave while their networks are being trained
        move(session, "Depth L", 3)
    for session in sessions:
        session.close()
    del session, sessions

    def are_let_go() -> bool:
        gc.collect()
        return len(explorers) <= 2

    # The first one's page is kept by a timer of Panel's, made while it was the current one; and one may be under way.
    # To look takes half a second of the processor that the server needs to let go of them.
    assert wait_for(are_let_go, pause=2.0), f"{len(explorers)} of 16 are alive"


def test_a_session_with_a_callback_that_failed_is_let_go_though_others_came_after_it(address, explorers):
    logging.disable(logging.ERROR)  # as above: pytest would keep the error with all it holds
    first = visit(address)  # its page is kept by a timer of Panel's
    before = set(explorers)
    failing = visit(address)
    (explorer,) = set(explorers) - before
    left = weakref.ref(explorer)
    failed = threading.Event()

    def fail(explorer=explorer):
        pn.state.curdoc.add_timeout_callback(explorer.close, 10**7)  # so that something is on its way at the end
        failed.set()
        raise AssertionError("on purpose")

    explorer.work._deliver(fail)
    assert failed.wait(LIMIT)
    del explorer, before, fail
    later = visit(address)
    for session in (first, failing, later):
        session.close()
    del session, first, failing, later

    def is_let_go() -> bool:
        gc.collect()
        return left() is None

    assert wait_for(is_let_go, pause=2.0)
