"""Exports: what is on screen as files that stand alone, each with the experiment that made it.

Tables (CSV, NetCDF) hold the numbers of the views in double precision, the web page a view as it is drawn, and the
notebook the code that computes it again.
"""

import base64
import html
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
import xarray as xr
from bokeh.embed import file_html
from bokeh.layouts import column
from bokeh.models import Div
from bokeh.resources import INLINE

import lazyrich as lr

from .tables import tidy
from .theme import LIGHT

if TYPE_CHECKING:
    from .views import View


@dataclass(frozen=True)
class File:
    """A file on its way to the browser."""

    name: str
    media_type: str
    content: bytes

    @property
    def message(self) -> dict[str, str]:
        """What `assets/deliver.js` makes a file of."""
        return {"name": self.name, "type": self.media_type, "base64": base64.b64encode(self.content).decode()}


def table(views: "Iterable[View]") -> pd.DataFrame:
    """Return all marks of views that show something as rows; `view` says whose they are."""
    drawn = [(view, view.snapshot) for view in views if view.snapshot is not None]
    tables = []
    for view, snapshot in drawn:
        rows = tidy(view.parts, view.columns(snapshot))
        rows.insert(0, "view", view.title)
        tables.append(rows)
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def attributes(views: "Iterable[View]") -> dict[str, Any]:
    """Return what the numbers of views mean: experiment, time, and each view's axes."""
    result: dict[str, Any] = {}
    for view in views:
        if view.snapshot is not None:
            experiment = view.snapshot.experiment
            x, y = view.axes()
            result |= {
                "experiment": experiment.to_json() if experiment else "",
                "time": view.snapshot.time,
                f"{view.title}: x": x.label,
                f"{view.title}: y": y.label,
            }
    return {**result, "made_with": f"lazyrich {lr.__version__}"}


def csv(views: "list[View]") -> File:
    """Return the numbers as text; lines that start with # say what they are (`pandas.read_csv(..., comment="#")`)."""
    stream = io.StringIO()
    for key, value in attributes(views).items():
        stream.write(f"# {key}: {value}\n")
    table(views).to_csv(stream, index=False)
    return File(f"{_name(views)}.csv", "text/csv", stream.getvalue().encode())


def netcdf(views: "list[View]") -> File:
    """Return the numbers as NetCDF, one variable for each column; `xarray.load_dataset` reads it."""
    rows = table(views)
    variables = {
        name: ("row", values.fillna("").astype(str).to_numpy(object) if values.dtype == object else values.to_numpy())
        for name, values in rows.items()
    }
    stream = io.BytesIO()
    xr.Dataset(variables, attrs=attributes(views)).to_netcdf(stream, engine="h5netcdf")
    return File(f"{_name(views)}.nc", "application/x-netcdf", stream.getvalue())


def web_page(views: "list[View]") -> File:
    """Return a view as it is drawn as a page that needs no server and no network."""
    (view,) = views
    snapshot = view.snapshot
    assert snapshot is not None  # a view that shows nothing has no buttons for this
    figure = view.live.copy(LIGHT)
    figure.update(sizing_mode="stretch_width", height=520)
    experiment = snapshot.experiment
    spec = json.dumps(experiment.to_dict(), indent=1) if experiment else ""
    above = Div(text=f"<h2>{html.escape(view.title)}</h2><p>{html.escape(view.question)}</p>")
    below = Div(text=f"<p>{html.escape(view.summary(snapshot))}</p><pre>{html.escape(spec)}</pre>")
    page = file_html(column(above, figure, below, sizing_mode="stretch_width"), INLINE, f"lazyrich: {view.title}")
    return File(f"{_name(views)}.html", "text/html", page.encode())


_INTRODUCTION = """# A lazyrich experiment

Theory of infinitely wide networks and finite ones that test it. Run all cells; change any value and run them again."""
_PLOT_LOSSES = """import holoviews as hv

hv.extension("bokeh")
mean = run.mean("seed").isel(time=slice(1, None))
time = mean.time.values
curves = [
    hv.Curve((time, flow.train_loss(time)), "time t", "loss", label="train: theory"),
    hv.Curve((time, flow.test_loss(time, data.y_test)), "time t", "loss", label="test: theory"),
    hv.Scatter((time, mean.train_loss.values), "time t", "loss", label="train: nets"),
    hv.Scatter((time, mean.test_loss.values), "time t", "loss", label="test: nets"),
]
hv.Overlay(curves).opts(hv.opts.Overlay(logx=True, logy=True, width=600, title="Training"))"""
_PLOT_SPECTRUM = """values = spectrum.values / len(data.x_train)
ranks = range(1, len(values) + 1)
hv.Curve((ranks, values), "rank i", "eigenvalue of Theta/n", label="Spectrum").opts(logx=True, logy=True, width=600)"""


def python(experiment: lr.Experiment) -> str:
    """Return a script that computes what the page shows."""
    return experiment.to_python()


def notebook(experiment: lr.Experiment) -> File:
    """Return a notebook with the same code in cells, and its plots."""
    setting, theory, rest = python(experiment).split("\n\n", 3)[1:]
    run, table_of_losses = rest.split("\n\n") if "\n\n" in rest else (rest, "")
    cells = [
        _cell("markdown", _INTRODUCTION),
        _cell("code", f"import lazyrich as lr\n\n{setting}"),
        _cell("code", theory),
        _cell("code", run),
        _cell("code", table_of_losses),
        _cell("code", _PLOT_LOSSES),
        _cell("code", _PLOT_SPECTRUM),
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    for index, cell in enumerate(cells):
        cell["id"] = f"cell-{index}"
    whole = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return File("lazyrich.ipynb", "application/x-ipynb+json", json.dumps(whole, indent=1).encode())


def _cell(kind: str, source: str) -> dict[str, Any]:
    cell = {"cell_type": kind, "metadata": {}, "source": source.strip()}
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})


def _name(views: "list[View]") -> str:
    """Return what a file of views is called."""
    words = [view.slug() for view in views]
    return f"lazyrich_{words[0]}" if len(words) == 1 else "lazyrich"
