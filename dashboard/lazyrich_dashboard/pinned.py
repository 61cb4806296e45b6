"""Pinned curves: those of up to four other experiments, thin and dashed beside the present ones.

A pin keeps what a view drew; the same slot has the same dashes and markers in every view, and the curve its own part's
colour.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import lazyrich as lr

from . import link
from .marks import Columns, Part
from .results import PinnedCurves

# Of each slot: the lines' dashes, in pixels drawn and left out, and the points' marker.
DASHES = ("9 3", "2 2", "9 3 2 3", "4 6")
MARKERS = ("triangle", "square", "inverted_triangle", "x")
SLOTS = len(DASHES)
# How much larger an axis may become for the sake of what is pinned: a factor on each side, or spans of a linear one.
_MOST_FACTOR = 100.0
_MOST_SPANS = 2.0
_MOST_WORDS = 3
_SYMBOLS = {
    "n_train": "n", "n_test": "n'", "weight_var": "σ²w", "bias_var": "σ²b", "richness": "γ₀", "learning_rate": "η",
    "seeds": "networks",
}  # fmt: skip
# Fields whose values say what they are.
FOLLOWS = ("ntk_points",)  # the number of points, so that it is no difference of its own
_PLAIN = ("data", "activation", "parametrization")


@dataclass(frozen=True, eq=False)
class Pin:
    """An experiment in a slot and its curves, by the kind of view."""

    slot: int
    experiment: lr.Experiment
    curves: Mapping[Any, Columns]


def name(label: str) -> str:
    """Return what the part is called that has the pinned curves of a part."""
    return f"pinned {label}"


def pinned_columns(parts: Iterable[Part], pinnable: Iterable[str], pins: Iterable[PinnedCurves]) -> Columns:
    """Return the columns of the pinned parts: lines as a row for each pin, points as rows with their markers."""
    kinds = {part.label: part.kind for part in parts}
    result = {}
    for label in pinnable:
        kept = [(pin.slot, pin.columns[label]) for pin in pins if label in pin.columns]
        x, y = ([np.asarray(columns[axis], float) for _, columns in kept] for axis in "xy")
        if kinds[label] == "line":
            result[name(label)] = {"xs": x, "ys": y, "dash": [DASHES[slot] for slot, _ in kept]}
        else:
            marker = [MARKERS[slot] for slot, columns in kept for _ in columns["x"]]
            result[name(label)] = {
                "x": np.concatenate([np.empty(0), *x]), "y": np.concatenate([np.empty(0), *y]), "marker": marker,
            }  # fmt: skip
    return result


def widened(own: tuple[float, float], pinned: Columns, axis: str, log: bool) -> tuple[float, float]:
    """Return an axis range that shows the pinned curves too, as far as they leave room for the present ones."""
    values = [np.ravel(v) for part in pinned.values() for v in ([*part[f"{axis}s"]] if "xs" in part else [part[axis]])]
    values = np.concatenate([np.empty(0), *values])
    values = values[np.isfinite(values) & ((values > 0) if log else True)]
    if not len(values):
        return own
    low, high = own
    if log:
        floor, top = low / _MOST_FACTOR, high * _MOST_FACTOR
    else:
        floor, top = low - _MOST_SPANS * (high - low), high + _MOST_SPANS * (high - low)
    return min(low, max(floor, float(values.min()))), max(high, min(top, float(values.max())))


def difference(experiment: lr.Experiment, now: lr.Experiment) -> str:
    """Return what an experiment has that the one on screen has not, as in "depth 2, ntk"."""
    fields, others = link.flat(experiment), link.flat(now)
    words = [
        str(value) if field in _PLAIN else f"{_SYMBOLS.get(field, field.replace('_', ' '))} {_short(value)}"
        for field, value in fields.items()
        if value != others.get(field) and field not in FOLLOWS
    ]
    more = f" and {len(words) - _MOST_WORDS} more" if len(words) > _MOST_WORDS else ""
    return ", ".join(words[:_MOST_WORDS]) + more or "as now"


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
