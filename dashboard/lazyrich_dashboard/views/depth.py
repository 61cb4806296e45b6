"""Depth: do signals survive many layers, and does the width of a network matter to that?

The plane shows where a network of this activation is ordered, critical or chaotic; beside it stand the variance of the
preactivations and the correlation of two inputs, layer by layer, as theory has them and in random networks.
"""

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import xarray as xr
from bokeh.events import Tap
from contourpy import contour_generator

import lazyrich as lr

from ..cache import RESULTS, SharedStream
from ..live import padded
from ..marks import Axis, Columns, Part
from ..results import Snapshot
from .base import Range, View, nothing, rule

# Cosines of the two pairs of inputs: one close, one at right angles.
COSINES = (0.9, 0.0)
NETWORKS = 12
_LAYERS = 24
_MOST_LAYERS = 512
# Weights of one network; a dozen of them take seconds.
_MOST_WEIGHTS = 2**27
_WEIGHT_VARS, _BIAS_VARS = np.linspace(0.1, 4.0, 79), np.linspace(0.0, 1.0, 25) ** 2
_LEVELS = (0.25, 0.5, 0.75, 1.25, 1.5, 2.0)
_SEGMENTS = ("x0", "y0", "x1", "y1")
# Single precision, in which plots are sent and networks run, ends at 3e38.
_LARGEST = 1e30


@dataclass(frozen=True, eq=False)
class Plane:
    """chi_perpendicular over the plane: the critical line and other contours as segments, and labels at their ends."""

    critical: dict[str, np.ndarray]
    contours: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]
    nbytes: int = 2**16


def _of_the_infinite(net: lr.Network, **fields: Any) -> lr.Network:
    """Return the network with what plays no part at infinite width set to a fixed value, as a key of the cache."""
    return dataclasses.replace(net, parametrization="ntk", width=1, depth=1, richness=1.0, **fields)


def at_rest(net: lr.Network) -> lr.Criticality:
    """Return the fixed point of a network's variance, and the susceptibilities there."""
    return lr.criticality(_of_the_infinite(net))


def plane(net: lr.Network) -> Plane:
    """Return the plane of a network's activation, from the cache if any session has asked for it."""
    net = _of_the_infinite(net, weight_var=1.0, bias_var=0.0)
    return RESULTS.get(("plane", net), lambda: _compute_plane(net))


def _compute_plane(net: lr.Network) -> Plane:
    chi = lr.criticality(net, weight_var=_WEIGHT_VARS[None, :], bias_var=_BIAS_VARS[:, None]).perpendicular
    generator = contour_generator(_WEIGHT_VARS, _BIAS_VARS, np.log(np.clip(chi, 1e-3, 1e3)))
    levels = (1.0, *_LEVELS)
    lines = {level: cast(list[np.ndarray], generator.lines(np.log(level))) for level in levels}
    ends = [
        (level, max(line, key=lambda point: (point[1], point[0]))) for level, of in lines.items() for line in of[:1]
    ]
    labels = {
        "x": np.array([end[0] for _, end in ends]),
        "y": np.array([end[1] for _, end in ends]),
        "text": np.array([f"{level:g}" for level, _ in ends], dtype=object),
    }
    return Plane(_segments(lines[1.0]), _segments([line for level in _LEVELS for line in lines[level]]), labels)


def _segments(lines: Iterable[np.ndarray]) -> dict[str, np.ndarray]:
    pieces = [np.hstack([line[:-1], line[1:]]) for line in lines]
    return dict(zip(_SEGMENTS, np.concatenate([np.empty((0, 4)), *pieces]).T, strict=True))


class PlaneView(View):
    """The plane of both variances with the contours of chi_perpendicular; a click moves the network there."""

    title = "Order and chaos"
    question = "Is the network critical?"
    x = Axis("weight variance σ²w")
    y = Axis("bias variance σ²b")
    parts = (
        Part("other χ⊥", "segments", "guide"),
        Part("critical line, χ⊥ = 1", "strong segments", "theory"),
        Part("χ⊥", "labels", "theory", legend=False),
        Part("this network", "diamonds", "trained"),
    )
    needs_training = False

    def __init__(self, **params):
        """Render the plot, empty, and listen to clicks."""
        super().__init__(**params)
        self.live.figure.on_event(Tap, self._tapped)

    def _tapped(self, event: Tap) -> None:
        """Ask for the variances under the pointer, to the sliders' steps."""
        weight_var = min(max(event.x or 0.0, 0.1), 4.0)
        bias_var = min(max(event.y or 0.0, 0.0), 1.0)
        self.wish = {"weight_var": round(10 * weight_var) / 10, "bias_var": round(20 * bias_var) / 20}

    def predict(self, experiment: lr.Experiment) -> tuple[Plane, lr.Criticality]:
        """Return the plane and where on it the network stands."""
        return plane(experiment.network), at_rest(experiment.network)

    def columns(self, snapshot: Snapshot) -> Columns:
        """Return the contours, and the network."""
        known, net = snapshot.predicted[0], snapshot.theory.network
        return {
            "other χ⊥": known.contours,
            "critical line, χ⊥ = 1": known.critical,
            "χ⊥": known.labels,
            "this network": {"x": np.array([net.weight_var]), "y": np.array([net.bias_var])},
        }

    def ranges(self, snapshot: Snapshot, columns: Columns) -> tuple[Range, Range]:
        """Return the sliders' ranges, wider if the network lies beyond them."""
        net = snapshot.theory.network
        return (0.0, max(4.15, 1.1 * net.weight_var)), (-0.03, max(1.1, 1.1 * net.bias_var))

    def summary(self, snapshot: Snapshot) -> str:
        """Say on which side of the critical line the network is, and what becomes of its variance."""
        at: lr.Criticality = snapshot.predicted[1]
        q, chi = float(at.variance), float(at.perpendicular)
        if not np.isfinite(chi):
            return "The variance grows without end and faster in every layer, and so do the gradients."
        if not 1e-6 < q < np.inf:
            fate, where = ("dies out", "") if q < 1 else ("grows without end", " (at a variance of 10⁶)")
            return (
                f"The variance {fate}; gradients and differences of inputs go by √χ⊥ = {np.sqrt(chi):.3g} a "
                f"layer{where}, so that correlations follow the curve beside. Click to move there."
            )
        side = (
            "critical: differences are kept"
            if abs(chi - 1) < 0.005
            else "ordered: all inputs become one" if chi < 1 else "chaotic: close inputs part"
        )  # fmt: skip
        reach = "" if abs(chi - 1) < 0.005 or chi <= 0 else f", by e in {1 / abs(np.log(chi)):.2g} layers"
        return f"χ⊥ = {chi:.3g}, {side}{reach}; the variance settles at {q:.3g}. Click to move there."


@dataclass(frozen=True, eq=False)
class Layers:
    """What theory says of the layers, and how many there should be: fewer where the variance leaves the range."""

    signals: xr.Dataset
    asked: int

    @property
    def nbytes(self) -> int:
        """Size, for the cache."""
        return self.signals.nbytes


def _count(net: lr.Network) -> int:
    """Return how many layers are shown: the same for all depths of the slider."""
    return min(max(_LAYERS, net.depth), _MOST_LAYERS)


def layers(net: lr.Network) -> Layers:
    """Return what theory says of the layers of a network, from the cache if any session has asked for it."""
    count = _count(net)

    def compute() -> Layers:
        signals = lr.signal_propagation(net, COSINES, layers=count)
        kept = signals.sel(layer=signals.variance.values < _LARGEST)
        if not kept.layer.size:
            raise ValueError(
                f"The variance of a layer must be below {_LARGEST:g} to be drawn; got more in the first one. "
                "Lower the weight or the bias variance."
            )
        return Layers(kept, count)

    return RESULTS.get(("layers", _of_the_infinite(net), count), compute)


def random_networks(experiment: lr.Experiment) -> SharedStream:
    """Return the stream of random networks, one at a time, shared with every session that shows the same."""
    net, count = experiment.network, _count(experiment.network)
    kept = dataclasses.replace(net, parametrization="ntk", depth=1, richness=1.0)

    def draw() -> Iterator[xr.Dataset]:
        if count * net.width**2 > _MOST_WEIGHTS:
            raise ValueError(
                f"A random network may have {_MOST_WEIGHTS:.2g} weights; got {count * net.width**2:.2g} in {count} "
                "layers. Lower the width or the depth."
            )
        for index in range(NETWORKS):
            yield lr.measured_signal_propagation(net, COSINES, layers=count, networks=1, seed=experiment.seed + index)

    return RESULTS.get(("random networks", kept, count, experiment.seed), lambda: SharedStream(draw))


def _mean_with_bars(x: np.ndarray, values: np.ndarray, least: float) -> tuple[dict, dict]:
    """Return the mean over networks, and its standard error as bars that end at `least`."""
    mean = values.mean(axis=0)
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.zeros_like(mean)
    ends = (x, np.maximum(mean - error, least), x, mean + error)
    return {"x": x, "y": mean}, dict(zip(_SEGMENTS, ends, strict=True))


class _LayersView(View):
    """What variance and correlation have in common: theory, random networks, their mean with its error, the depth."""

    x = Axis("layer l")
    needs_training = False

    def predict(self, experiment: lr.Experiment) -> Layers:
        """Return what theory says of the layers."""
        return layers(experiment.network)

    def measure(self, experiment: lr.Experiment) -> SharedStream:
        """Return random networks, one at a time."""
        return random_networks(experiment)

    def _measured(self, snapshot: Snapshot, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the layers that theory and all networks so far have, and the networks' values on them."""
        known = snapshot.predicted.signals.layer.values
        if not snapshot.measured:
            return known[:0], np.empty((0, 0))
        values = np.concatenate([run[name].values for run in snapshot.measured])[:, : len(known)]
        own = np.concatenate([run.variance.values for run in snapshot.measured])[:, : len(known)]
        finite = np.isfinite(values.reshape(*values.shape[:2], -1)).all(axis=(0, 2)) & (own < _LARGEST).all(axis=0)
        kept = len(known) if finite.all() else int(np.argmin(finite))
        return known[:kept], values[:, :kept]

    def ranges(self, snapshot: Snapshot, columns: Columns) -> tuple[Range, Range]:
        """Return the layers, however many can be drawn, and the range of what is shown."""
        return (0.3, snapshot.predicted.asked + 0.7), self._heights(columns)

    def _heights(self, columns: Columns) -> Range:
        raise NotImplementedError

    def _so_far(self, snapshot: Snapshot) -> str:
        count = len(snapshot.measured)
        return f"{count} random network{'s' * (count != 1)}" if count else "random networks come when the controls rest"


class VarianceView(_LayersView):
    """The variance of the preactivations, layer by layer."""

    title = "Variance through depth"
    question = "Do signals explode or die out?"
    y = Axis("variance q of layer l", log=True)
    parts = (
        Part("one network", "cloud", "initial"),
        Part("mean", "points", "initial"),
        Part("error", "segments", "initial", legend=False),
        Part("theory", "line", "theory"),
        Part("depth L", "rule", "guide", legend=False),
    )

    def columns(self, snapshot: Snapshot) -> Columns:
        """Return theory, each network, and their mean with its standard error; a log axis leaves out zeros."""
        q = snapshot.predicted.signals.variance
        drawn = q.values > 1 / _LARGEST
        result: dict[str, Any] = {"theory": {"x": q.layer.values[drawn] * 1.0, "y": q.values[drawn]}}
        x, values = self._measured(snapshot, "variance")
        drawn = (values > 1 / _LARGEST).all(axis=0) if len(values) else np.zeros(0, bool)
        x, values = x[drawn] * 1.0, values[:, drawn] if len(values) else values
        cloud, mean, bars = nothing(), nothing(), dict.fromkeys(_SEGMENTS, np.array([]))
        if x.size:
            cloud = {"x": np.tile(x, len(values)), "y": values.ravel()}
            mean, bars = _mean_with_bars(x, values, values.min())
        result |= {"one network": cloud, "mean": mean, "error": bars}
        return {**result, "depth L": rule(snapshot.theory.network.depth, self._heights(result))}

    def _heights(self, columns: Columns) -> Range:
        low, high = padded([columns["theory"]["y"], columns["one network"]["y"]], log=True)
        return min(low, high / 10), high

    def summary(self, snapshot: Snapshot) -> str:
        """Compare theory and networks at the last layer that both have."""
        known: Layers = snapshot.predicted
        q = known.signals.variance.values
        last = int(known.signals.layer[-1])
        words = f"The variance goes from {q[0]:.3g} in layer 1 to {q[-1]:.3g} in layer {last}"
        if last < known.asked:
            words += f" and beyond {_LARGEST:g}, which ends the plot, in the next"
        x, values = self._measured(snapshot, "variance")
        if not x.size:
            return f"{words}; {self._so_far(snapshot)}."
        mean, error = values[:, -1].mean(), values[:, -1].std(ddof=1) / len(values) ** 0.5 if len(values) > 1 else 0.0
        return (
            f"{words}; {self._so_far(snapshot)} of width {snapshot.theory.network.width} "
            f"{'have' if len(values) > 1 else 'has'} {mean:.3g} ± {error:.1g} in layer {x[-1]}."
        )


class CorrelationView(_LayersView):
    """The correlation of two inputs, layer by layer: of a close pair and of one at right angles."""

    title = "Correlation through depth"
    question = "Do two inputs stay apart?"
    y = Axis("correlation c of two inputs")
    parts = (
        Part("one network", "cloud", "initial"),
        Part("mean", "points", "initial"),
        Part("error", "segments", "initial", legend=False),
        Part("theory from 0.9", "line", "theory"),
        Part("from 0", "dashes", "theory"),
        Part("depth L", "rule", "guide", legend=False),
    )

    def columns(self, snapshot: Snapshot) -> Columns:
        """Return both curves, and of both pairs each network and the mean with its standard error."""
        c = snapshot.predicted.signals.correlation
        result: dict[str, Any] = {
            label: {"x": c.layer.values * 1.0, "y": c.values[:, pair]}
            for pair, label in enumerate(("theory from 0.9", "from 0"))
        }
        x, values = self._measured(snapshot, "correlation")
        cloud, mean, bars = nothing(), nothing(), dict.fromkeys(_SEGMENTS, np.array([]))
        if x.size:
            both = np.concatenate([x, x]) * 1.0
            values = np.concatenate([values[..., pair] for pair in range(len(COSINES))], axis=1)
            cloud = {"x": np.tile(both, len(values)), "y": values.ravel()}
            mean, bars = _mean_with_bars(both, values, -1.0)
        result |= {"one network": cloud, "mean": mean, "error": bars}
        return {**result, "depth L": rule(snapshot.theory.network.depth, self._heights(result))}

    def _heights(self, columns: Columns) -> Range:
        low = min([0.0, *columns["one network"]["y"], *columns["from 0"]["y"]])
        return 1.1 * low - 0.05, 1.05

    def summary(self, snapshot: Snapshot) -> str:
        """Say where both correlations end, and how far the networks are from there."""
        c = snapshot.predicted.signals.correlation
        close, apart = c.values[-1]
        words = (
            f"By layer {int(c.layer[-1])} two inputs at cosine {COSINES[0]:g} come to a correlation of {close:.3g}, "
            f"two at {COSINES[1]:g} to {apart:.3g}"
        )
        x, values = self._measured(snapshot, "correlation")
        if not x.size:
            return f"{words}; {self._so_far(snapshot)}."
        gap = np.abs(values.mean(axis=0) - c.values[: len(x)]).max()
        return f"{words}; the mean of {self._so_far(snapshot)} is within {gap:.2g} of theory in all layers shown."
