"""Exports: files and code that hold what the page shows."""

import html
import io
import json
import re

import nbformat
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from bokeh.document import Document
from bokeh.io.doc import patch_curdoc
from nbclient import NotebookClient

import lazyrich as lr
from lazyrich_dashboard import Explorer, exports
from lazyrich_dashboard.bookmark import Bookmark
from lazyrich_dashboard.tables import MOST_ROWS, as_html, tidy
from lazyrich_dashboard.views import AbcMapView, FunctionSpaceView, KernelMatrixView, PlaneView, TrainingView
from lazyrich_dashboard.web_page import web_page
from tests.dashboard.examples import SMALL, small

LIMIT = 60.0


@pytest.fixture(scope="module")
def explorer():
    explorer = Explorer(SMALL)
    assert explorer.wait(LIMIT)
    yield explorer
    explorer.close()


def shown(explorer):
    return exports.pictures(explorer.share.views())


def drawn(explorer, label):
    return explorer.view(TrainingView).columns(explorer.view(TrainingView).snapshot)[label]


def test_the_python_code_runs_and_gives_the_numbers_on_the_page(explorer, capsys):
    names: dict = {}
    exec(explorer.experiment.to_python(), names)
    theory, nets = drawn(explorer, "test: theory"), drawn(explorer, "test: nets")
    flow, data, run = names["flow"], names["data"], names["run"]
    np.testing.assert_allclose(flow.test_loss(theory["x"], data.y_test), theory["y"], rtol=1e-12)
    np.testing.assert_array_equal(run.time.values[1:], nets["x"])
    np.testing.assert_allclose(run.test_loss.mean("seed").values[1:], nets["y"], rtol=1e-6)  # single precision
    assert len(capsys.readouterr().out.splitlines()) == 1 + len(run.time)


@pytest.mark.parametrize(
    "training",
    [
        {"edge_fraction": 0.5},
        {"learning_rate": 0.05, "momentum": 0.5, "batch_size": 8},
        {"centred": False, "optimizer": "adam", "learning_rate": 0.01},
        {"loss": "logistic"},
    ],
    ids=str,
)
def test_the_python_code_writes_out_every_field(training):
    experiment = small(**training)
    call = re.search(r"lr\.train\(net, data, (.*)\)", experiment.to_python()).group(1)
    written = eval(f"dict({call})")
    assert written.pop("seed") == experiment.seed and written.pop("record")
    assert lr.TrainingSpec(**written) == experiment.training


def test_the_table_has_every_mark_of_the_page(explorer):
    table = exports.table(shown(explorer))
    assert set(table["view"]) == {"Spectrum", "Function", "Training", "Kernel movement"}
    for label in ("test: theory", "test: nets"):
        rows = table[(table["view"] == "Training") & (table["part"] == label)]
        np.testing.assert_array_equal(rows["x"], drawn(explorer, label)["x"])
        np.testing.assert_array_equal(rows["y"], drawn(explorer, label)["y"])
    band = table[(table["view"] == "Training") & (table["part"] == "test: spread")]
    assert len(band) and (band["y"] <= band["y2"]).all()


def test_csv_and_netcdf_hold_the_same_numbers_and_the_experiment(explorer):
    wanted = exports.table(shown(explorer))
    text = exports.csv(shown(explorer)).content.decode()
    pd.testing.assert_frame_equal(pd.read_csv(io.StringIO(text), comment="#"), wanted, check_dtype=False)
    header = dict(line[2:].split(": ", 1) for line in text.splitlines() if line.startswith("# "))
    assert lr.Experiment.from_json(header["experiment"]) == SMALL

    result = xr.load_dataset(io.BytesIO(exports.netcdf(shown(explorer)).content), engine="h5netcdf")
    assert lr.Experiment.from_json(result.attrs["experiment"]) == SMALL
    assert result.attrs["Training: x"] == "time t = learning rate × steps"
    for name in ("x", "y", "y2"):
        np.testing.assert_array_equal(result[name], wanted[name])
    assert list(result["part"].values) == list(wanted["part"])


def test_an_image_is_a_row_for_each_pixel_and_the_page_shows_the_first_of_many():
    image = np.arange(600.0).reshape(20, 30)
    columns = {"image": [image], **{"x": np.zeros(1), "y": np.zeros(1), "dw": np.full(1, 30.0), "dh": np.full(1, 20.0)}}
    matrix, classes = KernelMatrixView.parts
    empty = {name: np.array([]) for name in ("x0", "y0", "x1", "y1")}
    table = tidy((matrix, classes), {"matrix": columns, "classes": empty})
    np.testing.assert_array_equal(table["value"], image.ravel())
    assert table.iloc[31][["x", "y", "value"]].tolist() == [1.5, 1.5, 31.0]
    text = as_html(table, "<x>", "y")
    assert f"The first {MOST_ROWS} of 600 rows" in text and "&lt;x&gt;" in text
    assert text.count("<tr") == MOST_ROWS + 1


def test_a_view_with_nothing_to_show_has_an_empty_table():
    assert tidy((), {}).columns.tolist() == ["part", "x", "y"]


def test_the_web_page_needs_nothing_from_anywhere_and_has_a_player(explorer):
    picture = exports.pictures([explorer.view(TrainingView)])[0]
    file = web_page(picture)()
    page = file.content.decode()
    assert file.name == "lazyrich_training.html"
    assert not re.search(r"<script[^>]*\ssrc=|<link", page)
    assert html.escape(json.dumps(SMALL.to_dict(), indent=1)) in page
    for part in TrainingView.parts:
        assert json.dumps(part.label, ensure_ascii=False) in page
    assert page.count('"name":"Slider"') == 1
    assert explorer.view(TrainingView).live.figure.document is None  # the copy went there, not the figure


def test_the_web_page_of_a_view_without_time_has_no_player():
    explorer = Explorer(SMALL, Bookmark(page="Depth"))
    explorer.close()
    (picture,) = exports.pictures([explorer.view(PlaneView)])
    assert '"name":"Slider"' not in web_page(picture)().content.decode()


@pytest.mark.parametrize(
    ("data", "kind", "does"),
    [("digits", PlaneView, "Click"), ("digits", AbcMapView, "Drag"), ("points", FunctionSpaceView, "Backspace")],
    ids=["plane of variances", "map of parametrizations", "own points"],
)
def test_the_web_page_asks_for_nothing_that_moves_something_in_the_laboratory_alone(data, kind, does):
    explorer = Explorer(small(data), views=(kind,))
    view = explorer.view(kind).shown
    assert does in view.summary_pane.object
    page = web_page(*exports.pictures([view]))().content.decode()
    said, drawn = page[page.index("<main>") :].split("</main>", 1)
    assert view.summary(view.snapshot) in html.unescape(said)
    assert not re.search("click|drag|controls rest", said, re.IGNORECASE)
    assert not re.search("drag it|PointDrawTool", drawn)
    explorer.close()


def test_the_web_page_is_made_while_another_session_closes(explorer):
    make = web_page(*[one for one in shown(explorer) if one.view.title == "Training"])
    closed = Document()
    closed.callbacks.destroy()
    with patch_curdoc(closed):  # what a worker finds there is whatever the event loop is at
        assert b'"name":"Slider"' in make().content


@pytest.mark.slow
def test_the_notebook_runs_and_draws():
    experiment = lr.Experiment(
        data=lr.DataSpec("circle", n_train=8, n_test=8),
        network=lr.Network(depth=1, width=8),
        training=lr.TrainingSpec(time=1.0, seeds=1, checkpoints=2, ntk_points=4),
    )
    notebook = nbformat.reads(exports.notebook(experiment).content.decode(), as_version=4)
    nbformat.validate(notebook)
    NotebookClient(notebook, timeout=240, kernel_name="python3").execute()  # raises if a cell does
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any("test loss at infinite width" in output.get("text", "") for output in outputs)
    assert sum(":Overlay" in output.get("data", {}).get("text/plain", "") for output in outputs) == 1
