"""Function space: what has been learned by time t?

Data with one coordinate show the functions themselves. Other data show how much of each kernel mode has been learned
and how much of the target it carries; for images, also what the most and the least learned modes look like.
"""

import numpy as np
import panel as pn
from bokeh.models import ColumnDataSource

from ..images import MODES, ModeImages, are_images, learned_words, mode_images
from ..live import band, padded
from ..marks import Axis, Columns, Part
from ..results import Snapshot
from ..theme import LIGHT, Tokens
from .base import AbstractView, Range, View, nothing

_WORDS = "learned, in words"


def coordinate(x: np.ndarray) -> np.ndarray:
    """Return the coordinate of one-dimensional data: itself, or the angle of points on the circle."""
    return x[:, 0] if x.shape[1] == 1 else np.arctan2(x[:, 1], x[:, 0])


class FunctionView(View):
    """Functions of one coordinate at time t: target, training points, theory, finite networks."""

    title = "Function"
    question = "What has been learned by time t?"
    x = Axis("x  (on the circle: angle, radians)")
    y = Axis("f(x)")
    parts = (
        Part("spread", "band", "trained", legend=False),
        Part("target", "dashes", "target"),
        Part("theory", "line", "theory"),
        Part("nets", "points", "trained"),
        Part("training points", "rings", "train"),
    )

    def columns(self, snapshot: Snapshot) -> Columns:
        """Return each function on the sorted test points."""
        data, frame = snapshot.theory.data, snapshot.frame
        x = coordinate(data.x_test)
        order = np.argsort(x)
        x = x[order]
        mean, spread = nothing(), nothing()
        if frame is not None:
            f = frame.f_test[:, order, 0]
            mean, spread = (
                {"x": x[::4], "y": f.mean(axis=0)[::4]},
                band(x, f.min(axis=0), f.max(axis=0)),
            )
        return {
            "target": {"x": x, "y": data.y_test[order, 0]},
            "theory": {"x": x, "y": snapshot.theory.flow.test(snapshot.time)[order, 0]},
            "training points": {"x": coordinate(data.x_train), "y": data.y_train[:, 0]},
            "nets": mean,
            "spread": spread,
        }

    def ranges(self, snapshot: Snapshot, columns: Columns) -> tuple[Range, Range]:
        """Return the range of the data, whatever the networks do."""
        shown = [columns[label] for label in ("target", "training points")]
        return padded([part["x"] for part in shown], log=False, pad=0.02), padded(
            [p["y"] for p in shown], log=False, pad=0.15
        )

    def summary(self, snapshot: Snapshot) -> str:
        """Say how far theory is from the target, and the networks from theory."""
        data, t, frame = snapshot.theory.data, snapshot.time, snapshot.frame
        f = snapshot.theory.flow.test(t)
        words = f"At t = {t:.3g} theory is {np.sqrt(np.mean((f - data.y_test) ** 2)):.2g} (rms) from the target"
        if data.in_dim == 1 and snapshot.theory.network.bias_var == 0:
            words += " (without bias, f can only bend at x = 0: raise σ²b)"
        if frame is None:
            return words + "."
        gap = np.sqrt(np.mean((frame.f_test.mean(axis=0) - snapshot.theory.flow.test(frame.time)) ** 2))
        return f"{words}; the networks' mean at t = {frame.time:.3g} is {gap:.2g} from theory."


class ModesView(View):
    """How much of each mode has been learned at time t, and how much of the target the first i modes carry."""

    title = "Function"
    question = "Which modes have been learned by time t?"
    x = Axis("mode i, by falling eigenvalue", log=True)
    y = Axis("fraction")
    parts = (
        Part("learned", "line", "theory"),
        Part("target in 1…i", "dashes", "target"),
    )

    def __init__(self, **params):
        """Render the plot and the mode images, empty."""
        self.images = ModeImages()
        super().__init__(**params)

    def _body(self) -> pn.viewable.Viewable:
        return pn.Row(self.live.pane, self.images.pane, sizing_mode="stretch_both", margin=0)

    def columns(self, snapshot: Snapshot) -> Columns:
        """Return 1 - exp(-lambda_i t / n), and the cumulative share of the target's power."""
        theory = snapshot.theory
        ranks = np.arange(1.0, theory.n + 1)
        power = (theory.flow.coefficients**2).sum(axis=1)
        return {
            "learned": {"x": ranks, "y": 1 - theory.flow.decay(snapshot.time)},
            "target in 1…i": {"x": ranks, "y": np.cumsum(power) / (power.sum() or 1.0)},
        }

    def ranges(self, snapshot: Snapshot, columns: Columns) -> tuple[Range, Range]:
        """Return all modes, and fractions from 0 to 1."""
        return padded([np.array([1.0, snapshot.theory.n])], log=True), (-0.03, 1.05)

    def summary(self, snapshot: Snapshot) -> str:
        """Say how many modes are learned and what share of the target that is."""
        columns = self.columns(snapshot)
        learned = columns["learned"]["y"]
        power = np.diff(columns["target in 1…i"]["y"], prepend=0.0)
        half = int((learned > 0.5).sum())
        words = (
            f"At t = {snapshot.time:.3g} {half} of {len(learned)} modes are more than half learned; "
            f"{100 * (learned * power).sum():.0f} % of the target's amplitude has been learned."
        )
        return words + (f" Images: the {MODES} most and least learned modes." if self.images.pane.visible else "")

    def beside(self, snapshot: Snapshot) -> Columns:
        """Return how much of each pictured mode has been learned, in words."""
        if not are_images(snapshot.theory):
            return {}
        return {_WORDS: learned_words(snapshot.theory, snapshot.time)}

    def source(self, label: str) -> ColumnDataSource:
        """Return the data source of a part, or of the words under the pictures."""
        return self.images.words if label == _WORDS else super().source(label)

    def update(self, snapshot: Snapshot) -> None:
        """Show a snapshot."""
        theory = snapshot.theory
        if are_images(theory):
            self.images.show(mode_images(theory), learned_words(theory, snapshot.time))
        self.images.pane.visible = are_images(theory)
        super().update(snapshot)


class FunctionSpaceView(AbstractView):
    """Functions where the data have one coordinate, modes where they have more; each is rendered at its first use."""

    def __init__(self, **params):
        """Start with nothing to show."""
        super().__init__(**params)
        self._views: dict[type[View], View] = {}
        self._shown: View | None = None
        self._tokens = LIGHT
        self._layout = pn.Column(sizing_mode="stretch_both", margin=0)

    def update(self, snapshot: Snapshot) -> None:
        """Show a snapshot in the plot that fits its data."""
        data = snapshot.theory.data
        kind = FunctionView if data.in_dim == 1 or data.name == "circle" else ModesView
        if kind not in self._views:
            self._views[kind] = kind()
            self._views[kind].recolour(self._tokens)
        shown = self._views[kind]
        shown.update(snapshot)
        if shown is not self._shown:
            self._shown = shown
            self._layout[:] = [shown]

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
