"""Principles of deep learning theory: deep networks keep their signals where both susceptibilities are one."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import param

import lazyrich as lr
from lazyrich.theory import relu_fourth_moment_ratio

from ...marks import Axis, Columns, Part
from ...numerals import numeral, plus_minus
from ...views import plane
from ...views.base import Range, nothing
from ..base import GalleryPage, Panel, Picture
from ..checks import Check
from ..experiments.deep_learning_theory import COSINE, LARGEST, check, moments, signals

_LAYERS, _MOMENT_LAYERS = 30, 8


@lru_cache
def _point(activation: str) -> lr.CriticalPoint | None:
    try:
        return lr.critical_point(activation)
    except ValueError:
        return None


class DeepLearningTheory(GalleryPage):
    """The plane of variances with the critical point, signals through depth, and the moments of finite networks."""

    title = "Principles of deep learning theory, and self-normalizing networks"
    paper = "Roberts, Yaida & Hanin, Cambridge University Press 2022; Klambauer et al., NeurIPS 2017"
    year = 2021
    url = "https://arxiv.org/abs/2106.10165"
    claim = (
        "Each activation has variances at which a deep network keeps its signals and their differences, if it has any; "
        "SELU keeps the size of its signals but is not critical; and fluctuations grow with depth over width."
    )
    look_for = (
        "* Drag the diamond off the critical point: right of the line inputs part (chaos), left of it they become one "
        "(order).\n"
        "* **selu** without the critical point at (1, 0): the variance stays at 1, yet the correlation falls: its "
        "χ⊥ is 1.07, not 1.\n"
        "* **gelu** and **silu** need a bias; **tanh** loses its variance as 1/2l; **softplus** cannot be critical.\n"
        "* Lower the width: the tails grow heavier with every layer, as (1 + 5/N) to the power of l - 1 for relu."
    )
    topics = ("criticality", "initialization", "depth", "finite width", "SELU")
    panels = (
        Panel(
            "plane",
            "Order and chaos",
            (
                Part("other χ⊥", "segments", "guide", legend=False),
                Part("critical, χ⊥ = 1", "strong segments", "theory"),
                Part("χ⊥", "labels", "theory", legend=False),
                Part("both χ = 1", "rings", "initial"),
                Part("yours (drag)", "diamonds", "test"),
            ),
            Axis("weight variance C_W"),
            Axis("bias variance C_b"),
        ),
        Panel(
            "depth",
            "Signals through depth",
            (
                Part("variance: error", "segments", "train", legend=False),
                Part("correlation: error", "segments", "test", legend=False),
                Part("variance, theory", "line", "train", legend=False),
                Part("correlation, theory", "line", "test", legend=False),
                Part("variance", "points", "train"),
                Part("correlation", "points", "test"),
            ),
            Axis("layer l"),
            Axis("variance K over that of layer 1; correlation"),
        ),
        Panel(
            "moments",
            "Heavy tails of finite networks",
            (
                Part("networks: error", "segments", "trained", legend=False),
                Part("relu: (1 + 5/N)^(l − 1)", "line", "theory"),
                Part("networks", "points", "trained"),
            ),
            Axis("layer l"),
            Axis("E[z⁴] / 3E[z²]²"),
        ),
    )
    draggable = ("plane", "yours (drag)")
    activation = param.Selector(
        default="gelu", objects=["relu", "tanh", "sin", "gelu", "silu", "elu", "selu", "softplus"], label="Activation",
        doc="Activation of the hidden layers.")  # fmt: skip
    critical = param.Boolean(True, label="At the critical point",
                             doc="Take the critical variances, if there are any, in place of those below.")  # fmt: skip
    weight_var = param.Number(1.0, bounds=(0.1, 4), step=0.05, label="Weight variance C_W", doc="Weight variance.")
    bias_var = param.Number(0.0, bounds=(0, 1), step=0.05, label="Bias variance C_b", doc="Bias variance.")
    width = param.Integer(64, bounds=(8, 128), label="Width N", doc="Units in each layer of the finite networks.")
    steps: ClassVar = {"width": [8, 16, 32, 64, 128]}
    experiment = lr.Experiment(network=lr.Network(depth=24, width=128, activation="selu", weight_var=1.0, bias_var=0.0))

    def dragged(self, x: float, y: float) -> dict[str, Any]:
        """Return the controls that put the network at a point of the plane."""
        weight_var, bias_var = np.clip(round(20 * x) / 20, 0.1, 4), np.clip(round(20 * y) / 20, 0, 1)
        return {"weight_var": float(weight_var), "bias_var": float(bias_var), "critical": False}

    @property
    def point(self) -> lr.CriticalPoint | None:
        """The critical point of the activation, if it has one."""
        return _point(str(self.activation))

    @property
    def network(self) -> lr.Network:
        """The network on screen."""
        given = self.point if self.critical and self.point else self
        return lr.Network(1, int(self.width), str(self.activation), given.weight_var, given.bias_var)

    def predict(self) -> Picture:
        """Return the plane, the theory of both signals, and the moments of ReLU networks."""
        net, point = self.network, self.point
        known = plane.plane(net)
        here = {"x": np.array([net.weight_var]), "y": np.array([net.bias_var])}
        critical = {"x": np.array([point.weight_var]), "y": np.array([point.bias_var])} if point else nothing()
        theory = lr.signal_propagation(net, COSINE, layers=_LAYERS)
        q = theory.variance.values
        drawn = q < LARGEST * q[0]
        x = theory.layer.values[drawn] * 1.0
        columns: dict[str, Columns] = {
            "plane": {
                "other χ⊥": known.contours,
                "critical, χ⊥ = 1": known.critical,
                "χ⊥": known.labels,
                "both χ = 1": critical,
                "yours (drag)": here,
            },
            "depth": {
                "variance, theory": {"x": x, "y": q[drawn] / q[0]},
                "correlation, theory": {"x": x, "y": theory.correlation.values[drawn, 0]},
            },
            "moments": {
                "relu: (1 + 5/N)^(l − 1)": {
                    "x": np.arange(1.0, _MOMENT_LAYERS + 1),
                    "y": relu_fourth_moment_ratio(net.width, _MOMENT_LAYERS),
                }
            },
        }
        # A variance that only one side of the fixed point leads to is not found by going through the layers.
        at_rest = point.variance if self.critical and point and point.variance > 0 else None
        chi = lr.criticality(net, variance=at_rest)
        numbers = {"parallel": float(chi.parallel), "perpendicular": float(chi.perpendicular)}
        return Picture(columns, {name: value for name, value in numbers.items() if np.isfinite(value)})

    @property
    def _is_critical(self) -> bool:
        return bool(self.critical and self.point)

    def measure(self) -> Iterator[Picture]:
        """Yield random networks one at a time, then the moments of ever more of them."""
        for columns in signals(self.network, _LAYERS):
            yield Picture({"depth": columns})
        for columns, numbers in moments(self.network, _MOMENT_LAYERS):
            yield Picture({"moments": columns}, numbers)

    def ranges(self, panel: Panel, columns: Any) -> tuple[Range, Range]:
        """Return all of the plane, and of the depth what is within a factor of 2 or so of the start."""
        if panel.name == "plane":
            return (0.0, 4.15), (-0.05, 1.1)
        x, (low, high) = super().ranges(panel, columns)
        return (x, (max(-0.2, low), min(2.2, max(high, 1.1)))) if panel.name == "depth" else (x, (low, high))

    def summary(self, picture: Picture) -> str:
        """Say where the network stands, what that means for depth, and how heavy its tails are."""
        net, numbers, point = self.network, picture.numbers, self.point
        where = f"{self.activation} at C_W = {numeral(net.weight_var, 4)}, C_b = {numeral(net.bias_var, 4)}"
        if not point:
            where += " (it has no critical point)"
        elif not self._is_critical:
            where += f" (critical: {numeral(point.weight_var, 4)}, {numeral(point.bias_var)})"
        words = where
        if {"parallel", "perpendicular"} <= set(numbers):
            words += f" has χ∥ = {numeral(numbers['parallel'])}, χ⊥ = {numeral(numbers['perpendicular'])}"
        if "moment" not in numbers:
            return f"{words}; random networks are drawn when the controls rest."
        return (
            f"{words}; in layer {_MOMENT_LAYERS} of {numbers['drawn']:.0f} networks of width {net.width} the ratio of "
            f"moments is {plus_minus(numbers['moment'], numbers['moment error'])}, and 1 at infinite width."
        )

    @classmethod
    def check(cls) -> Check:
        """Solve GELU's point, measure how SELU parts inputs, and the moments of ReLU networks."""
        return check()
