"""Function space: what has been learned by time t?

Data with one or two coordinates show the functions themselves. Other data show how much of each kernel mode has been
learned and how much of the target it carries; for images, also what the most and the least learned modes look like.
"""

from collections.abc import Mapping

import numpy as np
import panel as pn
import param
from bokeh.models import ColumnDataSource
from bokeh.plotting import figure as Figure

import lazyrich as lr

from ..copies import copied
from ..images import MODES, ModeImages, are_images, learned_words, mode_images
from ..live import band, padded
from ..marks import Axis, Columns, Part
from ..mode_values import ModeValues, mode_values
from ..numerals import numeral
from ..results import Snapshot, is_planar, theory
from ..theme import LIGHT, Tokens
from . import parting
from .base import AbstractView, Range, View, nothing, rule
from .function import FunctionView
from .function_on_plane import FunctionOnPlaneView, OnPlane, on_plane
from .learned_modes import LearnedModes
from .own_points import OwnPointsView

# Networks on their way out of a catapult are elsewhere for a moment, beside which nothing else could be seen.
_FARTHEST = (-1.0, 2.0)
_WORDS, _VALUES = "learned, in words", "mode at the training points"


class ModesView(View):
    """How much of each mode theory and networks have learned by time t, and of the target the first i modes carry."""

    title = "Function"
    question = "Which modes have been learned by time t?"
    x = Axis("mode i, by falling eigenvalue", log=True)
    y = Axis("fraction")
    parts = (
        Part("spread", "band", "trained", legend=False),
        Part("theory", "line", "theory"),
        Part("nets", "points", "trained"),
        parting.RINGS,
        Part("target in 1…i", "dashes", "target"),
        Part("mode", "rule", "mode", legend=False),
    )

    def __init__(self, **params):
        """Render the plot and the mode images, empty."""
        self.images, self.values = ModeImages(), ModeValues()
        super().__init__(**params)

    def _body(self) -> pn.viewable.Viewable:
        beside = (self.images.pane, self.values.pane)
        return pn.Row(self.live.pane, *beside, sizing_mode="stretch_both", margin=0, styles={"position": "relative"})

    def figures(self) -> list[str]:
        """Return the plot's, and those of the pictures beside it."""
        return [*super().figures(), self.images.figure.id, self.values.figure.id]

    def copies(self) -> list[Figure]:
        """Return the plot, and those of the pictures beside it that are shown."""
        beside = ((self.images.figure, self.images.pane.visible), (self.values.figure, self.values.is_shown))
        return [*super().copies(), *(copied(figure, self._tokens) for figure, is_shown in beside if is_shown)]

    def columns(self, snapshot: Snapshot) -> Columns:
        """Return 1 - exp(-lambda_i t / n), what networks have learned, and the cumulative share of target power."""
        theory = snapshot.theory
        ranks = np.arange(1.0, theory.n + 1)
        power = (theory.flow.coefficients**2).sum(axis=1)
        return {
            "theory": {"x": ranks, "y": 1 - theory.flow.decay(snapshot.time)},
            "target in 1…i": {"x": ranks, "y": np.cumsum(power) / (power.sum() or 1.0)},
            "mode": self._rule(snapshot),
            **self._of_networks(snapshot),
        }

    @staticmethod
    def _of_networks(snapshot: Snapshot) -> Columns:
        if snapshot.frame is None:
            return {label: nothing() for label in ("nets", "spread", parting.RINGS.label)}
        groups, values, expected = _compared(snapshot)
        return {
            "nets": {"x": groups.ranks, "y": values.mean(axis=0)},
            "spread": band(groups.ranks, values.min(axis=0), values.max(axis=0)),
            parting.RINGS.label: parting.rings(groups.ranks, values, expected),
        }

    @staticmethod
    def _rule(snapshot: Snapshot) -> Mapping[str, np.ndarray]:
        number = snapshot.mode
        return rule(number, (0.0, 1.0)) if 1 <= number <= snapshot.theory.modes.count else nothing()

    def of_mode(self, snapshot: Snapshot) -> Columns:
        """Return the mode's place, and its values at the training points."""
        return {"mode": self._rule(snapshot), _VALUES: mode_values(snapshot)}

    def ranges(self, snapshot: Snapshot, columns: Columns) -> tuple[Range, Range]:
        """Return all modes, and fractions from 0 to 1, or as far as networks go at any time within `_FARTHEST`."""
        low, high = 0.0, 1.0
        if snapshot.trained:
            shares = LearnedModes(snapshot.theory).measured(snapshot.trained)
            # Of a target of zeros there are none.
            low, high = np.clip([shares.min(initial=low), shares.max(initial=high)], *_FARTHEST)
        return padded([np.array([1.0, snapshot.theory.n])], log=True), (low - 0.03, high + 0.05)

    def summary(self, snapshot: Snapshot) -> str:
        """Say how many modes are learned and what share of the target that is."""
        columns = self.columns(snapshot)
        learned = columns["theory"]["y"]
        power = np.diff(columns["target in 1…i"]["y"], prepend=0.0)
        half = int((learned > 0.5).sum())
        words = (
            f"At t = {numeral(snapshot.time)}, {half} of {len(learned)} modes are over half learned, "
            f"and {100 * (learned * power).sum():.0f} % of the target."
        )
        if snapshot.frame is not None:
            _, values, expected = _compared(snapshot)
            words += parting.in_words(values, expected)
        return words + (f" Images: the first and last {MODES} modes." if self.images.pane.visible else "")

    def beside(self, snapshot: Snapshot) -> Columns:
        """Return how much of each pictured mode has been learned, in words."""
        if not are_images(snapshot.theory):
            return {}
        return {_WORDS: learned_words(snapshot.theory, snapshot.time)}

    def source(self, label: str) -> ColumnDataSource:
        """Return the data source of a part, or of the words under the pictures."""
        beside = {_WORDS: self.images.words, _VALUES: self.values.points}
        return beside.get(label) or super().source(label)

    def update(self, snapshot: Snapshot) -> None:
        """Show a snapshot."""
        theory = snapshot.theory
        if are_images(theory):
            self.images.show(mode_images(theory), learned_words(theory, snapshot.time))
        self.images.pane.visible = are_images(theory)
        self.values.show(snapshot)
        super().update(snapshot)

    def recolour(self, tokens: Tokens) -> None:
        """Draw in the colours of the page's theme."""
        self.images.resize(tokens)
        self.values.recolour(tokens)
        super().recolour(tokens)


def _compared(snapshot: Snapshot) -> tuple[LearnedModes, np.ndarray, np.ndarray]:
    """Return the groups of modes, what networks have learned of each (seeds, G), and theory at their time (G,)."""
    groups, frame = LearnedModes(snapshot.theory), snapshot.frame
    assert frame is not None
    return groups, groups.measured([frame])[0], groups.expected(frame.time)


class FunctionSpaceView(AbstractView):
    """Functions where data have one coordinate or two, modes where they have more; each is made at its first use."""

    options = ("colours",)
    colours = param.Selector(
        default="theory",
        objects=FunctionOnPlaneView.param.colours.objects,
        doc="Whose function the colours of a plane show.",
    )

    def __init__(self, **params):
        """Start with nothing to show."""
        super().__init__(**params)
        self._views: dict[type[View], View] = {}
        self._shown: View | None = None
        self._tokens = LIGHT
        self._layout = pn.Column(sizing_mode="stretch_both", margin=0)

    def predict(self, experiment: lr.Experiment) -> OnPlane | None:
        """Return the theory on the plane, where the data have two inputs."""
        return on_plane(experiment) if is_planar(theory(experiment).data) else None

    def update(self, snapshot: Snapshot) -> None:
        """Show a snapshot in the plot that fits its data."""
        kind = _kind(snapshot.theory.data)
        if kind not in self._views:
            self._views[kind] = self._made(kind)
        shown = self._views[kind]
        shown.update(snapshot)
        if shown is not self._shown:
            self._shown = shown
            self._layout[:] = [shown]

    def _made(self, kind: type[View]) -> View:
        view = kind(colours=self.colours) if kind is FunctionOnPlaneView else kind()
        view.recolour(self._tokens)
        view.param.watch(lambda event: self.param.update(wish=event.new), "wish")
        if kind is FunctionOnPlaneView:
            view.param.watch(lambda event: self.param.update(colours=event.new), "colours")
            self.param.watch(lambda event: view.param.update(colours=event.new), "colours")
        return view

    def recolour(self, tokens: Tokens) -> None:
        """Draw in the colours of the page's theme."""
        self._tokens = tokens
        for view in self._views.values():
            view.recolour(tokens)

    @property
    def shown(self) -> View | None:
        """The plot on screen; None before the first update."""
        return self._shown

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the layout."""
        return self._layout


def _kind(data: lr.Dataset) -> type[View]:
    """Return the plot that fits data."""
    if data.name == "points":
        return OwnPointsView
    if is_planar(data):
        return FunctionOnPlaneView
    return FunctionView if data.in_dim == 1 or data.name == "circle" else ModesView
