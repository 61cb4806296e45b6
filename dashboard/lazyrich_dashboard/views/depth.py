"""Depth: do signals survive many layers, and does the width of a network matter to that?

The variance of the preactivations and the correlation of two inputs, layer by layer, as theory has them and in random
networks.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

import lazyrich as lr

from ..cache import RESULTS, SharedStream
from ..live import padded
from ..marks import Axis, Columns, Part
from ..numerals import numeral
from ..results import Snapshot
from .base import Range, View, error_bars, mean_and_error, mean_with_error, nothing, rule
from .plane import of_the_infinite

# Cosines of the two pairs of inputs: one close, one at right angles.
COSINES = (0.9, 0.0)
NETWORKS = 12
_LAYERS = 24
_MOST_LAYERS = 512
# Weights of one network; a dozen of them take seconds.
_MOST_WEIGHTS = 2**27
# Single precision, in which plots are sent and networks run, ends at 3e38.
_LARGEST = 1e30


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
                f"The variance of a layer must be below {numeral(_LARGEST)} to be drawn; got more in the first one. "
                "Lower the weight or the bias variance."
            )
        return Layers(kept, count)

    return RESULTS.get(("layers", of_the_infinite(net), count), compute)


def random_networks(experiment: lr.Experiment) -> SharedStream:
    """Return the stream of random networks, one at a time, shared with every session that shows the same."""
    net, count = experiment.network, _count(experiment.network)
    kept = dataclasses.replace(net, parametrization="ntk", depth=1, richness=1.0)

    def draw() -> Iterator[xr.Dataset]:
        if count * net.width**2 > _MOST_WEIGHTS:
            raise ValueError(
                f"A random network may have {numeral(_MOST_WEIGHTS, 2)} weights; "
                f"got {numeral(count * net.width**2, 2)} in {count} layers. Lower the width or the depth."
            )
        for index in range(NETWORKS):
            yield lr.measured_signal_propagation(net, COSINES, layers=count, networks=1, seed=experiment.seed + index)

    return RESULTS.get(("random networks", kept, count, experiment.seed), lambda: SharedStream(draw, NETWORKS))


def _mean_with_bars(x: np.ndarray, values: np.ndarray, least: float) -> tuple[dict, dict]:
    """Return the mean over networks, and its standard error as bars that end at `least`."""
    mean, error = mean_with_error(values)
    return {"x": x, "y": mean}, error_bars(x, mean, error, least)


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

    def clock(self, snapshot: Snapshot) -> None:
        """Return nothing: networks are those at the start."""

    def ranges(self, snapshot: Snapshot, columns: Columns) -> tuple[Range, Range]:
        """Return the layers, however many can be drawn, and the range of what is shown."""
        return (0.3, snapshot.predicted.asked + 0.7), self._heights(columns)

    def _heights(self, columns: Columns) -> Range:
        raise NotImplementedError

    def _so_far(self, snapshot: Snapshot) -> str:
        count = len(snapshot.measured)
        return f"{count} random network{'s' * (count != 1)}" if count else "random networks have not been drawn yet"


class VarianceView(_LayersView):
    """The variance of the preactivations, layer by layer."""

    title = "Variance through depth"
    question = "Do signals explode or die out?"
    y = Axis("variance q of layer l", log=True)
    pinnable = ("theory",)
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
        cloud, mean, bars = nothing(), nothing(), nothing("segments")
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
        words = f"The variance goes from {numeral(q[0])} in layer 1 to {numeral(q[-1])} in layer {last}"
        if last < known.asked:
            words += f" and beyond {numeral(_LARGEST)}, which ends the plot, in the next"
        x, values = self._measured(snapshot, "variance")
        if not x.size:
            return f"{words}; {self._so_far(snapshot)}."
        return (
            f"{words}; {self._so_far(snapshot)} of width {snapshot.theory.network.width} "
            f"{'have' if len(values) > 1 else 'has'} {mean_and_error(values[:, -1])} in layer {x[-1]}."
        )


class CorrelationView(_LayersView):
    """The correlation of two inputs, layer by layer: of a close pair and of one at right angles."""

    title = "Correlation through depth"
    question = "Do two inputs stay apart?"
    y = Axis("correlation c of two inputs")
    pinnable = ("theory from 0.9",)
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
        cloud, mean, bars = nothing(), nothing(), nothing("segments")
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
            f"By layer {int(c.layer[-1])} two inputs at cosine {COSINES[0]:g} come to a correlation of "
            f"{numeral(close)}, two at {COSINES[1]:g} to {numeral(apart)}"
        )
        x, values = self._measured(snapshot, "correlation")
        if not x.size:
            return f"{words}; {self._so_far(snapshot)}."
        gap = np.abs(values.mean(axis=0) - c.values[: len(x)]).max()
        return (
            f"{words}; the mean of {self._so_far(snapshot)} is within {numeral(gap, 2)} of theory in all layers shown."
        )
