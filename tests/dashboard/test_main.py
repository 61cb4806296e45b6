"""The command line: what it offers, what it hands to the server, and what it says when it cannot serve."""

import gc
import inspect
import socket
import warnings

import panel as pn
import pytest
from bokeh.server.server import Server
from bokeh.server.tornado import BokehTornado

from lazyrich_dashboard import __main__ as command
from lazyrich_dashboard.app import TITLE


@pytest.fixture(autouse=True)
def cold(monkeypatch):
    """Nothing is compiled ahead, and nothing kept on the disk: no test here looks at the page."""
    for name in ("keep_compiled_programs", "warm_preset", "warm_activations"):
        monkeypatch.setattr(command, name, lambda: None)


def test_a_port_in_use_is_said_in_a_sentence_and_exits_with_2(capsys):
    with socket.create_server(("localhost", 0)) as taken:
        port = taken.getsockname()[1]
        with warnings.catch_warnings():  # Tornado leaves the socket that it could not bind to the garbage collector
            warnings.simplefilter("ignore", ResourceWarning)
            assert command.main(["serve", "--port", str(port)]) == 2
            gc.collect()
    said = capsys.readouterr().err
    assert f"The port must be free; {port} is in use. Choose another with --port." in said
    assert "Traceback" not in said


def test_any_other_failure_to_listen_is_not_taken_for_a_port_in_use(monkeypatch):
    def fail(*_arguments, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(pn, "serve", fail)
    with pytest.raises(PermissionError):
        command.main(["serve", "--port", "80"])


@pytest.fixture
def served(monkeypatch):
    """What `pn.serve` is called with; nothing is served."""
    calls = {}
    monkeypatch.setattr(pn, "serve", lambda pages, **options: calls.update(options, pages=pages))
    return calls


def test_serve_prints_the_address_of_the_page(served, capsys):
    assert command.main(["serve", "--port", "5123"]) == 0
    assert f"http://localhost:5123/{TITLE}" in capsys.readouterr().out
    assert (served["port"], served["address"], served["show"]) == (5123, "localhost", False)
    assert list(served["pages"]) == [TITLE, "gallery"]


def test_visitors_may_come_by_the_name_that_is_printed_and_by_those_allowed(served):
    command.main(["serve", "--port", "5123"])
    assert "localhost:5123" in served["websocket_origin"]
    command.main(["serve", "--address", "0.0.0.0", "--allow-origin", "a.org:80", "--allow-origin", "b.org:81"])
    assert served["address"] == "0.0.0.0"
    assert {"a.org:80", "b.org:81"} <= set(served["websocket_origin"])


def test_the_server_knows_every_option_that_it_is_given(served):
    command.main(["serve"])
    takers = (pn.io.server.get_server, Server.__init__, BokehTornado.__init__)
    known = {name for taker in takers for name in inspect.signature(taker).parameters}
    # An unknown name would be passed on, and silently ignored.
    assert set(served) - {"pages"} <= known


def test_help_names_every_option(capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(["serve", "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    for option in ("--port", "--address", "--show", "--allow-origin"):
        assert option in shown
    with pytest.raises(SystemExit) as ended:
        command.main(["--help"])
    assert ended.value.code == 0
    assert "serve" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["fly"], ["serve", "--port", "many"]], ids=["nothing", "unknown", "no port"])
def test_a_command_that_makes_no_sense_shows_the_usage_and_exits_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(arguments)
    assert ended.value.code == 2
    assert "usage: lazyrich" in capsys.readouterr().err
