"""Test errors against points and features in four regimes, predicted and measured, on two spectra (Bahri et al.)."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

import lazyrich as lr
from lazyrich.theory import measured_spectrum_risk

from ...views.base import mean_with_error
from ..checks import Check
from ..statistics import jackknife, log_slope

# Of the limited one: points or features. The other has so many that no more of them help, or so few that they bind.
SIZES = {"resolution": (8, 16, 32, 64), "variance": (32, 64, 128, 256)}
MANY, FEW = {"resolution": 1000, "variance": 2000}, 4
MODES = {"resolution": 2000, "variance": 300}
TRIALS = {"resolution": (20, 20), "variance": (100, 600)}  # of points, of features
LIMITS = ("points n", "features k")
# Real points: so many in all, of which so many are trained on, to learn so many targets at once.
POOL, POOL_SIZES, TARGETS = 1200, (16, 32, 64, 128), 64
POINTS = "digits themselves"

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
        values = self.eigenvalues[: MODES[regime]]
        return values, np.sqrt(values)


@lru_cache(maxsize=32)
def spectrum_of(name: str, exponent: float) -> Spectrum:
    """Return a power law with an exponent, or the spectrum of digits."""
    ranks = np.arange(1, MODES["resolution"] + 1.0)
    if name == "power law":
        return Spectrum(ranks ** -(1 + exponent), exponent)
    x = lr.load_data("digits", n_train=POOL, n_test=1).x_train
    kernel = np.asarray(lr.ntk(lr.Network(depth=1, weight_var=2.0, bias_var=0.0), x))
    system = lr.eigensystem(kernel)
    values = np.asarray(system.values) / POOL
    # The last modes of a pool are its own; beyond a fifth of them the law goes on that the ones before follow.
    law = lr.fit_power_law(values, first=10, last=POOL // 5)
    values = np.where(ranks <= POOL // 5, np.resize(values, len(ranks)), law(ranks))
    prior = np.random.default_rng(0).standard_normal((POOL, TARGETS)) / np.sqrt(TARGETS)
    targets = np.asarray(system.vectors) @ (np.sqrt(np.maximum(np.asarray(system.values), 0))[:, None] * prior)
    return Spectrum(values, law.exponent - 1, kernel, targets)


def theory(spectrum: Spectrum, regime: str, limit: str, sizes: np.ndarray) -> np.ndarray:
    """Return the predicted test error, in the variance-limited regime beyond that of as many as there are."""
    modes = spectrum.modes(regime)

    def risk(limited: Any) -> np.ndarray:
        if limit == "points n":
            return np.asarray(lr.random_feature_risk(*modes, n=limited, k=FEW if beyond else np.inf).test)
        n = FEW if beyond else MANY[regime]
        return np.asarray(lr.random_feature_risk(*modes, n=n, k=limited).test)

    beyond = regime == "variance"
    return risk(sizes) - (risk(MANY[regime] if limit == "points n" else np.inf) if beyond else 0.0)


def measure(spectrum: Spectrum, regime: str, limit: str) -> np.ndarray:
    """Return what `theory` predicts at the sizes, measured on Gaussian eigenfunctions, (sizes, trials)."""
    modes, sizes = spectrum.modes(regime), list(SIZES[regime])
    trials = TRIALS[regime][LIMITS.index(limit)]

    def risk(n: list[int], k: int | None) -> np.ndarray:
        return measured_spectrum_risk(*modes, n=n, k=k, trials=trials).test.values[:, 0]

    if regime == "resolution":
        if limit == "points n":
            return risk(sizes, None)
        return np.concatenate([risk([MANY[regime]], k) for k in sizes])
    if limit == "points n":
        errors = risk([*sizes, MANY[regime]], FEW)
        return errors[:-1] - errors[-1]
    # The same training sets every time.
    return np.concatenate([risk([FEW], k) for k in sizes]) - risk([FEW], None)


def measure_on_points(spectrum: Spectrum) -> np.ndarray:
    """Return the test error of the pool's own points, trained on some and tested on the others, (sizes, trials)."""
    sizes, trials = list(POOL_SIZES), TRIALS["resolution"][0]
    return lr.measured_kernel_risk(spectrum.kernel, spectrum.y, n=sizes, trials=trials).test.values


def fitted_exponent(sizes: Any, errors: np.ndarray) -> tuple[float, float]:
    """Return the slope of log mean error against log size, and its standard error.

    Sizes count by their precision, the square of the mean over its standard error.
    """
    mean, error = mean_with_error(errors.T)
    weights = (mean / error) ** 2

    def slope(kept: np.ndarray) -> float:
        return log_slope(np.array(sizes), np.maximum(errors[:, kept].mean(axis=1), 1e-30), weights)

    return jackknife(slope, errors.shape[1])


def check() -> Check:
    """Fit the exponents of the four regimes on a power law, and of the learning curve on digits."""
    numbers, words, holds = {}, [], True
    cases = [("power law", regime, limit) for regime in SIZES for limit in LIMITS]
    for name, regime, limit in [*cases, ("digits", "resolution", POINTS)]:
        known, is_real = spectrum_of(name, float(name == "power law")), limit == POINTS
        errors = measure_on_points(known) if is_real else measure(known, regime, limit)
        slope, stderr = fitted_exponent(POOL_SIZES if is_real else SIZES[regime], errors)
        expected = -known.exponent if regime == "resolution" else -1.0
        key = f"{regime}_{limit.split()[0]}"
        numbers |= {key: slope, f"{key}_stderr": stderr}
        words.append(f"{slope:.2f} ± {stderr:.2f} ({regime}, {limit}; expected {expected:.2f})")
        holds &= abs(slope - expected) < _FINITE + 2 * stderr and stderr < 0.15
    return Check(bool(holds), f"Fitted exponents: {', '.join(words)}.", numbers)
