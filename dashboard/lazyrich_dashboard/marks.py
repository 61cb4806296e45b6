"""Marks: what a plot is made of, as HoloViews elements.

A plot is a tuple of parts, each with a kind of mark, and `draw` makes a HoloViews overlay of them. A part that has
nothing to show has empty columns.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import holoviews as hv
import holoviews.plotting.bokeh  # registers the backend; hv.extension would also print into a notebook
import numpy as np
from bokeh.palettes import Cividis256

from .theme import LIGHT

hv.Store.set_current_backend("bokeh")

Columns = Mapping[str, Mapping[str, Any]]

_STYLES: dict[str, dict[str, Any]] = {
    "line": {"line_width": 2},
    "dashes": {"line_width": 1.5, "line_dash": "dashed"},
    "dot-dashes": {"line_width": 2, "line_dash": "dotdash"},
    "rule": {"line_width": 1.5, "line_dash": "dotted"},
    "points": {"size": 5},
    "rings": {"size": 6, "fill_alpha": 0},
    "halos": {"size": 11, "fill_alpha": 0},
    "cloud": {"size": 4, "fill_alpha": 0.25, "line_alpha": 0},
    "squares": {"size": 6, "marker": "square", "fill_alpha": 0},
    "diamonds": {"size": 13, "marker": "diamond"},
    "band": {"fill_alpha": 0.2, "line_alpha": 0},
    "segments": {"line_width": 1.5},
    "strong segments": {"line_width": 3},
    "dashed segments": {"line_width": 2.5, "line_dash": "dashed"},
    "labels": {"text_font_size": "12px", "text_baseline": "bottom"},
    "labels below": {"text_font_size": "12px", "text_baseline": "top"},
    "image": {"cmap": list(Cividis256), "colorbar": True, "colorbar_opts": {"width": 10}},
    "field": {"cmap": list(LIGHT.diverging), "colorbar": True, "colorbar_opts": {"width": 10}},
    "upper field": {"cmap": list(LIGHT.diverging), "colorbar": False},
}
_ELEMENTS = {
    "points": hv.Scatter,
    "rings": hv.Scatter,
    "halos": hv.Scatter,
    "cloud": hv.Scatter,
    "squares": hv.Scatter,
    "diamonds": hv.Scatter,
    "band": hv.Area,
    "segments": hv.Segments,
    "strong segments": hv.Segments,
    "dashed segments": hv.Segments,
    "labels": hv.Labels,
    "labels below": hv.Labels,
    "image": hv.Image,
    "field": hv.Image,
    "upper field": hv.Image,
}
# What the columns of a kind of mark are called, where they are not x and y.
_COLUMNS = {
    hv.Segments: ("x0", "y0", "x1", "y1"),
    hv.Labels: ("x", "y", "text"),
    hv.Image: ("image", "x", "y", "dw", "dh"),
}


@dataclass(frozen=True)
class Part:
    """One labelled mark of a plot: its kind (a key of `_STYLES`), its colour role, and whether the legend names it."""

    label: str
    kind: str
    role: str
    legend: bool = True


@dataclass(frozen=True)
class Axis:
    """An axis: its label with units, whether it is logarithmic, and whether it counts from the top, as rows do."""

    label: str
    log: bool = False
    downwards: bool = False


def draw(parts: tuple[Part, ...], x: Axis, y: Axis, columns: Columns | None = None) -> hv.Overlay:
    """Return the parts as a HoloViews overlay; those without columns get one point that is not drawn."""
    columns = columns or {}
    elements = [_element(part, columns.get(part.label, _nothing(part.kind))) for part in parts]
    overlay = hv.Overlay(elements).opts(
        hv.opts.Overlay(
            xlabel=x.label,
            ylabel=y.label,
            logx=x.log,
            logy=y.log,
            invert_yaxis=y.downwards,
            xlim=(0.1, 1.0),
            ylim=(0.1, 1.0),
            legend_position="top",
            legend_opts={
                "border_line_alpha": 0,
                "background_fill_alpha": 0,
                "padding": 0,
                "margin": 0,
                "spacing": 6,
                "glyph_width": 16,
            },
            fontsize={"labels": "12px", "ticks": "11px", "legend": "12px"},
            responsive=True,
            show_grid=True,
        )
    )
    return cast(hv.Overlay, overlay)


def column_names(kind: str) -> tuple[str, ...]:
    """Return what the columns of a kind of mark are called."""
    return _COLUMNS.get(_ELEMENTS.get(kind, hv.Curve), ("x", "y"))


def _nothing(kind: str) -> Mapping[str, Any]:
    """Return the columns of one mark that is not drawn."""
    values = {"text": [""], "image": [np.array([[0.0, 1.0]])], "dw": [1.0], "dh": [1.0]}
    return {name: values.get(name, [np.nan]) for name in column_names(kind)}


def _element(part: Part, columns: Mapping[str, Any]) -> hv.Element:
    style = _STYLES[part.kind]
    kind = _ELEMENTS.get(part.kind, hv.Curve)
    colour = {"text_color" if kind is hv.Labels else "color": LIGHT.colour(part.role)}
    if kind is hv.Area:
        half = len(columns["x"]) // 2 or 1
        x, low, high = columns["x"][:half], columns["y"][:half], columns["y"][-half:][::-1]
        element = hv.Area((x, low, high), "x", ["y", "y2"], label=part.label)
    elif kind is hv.Image:
        if not len(columns["image"]):
            columns, style = _nothing(part.kind), {**style, "visible": False, "colorbar": False}
        image, colour = np.asarray(columns["image"][0]), {}
        ends = [0.0 if np.isnan(columns[name][0]) else columns[name][0] for name in "xy"]
        bounds = (*ends, ends[0] + columns["dw"][0], ends[1] + columns["dh"][0])
        element = hv.Image(image[::-1], bounds=bounds, label=part.label)
    elif kind is hv.Segments:
        element = hv.Segments(
            tuple(columns[name] for name in column_names(part.kind)), ["x0", "y0", "x1", "y1"], label=part.label
        )
    elif kind is hv.Labels:
        element = hv.Labels(
            tuple(columns[name] for name in column_names(part.kind)), ["x", "y"], "text", label=part.label
        )
    else:
        element = kind((columns["x"], columns["y"]), "x", "y", label=part.label)
    tools = ["hover"] if part.kind in ("line", "image", "field") else []
    legend = {} if kind in (hv.Image, hv.Labels) else {"show_legend": part.legend}
    return cast(hv.Element, element.opts(tools=tools, **colour, **legend, **style))
