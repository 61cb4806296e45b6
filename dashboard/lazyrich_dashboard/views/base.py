"""View: one question, one plot, one sentence.

A view says which marks it has (`parts`) and computes their columns, the axis ranges and a one-sentence summary from a
`Snapshot`; all three are pure and can be tested without a browser. Drawing is `marks.draw`, updating is `live.Live`.
What it needs besides theory and trained networks it says by `predict` and `measure`; when they run is not its business.
"""

import dataclasses
import html
import re
from collections.abc import Hashable
from typing import Any, ClassVar, cast

import holoviews as hv
import numpy as np
import panel as pn
import param
from bokeh.models import ColumnDataSource
from bokeh.plotting import figure as Figure

import lazyrich as lr

from ..cache import SharedStream
from ..live import Live
from ..marks import Axis, Columns, Part, column_names, draw
from ..mode_probe import ModeProbe
from ..numerals import numeral, plus_minus
from ..pinned import pinned_columns, widened
from ..results import Refusal, Snapshot
from ..texts import why
from ..theme import LIGHT, Tokens
from ..widgets import text
from .tools import Tools

Range = tuple[float, float]
_WRAP = {"flex-wrap": "wrap", "justify-content": "flex-end", "row-gap": "6px"}


class AbstractView(pn.viewable.Viewer):
    """What stands on a page: it is updated with snapshots, and says what it needs besides theory and networks."""

    wish = param.Dict(default={}, doc="Controls that a click on the plot asks to change: values by name.")
    # Params of the view's own; a change of one starts `predict` and `measure` anew.
    options: ClassVar[tuple[str, ...]] = ()
    # Of log_x and log_y, the axes whose scale can be changed.
    scales: ClassVar[tuple[str, ...]] = ()
    needs_training: ClassVar[bool] = True
    # Whether it needs more height than others where views stand below one another.
    is_tall: ClassVar[bool] = False

    @classmethod
    def slug(cls) -> str:
        """Return the view's name in links and among the texts: `KernelMatrixView` is kernel_matrix."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__.removesuffix("View")).lower()

    @classmethod
    def why(cls) -> str:
        """Return the text that explains the view, or the view that it is a kind of; empty if there is none."""
        texts = (why(kind.slug()) for kind in cls.__mro__ if issubclass(kind, AbstractView))
        return next(filter(None, texts), "")

    @classmethod
    def linked(cls) -> tuple[str, ...]:
        """Return the Params that a link holds."""
        return (*cls.options, *cls.scales)

    def predict(self, experiment: lr.Experiment) -> Any:
        """Return what the view draws of closed forms beyond the `Theory`; called off the event loop.

        Raises:
            ValueError: there is nothing to show; the sentence takes the plot's place.
        """

    def measure(self, experiment: lr.Experiment) -> SharedStream | None:
        """Return what the view measures beyond the training of networks, lazily: items are made off the event loop."""

    def update(self, snapshot: Snapshot) -> None:
        """Show a snapshot."""
        raise NotImplementedError

    def recolour(self, tokens: Tokens) -> None:
        """Draw in the colours of the page's theme."""
        raise NotImplementedError

    @property
    def shown(self) -> "View | None":
        """The live plot on screen; None where there is none."""


def predicted(view: AbstractView, experiment: lr.Experiment) -> Any:
    """Return what a view predicts, or why it cannot."""
    try:
        return view.predict(experiment)
    except ValueError as error:
        return Refusal(str(error))


class View(AbstractView):
    """A live plot with its question and its tools above and its summary below."""

    log_x = param.Boolean(default=True, doc="Whether the horizontal axis is logarithmic, where that can be chosen.")
    log_y = param.Boolean(default=True, doc="Whether the vertical axis is logarithmic, where that can be chosen.")
    title: ClassVar[str]
    question: ClassVar[str]
    # What the mouse does in the plot, said where there is a mouse to do it: not in files.
    hint: ClassVar[str] = ""
    parts: ClassVar[tuple[Part, ...]]
    # Labels of the lines and points that a pin keeps.
    pinnable: ClassVar[tuple[str, ...]] = ()
    # The most columns of the legend; 0 for as many as there is room for.
    legend_columns: ClassVar[int] = 0
    x: ClassVar[Axis]
    y: ClassVar[Axis]

    def __init__(self, chooser: tuple[pn.viewable.Viewable, ...] = (), **params):
        """Render the plot, empty; in its heading stands what chooses it where it is one of several."""
        super().__init__(**params)
        self._lives: dict[tuple[Axis, Axis], Live] = {}
        self._tokens = LIGHT
        self.snapshot: Snapshot | None = None
        self.live = self._live()
        self.summary_pane = text("", "lr-summary", margin=(0, 8, 4, 8))
        self.refusal = text("", "lr-refusal", margin=(24, 24))
        self._plot = self._contents()
        self._place = pn.Column(*self._plot, sizing_mode="stretch_both", margin=0)
        heading = text(f"<h2>{self.title}<span>{self.question}</span></h2>", "lr-heading", margin=(4, 8, 0, 8))
        self.tools = Tools(self)
        if self.scales:
            self.param.watch(lambda *_: self._rescale(), list(self.scales))
        self._layout = pn.Column(
            pn.Row(
                heading, *chooser, *self._widgets(), self.tools, sizing_mode="stretch_width", margin=0, styles=_WRAP
            ),
            self._place,
            self.summary_pane,
            sizing_mode="stretch_both",
            css_classes=["lr-view"],
            margin=4,
        )

    def axes(self) -> tuple[Axis, Axis]:
        """Return both axes with the scales chosen."""
        x = dataclasses.replace(self.x, log=self.log_x) if "log_x" in self.scales else self.x
        y = dataclasses.replace(self.y, log=self.log_y) if "log_y" in self.scales else self.y
        return x, y

    def figures(self) -> list[str]:
        """Return the ids of the figures that make the picture: the plot, and what is drawn beside it."""
        return [self.live.figure.id]

    def copies(self) -> list[Figure]:
        """Return the figures that make the picture, as they are drawn, for another document."""
        return [self.live.copy(self._tokens)]

    def toggles(self) -> dict[str, tuple[str, str]]:
        """Return the Params that a click turns over: what each says now, and what the click would do."""
        words = {True: ("log", "make {} axis linear"), False: ("lin", "make {} axis logarithmic")}
        chosen = {name: (name.removeprefix("log_"), *words[getattr(self, name)]) for name in self.scales}
        return {name: (f"{axis}: {scale}", wish.format(axis)) for name, (axis, scale, wish) in chosen.items()}

    def _live(self) -> Live:
        """Return the plot on these axes, made at its first use, as scales cannot change in one; all share data."""
        axes = self.axes()
        if axes not in self._lives:
            first = next(iter(self._lives.values()), None)
            live = self._lives[axes] = Live(self.parts, *axes, self.pinnable, first, self.legend_columns)
            live.figure.name = self.title
            live.recolour(self._tokens)
        return self._lives[axes]

    def _rescale(self) -> None:
        """Draw on the axes now chosen."""
        with pn.io.hold():
            self.live = self._live()
            self.tools.figures = self.figures()
            self._plot = self._contents()
            if self.snapshot is not None:
                self._draw(self.snapshot)
                self._put(self._plot)

    def _contents(self) -> list[pn.viewable.Viewable]:
        """Return what stands where the plot is."""
        return [self._body()]

    def _body(self) -> pn.viewable.Viewable:
        return self.live.pane

    def _widgets(self) -> list[pn.viewable.Viewable]:
        """Return the widgets of the view's own options."""
        return []

    def columns(self, snapshot: Snapshot) -> Columns:
        """Return the columns of every part."""
        raise NotImplementedError

    def beside(self, snapshot: Snapshot) -> Columns:
        """Return the columns of what is drawn beside the plot."""
        return {}

    def of_mode(self, snapshot: Snapshot) -> Columns:
        """Return those of the columns that mark the snapshot's mode; they are the same at all times."""
        return {}

    def clock(self, snapshot: Snapshot) -> Hashable:
        """Return what the columns know of the time: they are the same at times with the same clock."""
        return snapshot.time

    def ranges(self, snapshot: Snapshot, columns: Columns) -> tuple[Range, Range]:
        """Return the ranges of the two axes, which hold what is shown at all times."""
        raise NotImplementedError

    def summary(self, snapshot: Snapshot) -> str:
        """Return the sentence that says in words what the plot shows."""
        raise NotImplementedError

    def plot(self, snapshot: Snapshot) -> hv.Overlay:
        """Return the snapshot as a HoloViews overlay that stands alone."""
        columns = self.columns(snapshot)
        x, y = self.ranges(snapshot, columns)
        return cast(hv.Overlay, draw(self.parts, *self.axes(), columns).opts(hv.opts.Overlay(xlim=x, ylim=y)))

    def source(self, label: str) -> ColumnDataSource:
        """Return the data source of a part, or of what is drawn beside the plot."""
        return self.live.source(label)

    @property
    def shown(self) -> "View":
        """The plot itself."""
        return self

    @property
    def probe(self) -> ModeProbe | None:
        """What chooses a mode, of the view that does."""

    def update(self, snapshot: Snapshot) -> None:
        """Show a snapshot, or the sentence that says why there is nothing to show."""
        if isinstance(snapshot.predicted, Refusal):
            self.refusal.object, self.summary_pane.object = html.escape(snapshot.predicted.sentence), ""
            self.snapshot = None
            self._put([self.refusal])
        else:
            self.snapshot = snapshot
            self._draw(snapshot)
            self.summary_pane.object = html.escape(f"{self.summary(snapshot)} {self.hint}".strip())
            self._put(self._plot)
        self.tools.refresh()

    def _draw(self, snapshot: Snapshot) -> None:
        columns = self.columns(snapshot)
        pinned = pinned_columns(self.parts, self.pinnable, snapshot.pinned)
        self.live.patch({**columns, **pinned})
        x, y = self.axes()
        x_range, y_range = self.ranges(snapshot, columns)
        self.live.frame(widened(x_range, pinned, "x", x.log), widened(y_range, pinned, "y", y.log))

    def _put(self, shown: list[pn.viewable.Viewable]) -> None:
        if self._place[0] is not shown[0]:
            self._place[:] = shown

    @property
    def tokens(self) -> Tokens:
        """The colours drawn in."""
        return self._tokens

    def recolour(self, tokens: Tokens) -> None:
        """Draw in the colours of the page's theme."""
        self._tokens = tokens
        for live in self._lives.values():
            live.recolour(tokens)

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the layout."""
        return self._layout


def nothing(kind: str = "points") -> dict[str, np.ndarray]:
    """Return the columns of a part of this kind that has nothing to show."""
    return {name: np.array([]) for name in column_names(kind)}


def error_bars(x: np.ndarray, mean: np.ndarray, error: np.ndarray, least: Any) -> dict[str, np.ndarray]:
    """Return segments of one standard error to each side, which end at `least`."""
    return dict(zip(column_names("segments"), (x, np.maximum(mean - error, least), x, mean + error), strict=True))


def mean_with_error(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean over the first axis and its standard error; 0 for a single value."""
    mean = values.mean(axis=0)
    return mean, values.std(axis=0, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.zeros_like(mean)


def rule(time: float, y: Range) -> dict[str, np.ndarray]:
    """Return a vertical line at a time, over the range of the other axis."""
    return {"x": np.array([time, time]), "y": np.array(y)}


def mean_and_error(values: np.ndarray) -> str:
    """Return 'mean ± standard error' over seeds, or the single value."""
    mean, error = mean_with_error(np.asarray(values))
    return numeral(mean) if len(values) < 2 else plus_minus(mean, error)
