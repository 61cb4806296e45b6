"""Learning curves: how much do more data help, and more features?

The data set's own points are the pool: theory takes the spectrum of its kernel, and regressions on random subsets of it
measure the same. With k random features, Gaussian with the kernel as their covariance, the kernel is an approximation.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import panel as pn
import param

import lazyrich as lr
from lazyrich.data import largest_sizes

from .. import widgets
from ..cache import RESULTS, SharedStream
from ..live import padded
from ..marks import Axis, Columns, Part
from ..numerals import numeral
from ..results import Snapshot, theory_key
from .base import Range, View, error_bars, mean_with_error, nothing, rule

TRIALS = 10
_SIZES = 10
_GRID = 120
# Points of the pool: the first size that leaves half as many as are trained on to test on.
_POOLS = (384, 768)
_KERNEL = "∞ (kernel)"
# Losses below this one are roundings.
_ZERO = 1e-12


@dataclass(frozen=True, eq=False)
class Pool:
    """The pool of an experiment's data, without noise: its kernel's eigensystem, spectrum and targets (P, C)."""

    in_dim: int
    kernel: np.ndarray
    system: lr.Eigensystem
    spectrum: lr.PoolSpectrum
    y: np.ndarray

    @property
    def nbytes(self) -> int:
        """Size, for the cache."""
        return 2 * self.kernel.nbytes + self.y.nbytes


@dataclass(frozen=True, eq=False)
class Curves:
    """What theory predicts of a pool with `k` random features (None: the kernel itself), `ridge` and `noise`.

    Test and train losses, (2, ...), at the training points on screen `now`, at the measured `sizes` and on the `grid`.
    """

    pool: Pool
    k: int | None
    ridge: float
    noise: float
    sizes: np.ndarray
    grid: np.ndarray
    now: np.ndarray
    at_sizes: np.ndarray
    on_grid: np.ndarray

    def as_losses(self, errors: Any) -> np.ndarray:
        """Return sums of (f - y)^2 / 2n, test targets clean as in training, from mean squared test and train errors."""
        return _as_losses(errors, self.noise * self.pool.y.shape[1])


def _as_losses(errors: Any, noise: float) -> np.ndarray:
    test, train = errors
    return np.array([test - noise, train]) / 2


def curves(known: Pool, n: int, k: int | None, ridge: float, noise: float) -> Curves:
    """Return the predictions: for the points left out, or, with features, for the whole pool drawn with replacement."""
    most, spectrum = 2 * len(known.y) // 3, known.spectrum
    sizes = np.unique(np.round(np.geomspace(2, most, _SIZES)).astype(int))
    grid = np.geomspace(1, most, _GRID)
    points = np.concatenate([[n], sizes, grid])
    if k is None:
        risk = lr.held_out_risk(spectrum, n=points, ridge=ridge, noise=noise)
    else:
        risk = lr.random_feature_risk(
            spectrum.eigenvalues, spectrum.coefficients, n=points, k=k, ridge=ridge, noise=spectrum.noise + noise
        )
    losses = _as_losses((risk.test, risk.train), noise * known.y.shape[1])
    now, at_sizes, on_grid = np.split(losses, [1, 1 + len(sizes)], axis=1)
    return Curves(known, k, ridge, noise, sizes, grid, now[:, 0], at_sizes, on_grid)


def pool(experiment: lr.Experiment) -> Pool:
    """Return an experiment's pool, from the cache if any session has asked for it."""
    n = experiment.data.n_train
    if experiment.data.points is not None:
        raise ValueError(
            f"Learning curves need a pool of points to choose from; got {n} own points. Choose another data set."
        )
    most = largest_sizes(experiment.data)
    sizes = sorted({int(min(size, most.both, most.n_train + 1)) for size in _POOLS})
    points = next((size for size in sizes if 1.5 * n <= size), None)
    if points is None:
        raise ValueError(
            f"Learning curves need a pool half as large again as the training set, of at most {sizes[-1]} points; "
            f"got {n} training points. Lower the number of points to {2 * sizes[-1] // 3} or less."
        )
    data = dataclasses.replace(experiment.data, n_train=points - 1, n_test=1, noise=0.0)
    clean = dataclasses.replace(experiment, data=data)
    key = dataclasses.replace(clean, training=lr.TrainingSpec())
    return RESULTS.get(("pool", theory_key(key)), lambda: _compute_pool(clean))


def _compute_pool(experiment: lr.Experiment) -> Pool:
    data = experiment.load_data()
    x, y = np.concatenate([data.x_train, data.x_test]), np.concatenate([data.y_train, data.y_test])
    kernel = np.asarray(lr.ntk(experiment.network, x))
    system = lr.eigensystem(kernel)
    return Pool(data.in_dim, kernel, system, lr.spectrum_from_gram(system, y), y)


def _predicted(experiment: lr.Experiment, features: str | int, ridge: float) -> Curves:
    k = None if features == _KERNEL else int(features)
    return curves(pool(experiment), experiment.data.n_train, k, ridge, experiment.data.noise)


def _regressions(experiment: lr.Experiment, features: str | int, ridge: float) -> Iterator[Any]:
    return _trials(_predicted(experiment, features, ridge), experiment.seed)


class LearningCurvesView(View):
    """Train and test loss of kernel or random-feature ridge regression against the number of training points.

    With features points are drawn with replacement, as that theory wants it: a point that comes twice with two noises
    leaves a training loss where theory has none.
    """

    title = "Learning curves"
    question = "How much do more data help?"
    x = Axis("training points n", log=True)
    y = Axis("loss  Σ|f − y|²/2n", log=True)
    parts = (
        Part("train: error", "segments", "train", legend=False),
        Part("test: error", "segments", "test", legend=False),
        Part("train: theory", "line", "train"),
        Part("test: theory", "line", "test"),
        Part("train: measured", "points", "train"),
        Part("test: measured", "points", "test"),
        Part("n on screen", "rule", "guide", legend=False),
        Part("n = k", "rule", "theory", legend=False),
    )
    pinnable = ("train: theory", "test: theory", "train: measured", "test: measured")
    needs_training = False
    options = ("features", "ridge")
    features = param.Selector(
        default=_KERNEL, objects=[_KERNEL, 16, 64, 256], doc="Number of random features.", label="Features k"
    )
    ridge = param.Selector(
        default=0.0, objects=[0.0, 0.01, 0.1, 1.0, 10.0], doc="Ridge, not divided by n.", label="Ridge δ"
    )

    def _widgets(self) -> list[pn.viewable.Viewable]:
        return [widgets.small_select(self.param.features), widgets.small_select(self.param.ridge)]

    def predict(self, experiment: lr.Experiment) -> Curves:
        """Return what theory predicts of the experiment's pool."""
        return _predicted(experiment, self.features, self.ridge)

    def measure(self, experiment: lr.Experiment) -> SharedStream:
        """Return regressions on random subsets of the pool, one draw at a time."""
        # Bound here: the stream outlives this view, which may have other options by the time it is read.
        make = partial(_regressions, experiment, self.features, self.ridge)
        return RESULTS.get(
            ("regressions", theory_key(experiment), self.features, self.ridge), lambda: SharedStream(make, TRIALS)
        )

    def columns(self, snapshot: Snapshot) -> Columns:
        """Return theory on its grid, and the measured means with their standard errors; a log axis leaves out zeros."""
        known: Curves = snapshot.predicted
        result: dict[str, Any] = {}
        for row, role in enumerate(("test", "train")):
            curve = known.on_grid[row]
            drawn = np.isfinite(curve) & (curve > _ZERO)
            result[f"{role}: theory"] = {"x": known.grid[drawn], "y": curve[drawn]}
            result |= self._measured(snapshot, row, role)
        heights = self._heights(result)
        result["n on screen"] = rule(snapshot.theory.n, heights)
        peaks = known.k is not None and known.ridge == 0 and known.k <= known.grid[-1]
        result["n = k"] = rule(known.k or 1, heights) if peaks else nothing()
        return result

    @staticmethod
    def _measured(snapshot: Snapshot, row: int, role: str) -> dict[str, Any]:
        points, bars = nothing(), nothing("segments")
        if snapshot.measured:
            n = snapshot.measured[0].n.astype(float)
            mean, error = _mean_and_error(snapshot.measured, row)
            drawn = np.isfinite(mean) & (mean > _ZERO)
            n, mean, error = n[drawn], mean[drawn], error[drawn]
            points = {"x": n, "y": mean}
            bars = error_bars(n, mean, error, 0.1 * mean)
        return {f"{role}: measured": points, f"{role}: error": bars}

    @staticmethod
    def _heights(columns: Columns) -> Range:
        """Return the loss axis: five decades below the largest loss of theory at most, and a peak's first decade."""
        test, train = columns["test: theory"]["y"], columns["train: theory"]["y"]
        start = test[0] if len(test) else 1.0
        shown = [np.clip(part["y"], None, 10 * start) for name, part in columns.items() if not name.endswith("error")]
        return padded(shown, log=True, floor=1e-5 * max([start, *train[:1]]))

    def clock(self, snapshot: Snapshot) -> None:
        """Return nothing: learning curves are those of the end of training."""

    def ranges(self, snapshot: Snapshot, columns: Columns) -> tuple[Range, Range]:
        """Return all n of the curves, and the losses."""
        return padded([snapshot.predicted.grid], log=True, pad=0.02), self._heights(columns)

    def summary(self, snapshot: Snapshot) -> str:
        """Say what theory predicts for the training set on screen, and how the measured losses compare."""
        known: Curves = snapshot.predicted
        n = snapshot.theory.n
        learner = "kernel regression" if known.k is None else f"regression on {known.k} random features"
        test, train = known.now
        words = (
            f"{learner[0].upper()}{learner[1:]} on n = {n} points should have test loss {_plain(test)}, "
            f"train loss {_plain(train)}"
            if np.isfinite(test)
            else f"Without ridge, the test loss of {learner} diverges at n = {n}"
        )
        if not snapshot.measured:
            return f"{words}; random subsets have not been drawn yet."
        mean, _ = _mean_and_error(snapshot.measured, 0)
        expected = known.at_sizes[0]
        fair = np.isfinite(expected) & (expected > _ZERO) & np.isfinite(mean)
        if not fair.any():
            return f"{words}; measured losses are 0 to rounding."
        ratio = mean[fair] / expected[fair]
        # Theory takes eigenfunctions for random ones, which those of one dimension are far from.
        reason = ", as theory needs data of more dimensions" if ratio.max() > 3 and known.pool.in_dim <= 2 else ""
        return (
            f"{words}; measured on {len(snapshot.measured)} of {TRIALS} random subsets it is "
            f"{numeral(ratio.min(), 2)} to {numeral(ratio.max(), 2)} times what is predicted, "
            f"for n from {known.sizes[0]} to {known.sizes[-1]}{reason}."
        )


def _plain(loss: float) -> str:
    return numeral(loss) if loss > _ZERO else "0"


@dataclass(frozen=True, eq=False)
class Trial:
    """One draw: losses (test, train) at increasing numbers of points `n`, (2, sizes)."""

    n: np.ndarray
    losses: np.ndarray

    @property
    def nbytes(self) -> int:
        """Size, for the cache."""
        return self.losses.nbytes


def _trials(known: Curves, seed: int) -> Iterator[Trial]:
    """Yield regressions on random subsets, which within a draw contain one another."""
    n = known.sizes
    features = None if known.k is None else lr.gaussian_features(known.pool.system)
    for trial in range(TRIALS):
        settings: dict[str, Any] = {"n": list(n), "ridge": known.ridge, "noise": known.noise, "trials": 1}
        settings["seed"] = (seed * TRIALS + trial) % 2**32
        if features is None:
            risk = lr.measured_kernel_risk(known.pool.kernel, known.pool.y, **settings)
        else:
            risk = lr.measured_random_feature_risk(features, known.pool.y, k=[known.k], replace=True, **settings)
        yield Trial(n, known.as_losses([risk[name].values.reshape(len(n)) for name in ("test", "train")]))


def _mean_and_error(trials: tuple[Trial, ...], row: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean over draws of the test (row 0) or train losses, and its standard error."""
    return mean_with_error(np.array([trial.losses[row] for trial in trials]))
