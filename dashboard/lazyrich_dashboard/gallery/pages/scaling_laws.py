"""Bahri et al.: test errors fall as powers of points and of features, with exponents that one of four regimes sets."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import param

import lazyrich as lr
from lazyrich.theory import measured_spectrum_risk

from ...marks import Axis, Columns, Part
from ...views.base import mean_with_error
from ..base import GalleryPage, Panel, Picture, measured
from ..checks import Check

# Of the limited one: points or features. The other has so many that no more of them help, or so few that they bind.
_SIZES = {"resolution": (8, 16, 32, 64), "variance": (32, 64, 128, 256)}
_MANY, _FEW = {"resolution": 1000, "variance": 2000}, 4
_MODES = {"resolution": 2000, "variance": 300}
_TRIALS = {"resolution": (20, 20), "variance": (100, 600)}  # of points, of features
_GRIDS = {name: np.geomspace(sizes[0], sizes[-1], 13) for name, sizes in _SIZES.items()}
_LIMITS = ("points n", "features k")
# Real points: so many in all, of which so many are trained on, to learn so many targets at once.
_POOL, _POOL_SIZES, _TARGETS = 1200, (16, 32, 64, 128), 64
_POINTS = "digits themselves"

# The exact predictions for these sizes have slopes up to 0.08 from those of the laws.
_FINITE = 0.1


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Eigenvalues i^-(1 + exponent), and where they are those of a pool of real points its kernel and targets, too."""

    eigenvalues: np.ndarray
    exponent: float
    kernel: np.ndarray | None = None
    y: np.ndarray | None = None

    def modes(self, regime: str) -> tuple[np.ndarray, np.ndarray]:
        """Return eigenvalues, and coefficients of a target with as much in each mode as the kernel's own prior."""
        values = self.eigenvalues[: _MODES[regime]]
        return values, np.sqrt(values)


@lru_cache(maxsize=32)
def _spectrum(name: str, exponent: float) -> Spectrum:
    ranks = np.arange(1, _MODES["resolution"] + 1.0)
    if name == "power law":
        return Spectrum(ranks ** -(1 + exponent), exponent)
    x = lr.load_data("digits", n_train=_POOL, n_test=1).x_train
    kernel = np.asarray(lr.ntk(lr.Network(depth=1, weight_var=2.0, bias_var=0.0), x))
    system = lr.eigensystem(kernel)
    values = np.asarray(system.values) / _POOL
    # The last modes of a pool are its own; beyond a fifth of them the law goes on that the ones before follow.
    law = lr.fit_power_law(values, first=10, last=_POOL // 5)
    values = np.where(ranks <= _POOL // 5, np.resize(values, len(ranks)), law(ranks))
    prior = np.random.default_rng(0).standard_normal((_POOL, _TARGETS)) / np.sqrt(_TARGETS)
    targets = np.asarray(system.vectors) @ (np.sqrt(np.maximum(np.asarray(system.values), 0))[:, None] * prior)
    return Spectrum(values, law.exponent - 1, kernel, targets)


def _theory(spectrum: Spectrum, regime: str, limit: str, sizes: np.ndarray) -> np.ndarray:
    """Return the predicted test error, in the variance-limited regime beyond that of as many as there are."""
    modes = spectrum.modes(regime)

    def risk(limited: Any) -> np.ndarray:
        if limit == "points n":
            return np.asarray(lr.random_feature_risk(*modes, n=limited, k=_FEW if beyond else np.inf).test)
        n = _FEW if beyond else _MANY[regime]
        return np.asarray(lr.random_feature_risk(*modes, n=n, k=limited).test)

    beyond = regime == "variance"
    return risk(sizes) - (risk(_MANY[regime] if limit == "points n" else np.inf) if beyond else 0.0)


def _measured(spectrum: Spectrum, regime: str, limit: str) -> np.ndarray:
    """Return what `_theory` predicts at the sizes, measured on Gaussian eigenfunctions, (sizes, trials)."""
    modes, sizes = spectrum.modes(regime), list(_SIZES[regime])
    trials = _TRIALS[regime][_LIMITS.index(limit)]

    def risk(n: list[int], k: int | None) -> np.ndarray:
        return measured_spectrum_risk(*modes, n=n, k=k, trials=trials).test.values[:, 0]

    if regime == "resolution":
        if limit == "points n":
            return risk(sizes, None)
        return np.concatenate([risk([_MANY[regime]], k) for k in sizes])
    if limit == "points n":
        errors = risk([*sizes, _MANY[regime]], _FEW)
        return errors[:-1] - errors[-1]
    # The same training sets every time.
    return np.concatenate([risk([_FEW], k) for k in sizes]) - risk([_FEW], None)


def _on_points(spectrum: Spectrum) -> np.ndarray:
    """Return the test error of the pool's own points, trained on some and tested on the others, (sizes, trials)."""
    sizes, trials = list(_POOL_SIZES), _TRIALS["resolution"][0]
    return lr.measured_kernel_risk(spectrum.kernel, spectrum.y, n=sizes, trials=trials).test.values


def _slope(sizes: Any, errors: np.ndarray) -> tuple[float, float]:
    """Return the slope of log mean error against log size, and its standard error: the jackknife's over trials.

    Sizes count by their precision, the square of the mean over its standard error.
    """
    count = errors.shape[1]
    mean, error = mean_with_error(errors.T)
    weights = (mean / error) ** 2
    x = np.log(sizes) - np.average(np.log(sizes), weights=weights)
    pull = weights * x / (weights @ x**2)
    left_out = (errors.sum(axis=1, keepdims=True) - errors) / (count - 1)
    slopes = pull @ np.log(np.maximum(left_out, 1e-30))
    return float(pull @ np.log(np.maximum(mean, 1e-30))), float(np.sqrt((count - 1) * slopes.var()))


def _parts(more: tuple[Part, ...] = ()) -> tuple[Part, ...]:
    parts = tuple(
        part
        for limit, role in zip(_LIMITS, ("train", "test"), strict=True)
        for part in (
            Part(f"{limit}: error", "segments", role, legend=False),
            Part(f"{limit}: theory", "line", role, legend=False),
            Part(limit, "points", role),
        )
    )
    return (*parts, Part("law", "dashes", "guide"), *more)


class ScalingLaws(GalleryPage):
    """Test error against points and features: where their number resolves the spectrum, where it sets a variance."""

    title = "Explaining neural scaling laws"
    paper = "Bahri, Dyer, Kaplan, Lee & Sharma, PNAS 121 (2024); arXiv 2021"
    year = 2021
    url = "https://arxiv.org/abs/2102.06701"
    claim = (
        "With plenty of one, the test error falls with the other of points and features as the power of the kernel's "
        "spectrum, alike in both; with little of one, what is left over its limit falls as one over the other."
    )
    look_for = (
        "* Left, resolution-limited: both curves have the spectrum's exponent α; move it, and both slopes follow.\n"
        "* Right, variance-limited: the slope is -1 whatever the spectrum.\n"
        "* **digits**: the exponent is fitted to the kernel's eigenvalues, and the learning curve on the images "
        "themselves has it, too.\n"
        "* The lines are exact predictions for these sizes; dashes are the laws they tend to."
    )
    topics = ("scaling laws", "learning curves", "random features", "spectrum")
    panels = (
        Panel(
            "resolution",
            "Resolution-limited: plenty of the other",
            _parts((
                Part(f"{_POINTS}: error", "segments", "trained", legend=False),
                Part(_POINTS, "diamonds", "trained"),
            )),
            Axis("points n, or features k", log=True),
            Axis("test error", log=True),
        ),
        Panel(
            "variance",
            f"Variance-limited: {_FEW} of the other",
            _parts(),
            Axis("points n, or features k", log=True),
            Axis("test error beyond its limit", log=True),
        ),
    )  # fmt: skip
    spectrum = param.Selector(default="power law", objects=["power law", "digits"], label="Spectrum",
                              doc="Eigenvalues that are a power law, or those of the kernel of digits.")  # fmt: skip
    exponent = param.Number(1.0, bounds=(0.4, 2), step=0.1, label="Exponent α of the power law",
                            doc="Eigenvalues are i^-(1 + α).")  # fmt: skip

    @property
    def _chosen(self) -> Spectrum:
        return _spectrum(str(self.spectrum), round(self.exponent, 6) if self.spectrum == "power law" else 0.0)

    def predict(self) -> Picture:
        """Return the exact curves and their laws."""
        known, columns = self._chosen, {}
        for regime, x in _GRIDS.items():
            curves = {f"{limit}: theory": {"x": x, "y": _theory(known, regime, limit, x)} for limit in _LIMITS}
            start = 1.5 * max(curve["y"][0] for curve in curves.values())
            power = known.exponent if regime == "resolution" else 1.0
            columns[regime] = {**curves, "law": {"x": x, "y": start * (x / x[0]) ** -power}}
        return Picture(columns, {"exponent": known.exponent})

    def measure(self) -> Iterator[Picture]:
        """Yield one regime after the other."""
        known = self._chosen
        for regime, sizes in _SIZES.items():
            runs = {limit: _measured(known, regime, limit) for limit in _LIMITS}
            if regime == "resolution" and known.kernel is not None:
                runs[_POINTS] = _on_points(known)
            for limit, errors in runs.items():
                yield _picture(regime, limit, _POOL_SIZES if limit == _POINTS else sizes, errors)

    def summary(self, picture: Picture) -> str:
        """Compare the fitted exponents with the expected ones."""
        numbers = picture.numbers
        told = {"resolution": [], "variance": []}
        for name in numbers:
            regime, _, limit = name.partition(" ")
            if regime in told and not limit.endswith("stderr"):
                told[regime].append(f"{numbers[name]:.2f} ± {numbers[f'{name}_stderr']:.2f} in {limit}")
        words = f"The spectrum's exponent is α = {numbers['exponent']:.2f}"
        if not told["resolution"]:
            return f"{words}; errors are measured when the controls rest."
        words += f"; resolution-limited errors have slopes of {', '.join(told['resolution'])} (expected -α)"
        if told["variance"]:
            words += f", variance-limited ones of {', '.join(told['variance'])} (expected -1)"
        return f"{words}."

    @classmethod
    def check(cls) -> Check:
        """Fit the exponents of the four regimes on a power law, and of the learning curve on digits."""
        numbers, words, holds = {}, [], True
        cases = [("power law", regime, limit) for regime in _SIZES for limit in _LIMITS]
        for name, regime, limit in [*cases, ("digits", "resolution", _POINTS)]:
            known, is_real = _spectrum(name, float(name == "power law")), limit == _POINTS
            errors = _on_points(known) if is_real else _measured(known, regime, limit)
            slope, stderr = _slope(_POOL_SIZES if is_real else _SIZES[regime], errors)
            expected = -known.exponent if regime == "resolution" else -1.0
            key = f"{regime}_{limit.split()[0]}"
            numbers |= {key: slope, f"{key}_stderr": stderr}
            words.append(f"{slope:.2f} ± {stderr:.2f} ({regime}, {limit}; expected {expected:.2f})")
            holds &= abs(slope - expected) < _FINITE + 2 * stderr and stderr < 0.15
        return Check(bool(holds), f"Fitted exponents: {', '.join(words)}.", numbers)


def _picture(regime: str, limit: str, sizes: tuple[int, ...], errors: np.ndarray) -> Picture:
    """Return the mean errors with their standard errors, and their slope."""
    mean, error = mean_with_error(errors.T)
    drawn = mean > 0
    slope, stderr = _slope(sizes, errors)
    points: Columns = measured(limit, np.array(sizes)[drawn], mean[drawn], error[drawn], 0.3 * mean[drawn])
    return Picture({regime: points}, {f"{regime} {limit}": slope, f"{regime} {limit}_stderr": stderr})
