"""View: one question, one plot, one sentence.

A view says which marks it has (`parts`) and computes their columns, the axis ranges and a one-sentence summary from a
`Snapshot`; all three are pure and can be tested without a browser. Drawing is `marks.draw`, updating is `live.Live`.
What it needs besides theory and trained networks it says by `predict` and `measure`; when they run is not its business.
"""

import html
from collections.abc import Hashable, Iterable
from typing import Any, ClassVar, cast

import holoviews as hv
import numpy as np
import panel as pn
import param
from bokeh.models import ColumnDataSource

import lazyrich as lr

from ..live import Live
from ..marks import Axis, Columns, Part, column_names, draw
from ..results import Refusal, Snapshot
from ..theme import Tokens
from ..widgets import text

Range = tuple[float, float]


class AbstractView(pn.viewable.Viewer):
    """What stands on a page: it is updated with snapshots, and says what it needs besides theory and networks."""

    wish = param.Dict(default={}, doc="Controls that a click on the plot asks to change: values by name.")
    # Params of the view's own; a change of one starts `predict` and `measure` anew.
    options: ClassVar[tuple[str, ...]] = ()
    needs_training: ClassVar[bool] = True

    def predict(self, experiment: lr.Experiment) -> Any:
        """Return what the view draws of closed forms beyond the `Theory`; called off the event loop.

        Raises:
            ValueError: there is nothing to show; the sentence takes the plot's place.
        """

    def measure(self, experiment: lr.Experiment) -> Iterable[Any] | None:
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
    """A live plot with its question above and its summary below."""

    title: ClassVar[str]
    question: ClassVar[str]
    parts: ClassVar[tuple[Part, ...]]
    x: ClassVar[Axis]
    y: ClassVar[Axis]

    def __init__(self, **params):
        """Render the plot, empty."""
        super().__init__(**params)
        self.live = Live(self.parts, self.x, self.y)
        self.live.figure.name = self.title
        self.summary_pane = text("", "lr-summary", margin=(0, 8, 4, 8))
        self.refusal = text("", "lr-refusal", margin=(24, 24))
        self._plot = pn.Column(self._body(), sizing_mode="stretch_both", margin=0)
        self._place = pn.Column(self._plot, sizing_mode="stretch_both", margin=0)
        heading = text(f"<h2>{self.title}<span>{self.question}</span></h2>", "lr-title", margin=(4, 8, 0, 8))
        self._layout = pn.Column(
            pn.Row(heading, *self._widgets(), sizing_mode="stretch_width", margin=0),
            self._place,
            self.summary_pane,
            sizing_mode="stretch_both",
            css_classes=["lr-view"],
            margin=4,
        )

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
        return cast(hv.Overlay, draw(self.parts, self.x, self.y, columns).opts(hv.opts.Overlay(xlim=x, ylim=y)))

    def source(self, label: str) -> ColumnDataSource:
        """Return the data source of a part, or of what is drawn beside the plot."""
        return self.live.source(label)

    @property
    def shown(self) -> "View":
        """The plot itself."""
        return self

    def update(self, snapshot: Snapshot) -> None:
        """Show a snapshot, or the sentence that says why there is nothing to show."""
        if isinstance(snapshot.predicted, Refusal):
            self.refusal.object, self.summary_pane.object = html.escape(snapshot.predicted.sentence), ""
            self._put(self.refusal)
            return
        columns = self.columns(snapshot)
        self.live.patch(columns)
        self.live.frame(*self.ranges(snapshot, columns))
        self.summary_pane.object = html.escape(self.summary(snapshot))
        self._put(self._plot)

    def _put(self, shown: pn.viewable.Viewable) -> None:
        if self._place[0] is not shown:
            self._place[:] = [shown]

    def recolour(self, tokens: Tokens) -> None:
        """Draw in the colours of the page's theme."""
        self.live.recolour(tokens)

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
    return f"{mean:.3g}" if len(values) < 2 else f"{mean:.3g} ± {error:.1g}"
