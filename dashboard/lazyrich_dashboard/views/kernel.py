"""Kernel: what does the kernel say is alike, and does a finite network's kernel say the same?

The heat map shows the kernel of the first training points, ordered so that its structure can be seen; the curve shows
the same kernel as a function of the angle between two points, which is all it depends on where |x|^2 = D.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import panel as pn
import param

import lazyrich as lr

from .. import widgets
from ..cache import RESULTS
from ..live import padded
from ..marks import Axis, Columns, Part
from ..numerals import numeral
from ..results import Frame, Snapshot, theory_key
from .base import Range, View, mean_and_error, nothing
from .function import coordinate

# As many points as networks record the kernel of, and entries as can be told apart.
_POINTS = 128
_ENTRIES = 400
_ANGLES = 181
# Single precision, in which plots are sent, ends at 3e38.
_LARGEST = 1e30


@dataclass(frozen=True, eq=False)
class Kernels:
    """Both kernels of the first training points, (p, p), and as curves over the angle in degrees, (m,).

    `order` (p,) sorts the points by class, or where there is none by coordinate or target; `classes` (p,) are their
    classes in that order, None where there are none. `cosines` (p, p) are those of the points' angles, None where they
    differ in norm.
    """

    ntk: np.ndarray
    nngp: np.ndarray
    order: np.ndarray
    classes: np.ndarray | None
    cosines: np.ndarray | None
    angles: np.ndarray
    ntk_curve: np.ndarray
    nngp_curve: np.ndarray

    @property
    def nbytes(self) -> int:
        """Size, for the cache."""
        return 3 * self.ntk.nbytes


def kernels(experiment: lr.Experiment) -> Kernels:
    """Return the kernels that both views of this file draw, from the cache if any session has asked for them."""
    return RESULTS.get(("kernels", theory_key(experiment)), lambda: _compute(experiment))


def _compute(experiment: lr.Experiment) -> Kernels:
    net, data = experiment.network, experiment.load_data()
    x, y = data.x_train[:_POINTS], data.y_train[:_POINTS]
    classes = y.argmax(axis=1) if data.out_dim > 1 else y[:, 0] > 0 if set(y[:, 0]) == {-1.0, 1.0} else None
    if classes is not None:
        key: Iterable[float] = classes
    else:
        key = coordinate(x) if data.in_dim == 1 or data.name == "circle" else y[:, 0]
    order = np.argsort(np.asarray(key), kind="stable")
    norms = (x**2).sum(axis=1)
    on_sphere = data.in_dim > 1 and np.allclose(norms, data.in_dim, rtol=1e-9)
    cosines = np.clip(x @ x.T / data.in_dim, -1.0, 1.0) if on_sphere else None
    angles = np.linspace(0, np.pi, _ANGLES)
    # Points of the data's own dimension, which the standard parametrization's kernel depends on.
    circle = np.zeros((_ANGLES, max(data.in_dim, 2)))
    circle[:, 0], circle[:, 1] = np.cos(angles), np.sin(angles)
    circle *= np.sqrt(circle.shape[1])
    own, curve = lr.nngp_and_ntk(net, x), lr.nngp_and_ntk(net, circle[:1], circle)
    largest = max(np.abs(kernel).max() for kernel in (*own, *curve))
    if largest > _LARGEST:
        raise ValueError(
            f"A kernel must be below {numeral(_LARGEST)} to be drawn; got {numeral(largest)}. "
            "Lower the variances or the depth."
        )
    return Kernels(
        own.ntk, own.nngp, order, None if classes is None else classes[order], cosines,
        np.degrees(angles), curve.ntk[0], curve.nngp[0],
    )  # fmt: skip


class KernelMatrixView(View):
    """The Gram matrix of the first training points as a heat map: infinite width, or the finite networks at time t."""

    title = "Kernel"
    question = "Which points are alike?"
    x = Axis("training point")
    y = Axis("training point", downwards=True)
    parts = (
        Part("matrix", "image", "theory"),
        Part("classes", "segments", "guide", legend=False),
    )
    options = ("kernel",)
    kernel = param.Selector(
        default="NTK Θ",
        objects=["NTK Θ", "NNGP K", "networks, t = 0", "networks, now"],
        doc="Which kernel the heat map shows.",
        label="Shown",
    )

    def _widgets(self) -> list[pn.viewable.Viewable]:
        return [widgets.small_select(self.param.kernel)]

    def predict(self, experiment: lr.Experiment) -> Kernels:
        """Return the kernels of the first training points."""
        return kernels(experiment)

    def _frame(self, snapshot: Snapshot) -> Frame | None:
        if self.kernel == "networks, now":
            return snapshot.frame
        frame = snapshot.frames[0] if snapshot.frames else None
        return frame if frame is not None and self.kernel == "networks, t = 0" and frame.is_finite else None

    def _matrix(self, snapshot: Snapshot) -> np.ndarray | None:
        """Return the matrix that is shown, in its order; None while the networks have none."""
        known: Kernels = snapshot.predicted
        matrix = {"NTK Θ": known.ntk, "NNGP K": known.nngp}.get(self.kernel)
        if matrix is None:
            frame = self._frame(snapshot)
            if frame is None or len(frame.ntk[0]) != len(known.order):
                return None
            matrix = frame.mean_ntk
        return matrix[np.ix_(known.order, known.order)]

    def columns(self, snapshot: Snapshot) -> Columns:
        """Return the matrix as an image, and lines between classes."""
        matrix = self._matrix(snapshot)
        size = float(len(snapshot.predicted.order))
        place = {"x": np.zeros(1), "y": np.zeros(1), "dw": np.full(1, size), "dh": np.full(1, size)}
        none = {"image": [], **{name: np.array([]) for name in place}}
        image = none if matrix is None else {"image": [matrix], **place}
        return {"matrix": image, "classes": self._borders(snapshot.predicted.classes, size)}

    @staticmethod
    def _borders(classes: np.ndarray | None, size: float) -> dict[str, np.ndarray]:
        at = np.flatnonzero(np.diff(classes)) + 1.0 if classes is not None else np.array([])
        zero, end = np.zeros_like(at), np.full_like(at, size)
        up, across = (at, zero, at, end), (zero, at, end, at)
        names = ("x0", "y0", "x1", "y1")
        return {name: np.concatenate(pair) for name, pair in zip(names, zip(up, across, strict=True), strict=True)}

    def clock(self, snapshot: Snapshot) -> Frame | None:
        """Return the checkpoint that is shown, if any."""
        return self._frame(snapshot)

    def ranges(self, snapshot: Snapshot, columns: Columns) -> tuple[Range, Range]:
        """Return all points, on both axes."""
        size = float(len(snapshot.predicted.order))
        return (0.0, size), (0.0, size)

    def _colours(self, snapshot: Snapshot) -> tuple[float, float]:
        """Return the ends of the colours: all entries of two different points, so that the diagonal hides none."""
        known: Kernels = snapshot.predicted
        matrices = [known.nngp if self.kernel == "NNGP K" else known.ntk]
        if self.kernel.startswith("networks"):  # the same colours before, after, and at infinite width
            matrices += [frame.mean_ntk for frame in snapshot.frames if frame.is_finite]
        values = [m[~np.eye(len(m), dtype=bool)] if len(m) > 1 else m for m in matrices]
        return padded(values, log=False, pad=0.0)

    def update(self, snapshot: Snapshot) -> None:
        """Show a snapshot; say on the axes how its points are ordered."""
        if isinstance(snapshot.predicted, Kernels):
            self.live.colours("matrix", self._colours(snapshot), "K" if self.kernel == "NNGP K" else "Θ")
            self.live.label_axes(f"training point, {self._order(snapshot)}")
        super().update(snapshot)

    @staticmethod
    def _order(snapshot: Snapshot) -> str:
        if snapshot.predicted.classes is not None:
            return "by class"
        data = snapshot.theory.data
        return "by angle" if data.name == "circle" else "by x" if data.in_dim == 1 else "by target"

    def summary(self, snapshot: Snapshot) -> str:
        """Compare entries within and between classes, or say how far they reach."""
        known, matrix, n = snapshot.predicted, self._matrix(snapshot), snapshot.theory.n
        count = len(known.order)
        which = f"{'the first ' if n > count else ''}{count} training point{'s' * (count > 1)}"
        if matrix is None:
            return f"The finite networks have not come this far yet; the kernel of {which} will stand here."
        diagonal = (
            f"The kernel of {which}, {self.kernel}, has a mean of {numeral(matrix.diagonal().mean())} on its diagonal"
        )
        off = ~np.eye(count, dtype=bool)
        same = off & (known.classes[:, None] == known.classes) if known.classes is not None else ~off & False
        if same.any() and (off & ~same).any():
            within, between = matrix[same].mean(), matrix[off & ~same].mean()
            return f"{diagonal}, {numeral(within)} on average within a class and {numeral(between)} between classes."
        if off.any():
            least, most = matrix[off].min(), matrix[off].max()
            return f"{diagonal}, and entries from {numeral(least)} to {numeral(most)} beside it (the colours)."
        return f"{diagonal}; one point has no others beside it."


def _entries(known: Kernels) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and columns of the entries that are drawn: the same for all networks and times."""
    rows, columns = np.triu_indices(len(known.order), k=1)
    chosen = np.random.default_rng(0).permutation(len(rows))[:_ENTRIES]
    own = np.arange(min(len(known.order), _ENTRIES // 20))
    return np.concatenate([own, rows[chosen]]), np.concatenate([own, columns[chosen]])


class AngleView(View):
    """The kernel as a function of the angle: the infinite-width curve, and entries of the networks' mean kernel."""

    title = "Angular curve"
    question = "Do finite networks stay on the curve?"
    x = Axis("angle between two points  (degrees)")
    y = Axis("kernel entry Θ(x, x')")
    parts = (
        Part("theory K (NNGP)", "dashes", "guide"),
        Part("nets, t = 0", "points", "initial"),
        Part("nets, now", "rings", "trained"),
        Part("theory Θ", "line", "theory"),
    )
    pinnable = ("theory Θ",)

    def predict(self, experiment: lr.Experiment) -> Kernels:
        """Return the kernels and their curves."""
        known = kernels(experiment)
        if known.cosines is None:
            raise ValueError(
                "A kernel is a function of the angle alone where all points have one norm; those of "
                f"{experiment.data.name} differ in it. Choose circle, sphere or digits, or look at the heat map."
            )
        return known

    @staticmethod
    def _of_networks(snapshot: Snapshot) -> dict[str, Frame | None]:
        first = snapshot.frames[0] if snapshot.frames else None
        return {"nets, t = 0": first, "nets, now": snapshot.frame}

    def columns(self, snapshot: Snapshot) -> Columns:
        """Return both curves, and entries of the mean kernel of the networks at the start and at time t."""
        known: Kernels = snapshot.predicted
        result: dict[str, Any] = {
            "theory Θ": {"x": known.angles, "y": known.ntk_curve},
            "theory K (NNGP)": {"x": known.angles, "y": known.nngp_curve},
        }
        rows, columns = _entries(known)
        for label, frame in self._of_networks(snapshot).items():
            result[label] = nothing()
            if frame is not None and known.cosines is not None and np.isfinite(frame.ntk).all():
                angles = np.degrees(np.arccos(known.cosines[rows, columns]))
                angles[rows == columns] = 0.0
                result[label] = {"x": angles, "y": frame.mean_ntk[rows, columns]}
        return result

    def clock(self, snapshot: Snapshot) -> Frame | None:
        """Return the checkpoint: only the networks' entries change with time."""
        return snapshot.frame

    def ranges(self, snapshot: Snapshot, columns: Columns) -> tuple[Range, Range]:
        """Return all angles, and the kernels; networks far off do not squeeze the curves."""
        top = np.abs(columns["theory Θ"]["y"]).max()
        entries = _entries(snapshot.predicted)
        networks = [frame.mean_ntk[entries] for frame in snapshot.frames if frame.is_finite]
        curves = [columns[label]["y"] for label in ("theory Θ", "theory K (NNGP)")]
        return (-4.0, 184.0), padded([*curves, *(np.clip(y, -3 * top, 3 * top) for y in networks)], log=False)

    def summary(self, snapshot: Snapshot) -> str:
        """Say how far the networks' entries are from the curve, before and after."""
        known: Kernels = snapshot.predicted
        words = f"Θ falls from {numeral(known.ntk_curve[0])} at 0° to {numeral(known.ntk_curve[-1])} at 180°"
        if known.ntk_curve[-1] >= known.ntk_curve[0]:
            words = f"Θ is {numeral(known.ntk_curve[0])} at 0° and {numeral(known.ntk_curve[-1])} at 180°"
        rows, columns = _entries(known)
        parts = []
        for label, frame in self._of_networks(snapshot).items():
            if frame is not None and np.isfinite(frame.ntk).all():
                off = frame.ntk[:, rows, columns] - known.ntk[rows, columns]
                rms = 100 * np.sqrt((off.astype(np.float64) ** 2).mean(axis=1)) / known.ntk_curve[0]
                when = "at the start" if label.endswith("0") else f"at t = {numeral(frame.time)}"
                parts.append(f"{mean_and_error(rms)} % {when}")
        if not parts:
            return f"{words}; the finite networks have not come this far yet."
        return (
            f"{words}; entries of one network are off it by {' and '.join(parts)} of Θ(0°) (rms, mean over networks)."
        )
