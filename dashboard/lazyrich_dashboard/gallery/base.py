"""A gallery page: one paper's claim, with what theory predicts and an experiment measures of it.

A page's Params are its extra controls, and an instance is one setting of them. What it computes of them is pure: the
columns of the plots, first those that are predicted (fast, follows the drag), then those that are measured (a stream,
cancelled by a change). When they run, and how they are shown, is the business of `exhibit`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import param

import lazyrich as lr

from ..live import padded
from ..marks import Axis, Columns, Part
from ..views.base import Range, error_bars
from .checks import Check


@dataclass(frozen=True)
class Panel:
    """One plot of a page: its name in a `Picture`, its title, its marks and axes."""

    name: str
    title: str
    parts: tuple[Part, ...]
    x: Axis
    y: Axis


@dataclass(frozen=True, eq=False)
class Picture:
    """What is drawn: columns by panel and part, those of a part that is not named are empty; and numbers to tell."""

    columns: Mapping[str, Columns]
    numbers: Mapping[str, float] = field(default_factory=dict)

    def then(self, later: "Picture") -> "Picture":
        """Return this picture with the parts and numbers of a later one in the place of its own."""
        names = {*self.columns, *later.columns}
        columns = {name: {**self.columns.get(name, {}), **later.columns.get(name, {})} for name in names}
        return Picture(columns, {**self.numbers, **later.numbers})

    @property
    def nbytes(self) -> int:
        """Size, for the cache."""
        parts = (part for panel in self.columns.values() for part in panel.values())
        return 64 + sum(np.asarray(column).nbytes for part in parts for column in part.values())


class GalleryPage(param.Parameterized):
    """One paper as an experiment. Its file's name is its slug: its address, and its name in `gallery`.

    Params are the page's controls: numbers with `bounds` and a `step`, selectors, or booleans, each with label and doc.
    Nothing changes an instance while it computes, and what it computes depends on nothing but its Params.
    """

    title: ClassVar[str]
    paper: ClassVar[str]
    year: ClassVar[int]
    url: ClassVar[str]
    claim: ClassVar[str]
    look_for: ClassVar[str]
    topics: ClassVar[tuple[str, ...]]
    panels: ClassVar[tuple[Panel, ...]]
    # What the laboratory opens on to see more of it.
    experiment: ClassVar[lr.Experiment | None] = None
    # Numbers of a control that moves over given values, such as powers of 2.
    steps: ClassVar[Mapping[str, Iterable[float]]] = {}

    # The panel and the part with one point that can be dragged with the mouse; see `dragged`.
    draggable: ClassVar[tuple[str, str] | None] = None

    @classmethod
    def slug(cls) -> str:
        """Return the page's name in links."""
        return cls.__module__.rpartition(".")[2]

    @classmethod
    def controls(cls) -> list[str]:
        """Return the names of the page's Params."""
        return [name for name in cls.param if name != "name"]

    @property
    def values(self) -> dict[str, Any]:
        """The values of the controls, by name."""
        return {name: getattr(self, name) for name in self.controls()}

    def predict(self) -> Picture:
        """Return what theory says, within a tenth of a second once compiled.

        Raises:
            ValueError: there is nothing to show; the sentence takes the plots' place.
        """
        raise NotImplementedError

    def measure(self) -> Iterator[Picture]:
        """Yield what an experiment measures, as it comes; each picture has the last word on the parts it names."""
        raise NotImplementedError

    def run(self) -> Picture:
        """Return all that is predicted and measured, once it is there."""
        picture = self.predict()
        for later in self.measure():
            picture = picture.then(later)
        return picture

    def summary(self, picture: Picture) -> str:
        """Return the sentence that says in numbers what is drawn, whether or not all is measured yet."""
        raise NotImplementedError

    def dragged(self, x: float, y: float) -> dict[str, Any]:
        """Return the values of controls that put the draggable point at x and y, or as near as they can."""
        raise NotImplementedError

    @classmethod
    def check(cls) -> Check:
        """Run the experiment at laptop scale, with the core alone, and return in numbers whether the claim holds.

        Raises:
            ValueError: it cannot run; the sentence says why.
        """
        raise NotImplementedError

    def ranges(self, panel: Panel, columns: Columns) -> tuple[Range, Range]:
        """Return the ranges of a panel's axes: all that is drawn, but for rules."""
        drawn = [columns[part.label] for part in panel.parts if part.kind != "rule" and part.label in columns]
        x, y = (
            padded(
                [[], *(part[name] for part in drawn for name in (axis, f"{axis}0", f"{axis}1") if name in part)], log
            )
            for axis, log in (("x", panel.x.log), ("y", panel.y.log))
        )
        return x, y


def at(x: float) -> dict[str, np.ndarray]:
    """Return the columns of a rule at x; it gets the height of its panel when it is drawn."""
    return {"x": np.array([x, x]), "y": np.array([np.nan, np.nan])}


def measured(label: str, x: Any, mean: Any, error: Any, least: Any = -np.inf) -> Columns:
    """Return the columns of the part `label`, and of its error bars `label: error`, which end at `least`."""
    x, mean, error = (np.asarray(array, np.float64) for array in (x, mean, error))
    return {label: {"x": x, "y": mean}, f"{label}: error": error_bars(x, mean, error, least)}
