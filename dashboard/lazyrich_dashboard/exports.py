"""Exports: what is on screen as files that stand alone, each with the experiment that made it.

Tables (CSV, NetCDF) hold the numbers of the views in double precision. They are made of pictures, which never change,
so that the work can be done off the event loop. Web pages have a file of their own.
"""

import base64
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
import xarray as xr

import lazyrich as lr

from .marks import Axis
from .results import Snapshot
from .tables import tidy

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


@dataclass(frozen=True, eq=False)
class Picture:
    """A view and what it shows."""

    view: "View"
    snapshot: Snapshot
    axes: tuple[Axis, Axis]


def pictures(views: "Iterable[View]") -> list[Picture]:
    """Return what views show, without those that show nothing."""
    return [Picture(view, view.snapshot, view.axes()) for view in views if view.snapshot is not None]


def table(shown: list[Picture]) -> pd.DataFrame:
    """Return all marks of pictures as rows; `view` says whose they are."""
    tables = []
    for picture in shown:
        rows = tidy(picture.view.parts, picture.view.columns(picture.snapshot))
        rows.insert(0, "view", picture.view.title)
        tables.append(rows)
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def attributes(shown: list[Picture]) -> dict[str, Any]:
    """Return what the numbers of pictures mean: experiment, time, and each view's axes."""
    result: dict[str, Any] = {"made_with": f"lazyrich {lr.__version__}"}
    for picture in shown:
        experiment = picture.snapshot.experiment
        x, y = picture.axes
        result |= {
            "experiment": experiment.to_json() if experiment else "",
            "time": picture.snapshot.time,
            f"{picture.view.title}: x": x.label,
            f"{picture.view.title}: y": y.label,
        }
    return result


def csv(shown: list[Picture]) -> File:
    """Return the numbers as text; lines that start with # say what they are (`pandas.read_csv(..., comment="#")`)."""
    stream = io.StringIO()
    for key, value in attributes(shown).items():
        stream.write(f"# {key}: {value}\n")
    table(shown).to_csv(stream, index=False)
    return File(f"{file_name(shown)}.csv", "text/csv", stream.getvalue().encode())


def netcdf(shown: list[Picture]) -> File:
    """Return the numbers as NetCDF, one variable for each column; `xarray.load_dataset` reads it."""
    numbers = {"x", "y", "x2", "y2", "value"}
    variables = {
        name: ("row", values.to_numpy(float) if name in numbers else values.fillna("").to_numpy(object))
        for name, values in table(shown).items()
    }
    stream = io.BytesIO()
    xr.Dataset(variables, attrs=attributes(shown)).to_netcdf(stream, engine="h5netcdf")
    return File(f"{file_name(shown)}.nc", "application/x-netcdf", stream.getvalue())


def file_name(shown: list[Picture]) -> str:
    """Return what a file of pictures is called."""
    return f"lazyrich_{shown[0].view.slug()}" if len(shown) == 1 else "lazyrich"


_INTRODUCTION = """# A lazyrich experiment

Theory of infinitely wide networks and finite ones that test it. Run all cells; change any value and run them again."""
_PLOT_LOSSES = """import holoviews as hv

hv.extension("bokeh")
mean = run.mean("seed").isel(time=slice(1, None))  # a logarithmic axis has no t = 0
time = mean.time.values
theory = lr.expected_losses(flow, time, data.y_test)
axes = ("time t = learning rate × steps", "loss")
curves = [
    hv.Curve((time, theory.train), *axes, label="train: theory"),
    hv.Curve((time, theory.test), *axes, label="test: theory"),
    hv.Scatter((time, mean.train_loss.values), *axes, label="train: nets"),
    hv.Scatter((time, mean.test_loss.values), *axes, label="test: nets"),
]
hv.Overlay(curves).opts(hv.opts.Overlay(logx=True, logy=True, width=600, title="Training"))"""
_PLOT_SPECTRUM = """values = spectrum.values / len(data.x_train)
points = (range(1, len(values) + 1), values)
hv.Curve(points, "rank i", "eigenvalue of Θ/n").opts(logx=True, logy=True, width=600, title="Spectrum")"""


def notebook(experiment: lr.Experiment) -> File:
    """Return a notebook with the code of `Experiment.to_python` in cells, and plots."""
    code = [*experiment.to_python().split("\n\n"), _PLOT_LOSSES, _PLOT_SPECTRUM]
    return notebook_of("lazyrich.ipynb", [("markdown", _INTRODUCTION), *(("code", source) for source in code)])


def notebook_of(name: str, sources: list[tuple[str, str]]) -> File:
    """Return a notebook of cells, given by their kind (code or markdown) and text."""
    cells = [{**_cell(*source), "id": f"cell-{index}"} for index, source in enumerate(sources)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    whole = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return File(name, "application/x-ipynb+json", json.dumps(whole, indent=1).encode())


def _cell(kind: str, source: str) -> dict[str, Any]:
    cell = {"cell_type": kind, "metadata": {}, "source": source.strip()}
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})
