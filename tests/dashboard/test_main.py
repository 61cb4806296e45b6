"""The command line: what it offers, what it hands to the server, what it runs and writes, and what it refuses."""

import dataclasses
import gc
import inspect
import json
import os
import pickle
import re
import socket
import sys
import warnings
import webbrowser
from pathlib import Path

import numpy as np
import pandas as pd
import panel as pn
import pytest
import xarray as xr
from bokeh.server.server import Server, _ServerOpts
from bokeh.server.tornado import BokehTornado
from threadpoolctl import threadpool_info, threadpool_limits

import lazyrich as lr
from lazyrich_dashboard import __main__ as command
from lazyrich_dashboard import classroom, jobs, precedence
from lazyrich_dashboard.app import TITLE
from lazyrich_dashboard.commands import serve
from lazyrich_dashboard.exports import notebook
from lazyrich_dashboard.link import decode
from tests.dashboard.examples import SMALL, UNSTABLE_STEP, small


@pytest.fixture(autouse=True)
def cold(monkeypatch):
    """Nothing is compiled ahead, and nothing kept on the disk: no test here looks at the page, and others will."""
    monkeypatch.setattr(jobs, "end", lambda: None)
    monkeypatch.setattr(serve, "warm_preset", lambda: None)
    monkeypatch.setattr(serve.housekeeping, "start", lambda warm: None)
    monkeypatch.setattr(serve, "keep_compiled_programs", lambda: None)
    monkeypatch.delenv("XLA_PYTHON_CLIENT_PREALLOCATE", raising=False)


@pytest.mark.parametrize("count", ["1", "2"])
def test_a_port_in_use_is_said_in_a_sentence_and_exits_with_2(capsys, count):
    with socket.create_server(("localhost", 0)) as taken:
        port = taken.getsockname()[1]
        with warnings.catch_warnings():  # Tornado leaves the socket that it could not bind to the garbage collector
            warnings.simplefilter("ignore", ResourceWarning)
            assert command.main(["serve", "--port", str(port), "--num-procs", count]) == 2
            gc.collect()
    said = capsys.readouterr().err
    assert f"The port must be free; {port} is in use. Choose another with --port." in said
    assert "Traceback" not in said


def test_any_other_failure_to_listen_is_not_taken_for_a_port_in_use(monkeypatch, capsys):
    def fail(*_arguments, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(pn.io.server, "get_server", fail)
    assert command.main(["serve", "--port", "80"]) == 1
    said = capsys.readouterr().err
    assert "Permission denied" in said and "in use" not in said


GET_SERVER = pn.io.server.get_server


class NoServer:
    def run_until_shutdown(self):
        pass


@pytest.fixture
def served(monkeypatch):
    """What the server is made with, and what is opened in a browser; nothing is served."""
    calls = {"opened": [], "ended": []}

    def get_server(pages, **options):
        calls.update(options, pages=pages)
        return NoServer()

    monkeypatch.setattr(pn.io.server, "get_server", get_server)
    monkeypatch.setattr(webbrowser, "open", calls["opened"].append)
    monkeypatch.setattr(jobs, "end", lambda: calls["ended"].append(True))
    return calls


def test_serve_prints_the_address_of_the_page(served, capsys):
    assert command.main(["serve", "--port", "5123"]) == 0
    assert f"http://localhost:5123/{TITLE}" in capsys.readouterr().out
    assert (served["port"], served["address"], served["opened"]) == (5123, "localhost", [])
    assert list(served["pages"]) == [TITLE, "gallery"]
    assert served["ended"] == [True]


@pytest.mark.parametrize("said", [None, "2"])
def test_a_server_keeps_blas_to_one_thread_unless_the_user_has_said_how_many(served, monkeypatch, said):
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    if said is not None:
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", said)
    with threadpool_limits(2, user_api="blas"):  # and puts back what the server changes
        command.main(["serve"])
        threads = {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}
    assert threads == ({1} if said is None else {2})


def test_visitors_may_come_by_the_name_that_is_printed_and_by_those_allowed(served):
    command.main(["serve", "--port", "5123"])
    assert "localhost:5123" in served["websocket_origin"]
    command.main(["serve", "--address", "0.0.0.0", "--allow-origin", "a.org:80", "--allow-origin", "b.org:81"])
    assert served["address"] == "0.0.0.0"
    assert {"a.org:80", "b.org:81"} <= set(served["websocket_origin"])


def test_the_server_knows_every_option_that_it_is_given(served):
    command.main(["serve"])
    takers = (GET_SERVER, Server.__init__, BokehTornado.__init__)
    known = {name for taker in takers for name in inspect.signature(taker).parameters} | _ServerOpts.properties()
    # An unknown name would be passed on, and silently ignored.
    assert set(served) - {"pages", "opened", "ended"} <= known


def test_help_names_every_option(capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(["serve", "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    for option in ("--port", "--address", "--show", "--allow-origin", "--classroom", "--num-procs", "--max-sessions",
                   "--cold"):  # fmt: skip
        assert option in shown
    with pytest.raises(SystemExit) as ended:
        command.main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in ("serve", "run", "export"))


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fly"],
        ["serve", "--port", "many"],
        ["serve", "--max-sessions", "0"],
        ["serve", "--num-procs", "0"],
        ["run", "x.toml"],
        ["export", "x.toml", "--out", "x.html", "--page", "Cover"],
    ],
    ids=["nothing", "unknown", "no port", "no sessions", "no processes", "no result", "no page"],
)
def test_a_command_that_makes_no_sense_shows_the_usage_and_exits_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(arguments)
    assert ended.value.code == 2
    assert "usage: lazyrich" in capsys.readouterr().err


def test_a_gpu_keeps_its_memory_unless_the_user_has_said_otherwise(served, monkeypatch):
    command.main(["serve"])
    assert os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] == "false"
    monkeypatch.setenv("XLA_PYTHON_CLIENT_PREALLOCATE", "true")
    command.main(["serve"])
    assert os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] == "true"


@pytest.fixture
def many(monkeypatch):
    """What several processes are asked for; none is started."""
    asked = {}

    class NoProcesses:
        def __init__(self, count, serve_one):
            asked.update(count=count, serve_one=serve_one)

        def run(self, port, address, when_ready):
            asked.update(port=port, address=address)
            when_ready()

    monkeypatch.setattr(serve, "Processes", NoProcesses)
    return asked


def test_a_class_has_two_processes_that_serve_the_same_pages_behind_one_port(served, many, monkeypatch, capsys):
    shared = []
    monkeypatch.setattr(precedence, "share", lambda *what: shared.append(what))
    monkeypatch.setattr(serve, "lan_address", lambda: "192.168.7.5")
    assert command.main(["serve", "--classroom", "--max-sessions", "20"]) == 0
    assert (many["count"], many["port"], many["address"]) == (2, 5006, "0.0.0.0")
    assert capsys.readouterr().out.count(f"http://192.168.7.5:5006/{TITLE}") == 1
    pickle.loads(pickle.dumps(many["serve_one"]))(Path("/nowhere/0"))
    assert served["unix_socket"] == "/nowhere/0" and "port" not in served
    assert {"192.168.7.5:5006", "localhost:5006"} <= set(served["websocket_origin"])
    assert list(served["pages"]) == [TITLE, "gallery", "join"]
    assert not capsys.readouterr().out  # the parent has said it
    assert shared == [(Path("/nowhere/haste"), 2, 0)]


def test_where_processes_cannot_be_tied_there_is_one(served, many, monkeypatch, capsys):
    monkeypatch.setattr(sys, "platform", "win32")
    assert command.main(["serve", "--classroom"]) == 0
    assert not many and served["port"] == 5006
    assert command.main(["serve", "--num-procs", "2"]) == 1
    assert "--num-procs must be 1 on Windows" in capsys.readouterr().err


def test_a_class_comes_by_the_address_on_the_network_and_a_qr_code(served, monkeypatch, capsys):
    monkeypatch.setattr(serve, "lan_address", lambda: "192.168.7.5")
    assert command.main(["serve", "--classroom", "--show", "--num-procs", "1"]) == 0
    address = f"http://192.168.7.5:5006/{TITLE}"
    said = capsys.readouterr().out
    assert address in said and classroom.qr_for_terminal(address) in said
    assert served["address"] == "0.0.0.0" and {"192.168.7.5:5006", "localhost:5006"} <= set(served["websocket_origin"])
    assert served["opened"] == ["http://192.168.7.5:5006/join"]
    page = served["pages"]["join"]().object
    assert address in page and "<svg" in page


def test_without_a_network_the_address_is_localhost(monkeypatch):
    def unreachable(*_):
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket.socket, "connect", unreachable)
    assert classroom.lan_address() == "localhost"


def test_a_full_server_says_so_and_a_place_that_is_left_is_free_again(monkeypatch):
    left = []
    monkeypatch.setattr(type(pn.state), "on_session_destroyed", lambda _, leave: left.append(leave))
    make = classroom.limited({"page": lambda: pn.pane.HTML("the page")}, 1)["page"]
    assert make().object == "the page"
    assert "All 1 places of this server are taken." in make().object
    left[0](None)
    assert make().object == "the page"


def test_run_writes_networks_and_theory_and_reports_on_stderr(tmp_path, capsys):
    source, out = tmp_path / "experiment.toml", tmp_path / "result.nc"
    source.write_text(SMALL.to_toml())
    assert command.main(["run", str(source), "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert said.out.strip() == str(out) and "t = 8" in said.err
    result = lr.load(out)
    assert lr.Experiment.from_json(result.attrs["experiment"]) == SMALL
    run = lr.train(SMALL.network, SMALL.load_data(), time=8.0, seeds=2, checkpoints=5, centred=True)
    np.testing.assert_allclose(result.test_loss, run.test_loss, rtol=1e-6)
    data = SMALL.load_data()
    system = lr.eigensystem(lr.ntk(SMALL.network, data.x_train))
    flow = lr.LinearDynamics(system, data.y_train, cross_ntk=lr.ntk(SMALL.network, data.x_test, data.x_train))
    np.testing.assert_allclose(result.theory_test_loss, flow.test_loss(result.time.values, data.y_test))


@pytest.mark.filterwarnings("ignore:Training diverged:RuntimeWarning")
def test_a_run_that_diverges_is_written_and_exits_with_1(tmp_path, capsys):
    source, out = tmp_path / "experiment.json", tmp_path / "result.nc"
    source.write_text(small(learning_rate=UNSTABLE_STEP, time=1e6).to_json())
    assert command.main(["run", "--quiet", str(source), "--out", str(out)]) == 1
    assert "diverged" in capsys.readouterr().err
    assert lr.load(out).attrs["status"].startswith("diverged")


def test_export_writes_what_comes_back(tmp_path):
    source = tmp_path / "experiment.toml"
    source.write_text(SMALL.to_toml())
    for ending, read in (
        (".json", lr.Experiment.from_json),
        (".toml", lr.Experiment.from_toml),
        (".link", lambda text: decode(text.strip())[0]),
    ):
        assert command.main(["export", str(source), "--out", str(tmp_path / f"x{ending}")]) == 0
        assert read((tmp_path / f"x{ending}").read_text()) == SMALL
    command.main(["export", str(source), "--out", str(tmp_path / "x.py")])
    assert (tmp_path / "x.py").read_text() == SMALL.to_python()
    command.main(["export", str(source), "--out", str(tmp_path / "x.ipynb")])
    assert (tmp_path / "x.ipynb").read_bytes() == notebook(SMALL).content


def test_export_writes_what_a_page_shows(tmp_path, capsys):
    source = tmp_path / "experiment.toml"
    source.write_text(SMALL.to_toml())
    for ending in (".csv", ".nc", ".html"):
        assert command.main(["export", str(source), "--out", str(tmp_path / f"x{ending}")]) == 0
    assert not capsys.readouterr().err
    numbers = pd.read_csv(tmp_path / "x.csv", comment="#")
    assert set(numbers["view"]) == {"Spectrum", "Function", "Training", "Kernel movement"}
    known = lr.train(SMALL.network, SMALL.load_data(), time=8.0, seeds=2, checkpoints=5, centred=True)
    measured = numbers[(numbers["view"] == "Training") & (numbers["part"] == "test: nets")]
    np.testing.assert_allclose(measured["y"], known.test_loss.mean("seed")[1:], rtol=1e-6)
    np.testing.assert_array_equal(xr.load_dataset(tmp_path / "x.nc", engine="h5netcdf")["y"], numbers["y"])
    page = (tmp_path / "x.html").read_text()
    assert page.count("<section>") == 4 and page.count('"name":"Slider"') == 1
    assert not re.search(r"<script[^>]*\ssrc=|<link", page)


def test_export_of_another_page_and_of_what_cannot_be_shown(tmp_path, capsys):
    source = tmp_path / "experiment.toml"
    source.write_text(SMALL.to_toml())
    assert command.main(["export", str(source), "--out", str(tmp_path / "x.csv"), "--page", "Depth"]) == 0
    numbers = pd.read_csv(tmp_path / "x.csv", comment="#")
    assert "Variance through depth" in set(numbers["view"]) and "Training" not in set(numbers["view"])
    blind = dataclasses.replace(SMALL, network=dataclasses.replace(SMALL.network, weight_var=0.0))
    source.write_text(blind.to_toml())
    assert command.main(["export", str(source), "--out", str(tmp_path / "no.csv")]) == 1
    assert "The kernel must not be zero" in capsys.readouterr().err and not (tmp_path / "no.csv").exists()


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("no.toml", None, "no.toml: .*No such file"),
        ("x.yaml", "", "must be a .toml or .json file; got"),
        ("x.toml", "[data", "x.toml: The text of an experiment must be TOML"),
        ("x.json", json.dumps({"network": {"depth": 0}}), "x.json: depth must be a whole number"),
    ],
)
def test_a_bad_experiment_gets_a_sentence_and_exits_with_1(tmp_path, capsys, name, text, sentence):
    if text is not None:
        (tmp_path / name).write_text(text)
    for words in (["run"], ["export"]):
        assert command.main([*words, str(tmp_path / name), "--out", str(tmp_path / "x.py")]) == 1
        said = capsys.readouterr().err
        assert re.search(sentence, said) and "Traceback" not in said


def test_a_result_that_has_no_place_is_said_before_anything_is_run(tmp_path, capsys):
    source = tmp_path / "experiment.toml"
    source.write_text(SMALL.to_toml())
    assert command.main(["run", str(source), "--out", str(tmp_path / "no" / "result.nc")]) == 1
    assert "The folder of --out must exist" in capsys.readouterr().err
    assert command.main(["export", str(source), "--out", str(tmp_path / "no" / "x.html")]) == 1
    assert "The folder of --out must exist" in capsys.readouterr().err
    assert command.main(["export", str(source), "--out", str(tmp_path / "x.doc")]) == 1
    assert "--out must end in .toml, .json, .py, .ipynb, .link" in capsys.readouterr().err
