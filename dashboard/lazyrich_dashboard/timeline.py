"""Timeline: what a view draws at each time of a logarithmic grid, as data.

A browser that has a timeline shows any of its times without asking the server again: `assets/timeline.js` copies the
slice of one time into the data sources on screen. What is the same at all times is left out, and every distinct content
of a column is kept once: of parts that follow the networks there is one for each checkpoint.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .jobs import check_wanted
from .marks import Columns
from .numerals import numeral
from .results import Refusal, Snapshot, Theory
from .views.base import View

# The grid has one time more, from the first to the last of the theory.
STEPS = 120
# Defines `showSlice(document, tracks, k)`, `putBack()` and `timeLabel(ends, fraction)`, for an ES module or a CustomJS.
SCRIPT = (Path(__file__).parent / "assets" / "timeline.js").read_text()


@dataclass(frozen=True, eq=False)
class Slices:
    """One column at all times.

    At time k it is the content number i = `index[k]`, which is `values[offsets[i]:offsets[i + 1]]`: numbers in single
    precision, or texts. Of an image, whose column has one array of this `shape` or none, these are the pixels.
    """

    index: list[int]
    offsets: list[int]
    values: np.ndarray | list[str]
    shape: tuple[int, ...] | None = None


# By the label of a part and the name of a column.
Timeline = Mapping[str, Mapping[str, Slices]]


def nearest(scrub: float) -> int:
    """Return the number of the grid time nearest to a place on the time axis from 0 to 1."""
    return round(scrub * STEPS)


def time_label(theory: Theory, k: int) -> str:
    """Return a time of the grid in words."""
    return f"t = {numeral(Snapshot(theory, (), k / STEPS).time)}"


def ends(theory: Theory) -> list[float]:
    """Return the first and the last time of the grid."""
    return [float(theory.times[0]), float(theory.times[-1])]


def timeline(view: View, snapshot: Snapshot) -> Timeline:
    """Return all columns of a view that depend on time; pure, and slow enough to be kept off the event loop."""
    if isinstance(snapshot.predicted, Refusal):
        return {}
    moments = [dataclasses.replace(snapshot, scrub=k / STEPS) for k in range(STEPS + 1)]
    clocks = [view.clock(moment) for moment in moments]
    distinct = dict(zip(clocks, moments, strict=True))
    if len(distinct) == 1:
        return {}
    numbers = {clock: number for number, clock in enumerate(distinct)}
    at = [numbers[clock] for clock in clocks]
    drawn = [_drawn(view, moment) for moment in distinct.values()]
    moving: dict[str, dict[str, Slices]] = {}
    for label, columns in drawn[0].items():
        for name in columns:
            slices = _slices([one[label][name] for one in drawn], at)
            if len(slices.offsets) > 2:
                moving.setdefault(label, {})[name] = slices
    return moving


def _drawn(view: View, moment: Snapshot) -> Columns:
    check_wanted()
    return {**view.columns(moment), **view.beside(moment)}


def by_mode(view: View, snapshot: Snapshot) -> Timeline:
    """Return the columns of a view that depend on the mode, in place of times at each mode from 0, which is none."""
    if isinstance(snapshot.predicted, Refusal):
        return {}
    count = snapshot.theory.modes.count
    drawn = [view.of_mode(dataclasses.replace(snapshot, mode=number)) for number in range(count + 1)]
    return {
        label: {name: _slices([one[label][name] for one in drawn], list(range(count + 1))) for name in columns}
        for label, columns in drawn[0].items()
    }


def shares(theory: Theory) -> np.ndarray:
    """Return which share of the train loss each mode has at each time of the grid, (times, modes)."""
    times = np.array([Snapshot(theory, (), k / STEPS).time for k in range(STEPS + 1)])
    return theory.modes.shares(times).astype(np.float32)


def _slices(contents: list[Any], at: list[int]) -> Slices:
    """Return a column whose content number `at[k]` is shown at time k, with every distinct content once."""
    flat, shapes = zip(*map(_flat, contents), strict=True)
    keys = [tuple(one) if isinstance(one, list) else one.tobytes() for one in flat]
    distinct = dict(zip(keys, flat, strict=True))
    numbers = {key: number for number, key in enumerate(distinct)}
    offsets = [0, *np.cumsum([len(one) for one in distinct.values()]).tolist()]
    if isinstance(flat[0], list):
        values: Any = [text for one in distinct.values() for text in one]
    else:
        values = np.concatenate(list(distinct.values()))
    return Slices([numbers[keys[i]] for i in at], offsets, values, next(filter(None, shapes), None))


def _flat(column: Any) -> tuple[Any, tuple[int, ...] | None]:
    """Return a column as texts or as numbers in one dimension, and the shape of the image if it has one."""
    if isinstance(column, list) and column and isinstance(column[0], str):
        return column, None
    if isinstance(column, list):
        image = np.asarray(column[0] if column else [], np.float32)
        return image.ravel(), image.shape if column else None
    return np.asarray(column, np.float32), None


def tracks(view: View, moving: Timeline) -> list[dict[str, Any]]:
    """Return a timeline as the script takes it: for each data source on screen the columns to copy into it."""
    result = []
    for label, columns in moving.items():
        source = view.source(label)
        source.syncable = False  # or the browser would send every slice back to the server
        result.append({"source": source.id, "columns": {name: vars(slices) for name, slices in columns.items()}})
    return result
