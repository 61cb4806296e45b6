"""Sweep: how far has the kernel moved in the end, at which richness and at which width?"""

import dataclasses
import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import xarray as xr

import lazyrich as lr
from lazyrich.sweeps.slopes import slope

from .. import movement
from ..cache import SharedStream
from ..live import padded
from ..marks import Axis, Columns, Part, column_names
from ..movement import FEW_WIDTHS, WIDTHS, Moved, Point
from ..numerals import numeral, plus_minus
from ..results import Snapshot
from .base import Range, View, error_bars, mean_with_error, nothing, rule

_LIMIT = "mean field, N → ∞"
_KINDS = ("rings", "points", "squares")
_EXPECTED = {-1.0: "N⁻¹", 0.0: "N⁰"}


class Curve(NamedTuple):
    """Means over networks and their standard errors, against whatever x is; each (points,)."""

    x: np.ndarray
    mean: np.ndarray
    error: np.ndarray


def curve(measured: Iterable[Moved], name: str) -> Curve:
    """Return what has been measured against a field of its points, without networks that diverged or stood still."""
    kept = [item for item in measured if (np.isfinite(item.distance) & (item.distance > 0)).all()]
    rows = sorted((getattr(item.at, name), *mean_with_error(item.distance)) for item in kept)
    return Curve(*np.array(rows).reshape(-1, 3).T)


def _line(curve: Curve) -> dict[str, np.ndarray]:
    """Return a curve as segments: the line through its means, and their errors as bars."""
    names = column_names("segments")
    line = dict(zip(names, (curve.x[:-1], curve.mean[:-1], curve.x[1:], curve.mean[1:]), strict=True))
    bars = error_bars(*curve, least=0.1 * curve.mean)
    return {name: np.concatenate([line[name], bars[name]]) for name in names}


def _all(lines: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {
        name: np.concatenate([line[name] for line in [nothing("segments"), *lines]]) for name in nothing("segments")
    }


def _heights(means: Iterable[np.ndarray]) -> Range:
    """Return a logarithmic axis of at least a decade around means."""
    low, high = padded(means, log=True)
    missing = math.sqrt(max(1.0, 10 * low / high))
    return low / missing, high * missing


class _MovementView(View):
    """What both views have in common: points measured off the event loop, drawn as they come, whatever the time."""

    y = Axis("|Θ − Θ₀| / |Θ₀| at the end", log=True)
    needs_training = False

    def points(self, experiment: lr.Experiment) -> list[Point]:
        """Return the points that are measured."""
        raise NotImplementedError

    def predict(self, experiment: lr.Experiment) -> lr.Experiment:
        """Return the experiment, if its networks of all widths can be trained in a reasonable time."""
        movement.check_cost(experiment, self.points(experiment))
        return experiment

    def measure(self, experiment: lr.Experiment) -> SharedStream:
        """Return how far kernels have moved, point by point."""
        return movement.measurement(experiment, self.points(experiment))

    def clock(self, snapshot: Snapshot) -> None:
        """Return nothing: what is drawn is the end of training."""

    @staticmethod
    def _left_out(snapshot: Snapshot) -> str:
        lost = sum(not np.isfinite(item.distance).all() for item in snapshot.measured)
        words = (
            "1 point at which networks diverged is" if lost == 1 else f"{lost} points at which networks diverged are"
        )
        return f" {words} left out." if lost else ""


class AgainstRichnessView(_MovementView):
    """Kernel movement at the end of training against richness, at a few widths and in the mean-field limit."""

    title = "Movement and richness"
    question = "From which γ₀ on is it rich?"
    x = Axis("richness γ₀", log=True)
    parts = (
        Part(_LIMIT, "segments", "theory"),
        Part("through the means", "segments", "trained", legend=False),
        *(Part(f"N = {width}", kind, "trained") for width, kind in zip(FEW_WIDTHS, _KINDS, strict=True)),
        Part("γ₀ on screen", "rule", "guide", legend=False),
    )

    def points(self, experiment: lr.Experiment) -> list[Point]:
        """Return a few widths, each at several richnesses."""
        return movement.against_richness(experiment)

    def columns(self, snapshot: Snapshot) -> Columns:
        """Return the means of each width with their errors, and the limit where it stands for each of them."""
        network, curves = snapshot.predicted.network, self._curves(snapshot)
        limit = curves.pop(math.inf)
        scales = {dataclasses.replace(network, width=N, richness=1.0).gamma / math.sqrt(N) for N in FEW_WIDTHS}
        low, high = self._richnesses(snapshot)
        result = {f"N = {N}": {"x": curve.x, "y": curve.mean} for N, curve in curves.items()}
        moved = [Curve(limit.x / scale, limit.mean, limit.error) for scale in sorted(scales)]
        kept = [(curve.x >= low) & (curve.x <= high) for curve in moved]
        result[_LIMIT] = _all([_line(Curve(*(v[k] for v in curve))) for curve, k in zip(moved, kept, strict=True)])
        result["through the means"] = _all([_line(curve) for curve in curves.values()])
        heights = _heights([curve.mean for curve in (limit, *curves.values())])
        return {**result, "γ₀ on screen": rule(network.richness, heights)}

    @staticmethod
    def _curves(snapshot: Snapshot) -> dict[float, Curve]:
        """Return what has been measured at each width, the limit's infinite one included."""
        return {
            width: curve((item for item in snapshot.measured if item.at.width == width), "richness")
            for width in (*FEW_WIDTHS, math.inf)
        }

    def _richnesses(self, snapshot: Snapshot) -> Range:
        at = [p.richness for p in self.points(snapshot.predicted) if math.isfinite(p.width)]
        return padded([at, [snapshot.predicted.network.richness]], log=True)

    def ranges(self, snapshot: Snapshot, columns: Columns) -> tuple[Range, Range]:
        """Return all richnesses, and the heights of the curves."""
        return self._richnesses(snapshot), tuple(columns["γ₀ on screen"]["y"])

    def summary(self, snapshot: Snapshot) -> str:
        """Say how far kernels move from the least to the largest richness, and how that compares with the limit."""
        experiment, curves = snapshot.predicted, self._curves(snapshot)
        limit, widest = curves.pop(math.inf), curves[FEW_WIDTHS[-1]]
        if len(widest.x) < 2:
            return "Networks of several widths and richnesses have not all been trained yet."
        words = (
            f"From γ₀ = {widest.x[0]:g} to {widest.x[-1]:g} kernels of width {FEW_WIDTHS[-1]} go from moving by "
            f"{_at(widest, 0)} of their size to {_at(widest, -1)}"
        )
        if why := movement.without_limit(experiment):
            return f"{words}; {why}.{self._left_out(snapshot)}"
        scale = dataclasses.replace(experiment.network, width=FEW_WIDTHS[-1], richness=1.0).gamma
        at = widest.x * scale / math.sqrt(FEW_WIDTHS[-1])
        if len(limit.x) < 2 or not (both := (at >= limit.x[0]) & (at <= limit.x[-1])).any():
            return f"{words}.{self._left_out(snapshot)}"
        expected = np.exp(np.interp(np.log(at[both]), np.log(limit.x), np.log(limit.mean)))
        ratio = widest.mean[both] / expected
        return (
            f"{words}; that is {numeral(ratio.min(), 2)} to {numeral(ratio.max(), 2)} times what the mean-field "
            f"limit says at γ₀ = γ/√N.{self._left_out(snapshot)}"
        )


class AgainstWidthView(_MovementView):
    """Kernel movement at the end of training against width, at the richness on screen, with its slope."""

    title = "Movement and width"
    question = "Does it die as networks widen?"
    x = Axis("width N", log=True)
    parts = (
        Part(_LIMIT, "segments", "theory"),
        Part("expected slope", "dashes", "theory"),
        Part("through the means", "segments", "trained", legend=False),
        Part("nets", "points", "trained"),
        Part("in words", "labels", "theory", legend=False),
        Part("N on screen", "rule", "guide", legend=False),
    )
    pinnable = ("nets",)

    def points(self, experiment: lr.Experiment) -> list[Point]:
        """Return several widths at the richness on screen."""
        return movement.against_width(experiment)

    @staticmethod
    def _curves(snapshot: Snapshot) -> tuple[Curve, Curve]:
        """Return the networks' movement, and the limit's."""
        networks = [item for item in snapshot.measured if math.isfinite(item.at.width)]
        limit = [item for item in snapshot.measured if not math.isfinite(item.at.width)]
        return curve(networks, "width"), curve(limit, "richness")

    def columns(self, snapshot: Snapshot) -> Columns:
        """Return means with their errors, the limit as a level, and a line of the expected slope through the means."""
        networks, limit = self._curves(snapshot)
        network, expected = snapshot.predicted.network, movement.slope(snapshot.predicted)
        ends = np.array([WIDTHS[0], WIDTHS[-1]], float)
        guide, words, level = nothing(), nothing("labels"), nothing("segments")
        if expected is not None and len(networks.x) > 1:
            x, y = (np.exp(np.log(values).mean()) for values in (networks.x, networks.mean))
            guide = {"x": ends, "y": y * (ends / x) ** expected}
            at = (np.array([v]) for v in (x, 1.1 * y))
            words = dict(zip(("x", "y"), at, strict=True), text=np.array([f"∝ {_EXPECTED[expected]}"], dtype=object))
        if len(limit.x):
            level = _line(Curve(ends, *(np.repeat(values, 2) for values in (limit.mean, limit.error))))
        heights = _heights([networks.mean, guide["y"], limit.mean])
        return {
            _LIMIT: level,
            "expected slope": guide,
            "through the means": _line(networks),
            "nets": {"x": networks.x, "y": networks.mean},
            "in words": words,
            "N on screen": rule(network.width, heights),
        }

    def ranges(self, snapshot: Snapshot, columns: Columns) -> tuple[Range, Range]:
        """Return all widths, and the heights of the curves."""
        widths = [*WIDTHS, snapshot.predicted.network.width]
        return padded([widths], log=True), tuple(columns["N on screen"]["y"])

    def summary(self, snapshot: Snapshot) -> str:
        """Say how movement depends on the width, in numbers, and what theory expects."""
        networks, limit = self._curves(snapshot)
        at = f"At γ₀ = {snapshot.predicted.network.richness:g}"
        if len(networks.x) < 3:
            return f"{at} networks of widths {WIDTHS[0]} to {WIDTHS[-1]} have not all been trained yet."
        words = (
            f"{at} kernels move by {_at(networks, 0)} of their size at width {networks.x[0]:g}, "
            f"{_at(networks, -1)} at {networks.x[-1]:g}: {self._slope(snapshot)}"
        )
        if len(limit.x):
            words += f"; mean field {_at(limit, 0)}"
        return f"{words}.{self._left_out(snapshot)}"

    @staticmethod
    def _slope(snapshot: Snapshot) -> str:
        """Return the measured slope with its standard error over networks, and the one that is expected."""
        expected = movement.slope(snapshot.predicted)
        kept = [m for m in snapshot.measured if math.isfinite(m.at.width) and (m.distance > 0).all()]
        distance = xr.DataArray(
            [item.distance for item in kept],
            dims=("width", "network"),
            coords={"width": [item.at.width for item in kept]},
            name="movement",
        )
        value, error = (float(part) for part in slope(distance, "width"))
        words = f"slope {round(value, 2) + 0.0:.2f} ± {error:.2f}"  # no minus before 0.00
        if expected is None:
            return f"{words}, with no width limit to compare with"
        return f"{words}, in theory {'-1/2 turning to 0' if expected == 0 else f'{expected:g}'}"


def _at(curve: Curve, index: int) -> str:
    return plus_minus(curve.mean[index], curve.error[index])
