"""Simon et al.: with the best ridge more points and more features never hurt, and fitting every target may be best."""

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import param

import lazyrich as lr
from lazyrich.theory import measured_spectrum_risk

from ...marks import Axis, Part
from ...numerals import numeral
from ...views.base import mean_with_error
from ..base import GalleryPage, Panel, Picture, at, measured
from ..checks import Check

# The eigenvalues' exponent a; modes enough that what is cut off weighs less than the error bars.
_A, _MODES = 1.5, 1000
_LAMBDA = np.arange(1, _MODES + 1.0) ** -_A
_MEASURED_N = np.array([4, 8, 16, 32, 48, 64, 80, 128, 256])
_AT = 128  # points of the right panel
_N = np.unique([*np.round(np.geomspace(4, 256, 60)).astype(int), *_MEASURED_N])
_RIDGES = np.geomspace(1e-5, 30, 100)
_MEASURED_RIDGES = np.array([1e-5, 0.003, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0])
_TRIALS = 12
_TINY = 1e-4


def _target(b: float) -> np.ndarray:
    """Return coefficients v_i with v_i^2 = i^-b."""
    return np.arange(1, _MODES + 1.0) ** (-b / 2)


def _noise(b: float, relative: float) -> float:
    """Return the noise variance that is so many times the error of interpolation at the right panel's n."""
    kernel = lr.kernel_regression_risk(_LAMBDA, _target(b), n=float(_AT))
    return relative * float((((1 - np.asarray(kernel.learnability)) * _target(b)) ** 2).sum())


def _best(b: float, noise: float, k: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the best ridge for each n, and the test error with it."""
    ridge = np.asarray(lr.optimal_ridge(_LAMBDA, _target(b), n=_N * 1.0, noise=noise, k=k))
    risk = lr.random_feature_risk(_LAMBDA, _target(b), n=_N * 1.0, k=k, ridge=ridge, noise=noise)
    return ridge, np.asarray(risk.test)


def _measured_best(b: float, noise: float, k: int, trials: int, seed: int) -> dict[str, np.ndarray]:
    """Return errors at the tiny ridge and at the best, (n, trial) each."""
    ridges = _best(b, noise, k)[0][np.searchsorted(_N, _MEASURED_N)]
    runs = measured_spectrum_risk(
        _LAMBDA, _target(b), n=_MEASURED_N, k=k, ridge=np.append(ridges, _TINY), noise=noise, trials=trials, seed=seed
    )
    test = runs.test.values
    return {"tiny": test[:, -1], "best": test[np.arange(len(ridges)), np.arange(len(ridges))]}


def _by_ratio(b: float, noise: float, trials: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return fitting ratios and test errors of kernel regressions over the measured ridges, (ridge, trial) each."""
    runs = measured_spectrum_risk(
        _LAMBDA, _target(b), n=_AT, ridge=_MEASURED_RIDGES, noise=noise, trials=trials, seed=seed
    )
    return (runs.train / runs.test).values[0], runs.test.values[0]


class MoreIsBetter(GalleryPage):
    """Test error against points, with and without the best ridge; and against how closely the targets are fitted."""

    title = "More is better: when infinite overparameterization is optimal and overfitting is obligatory"
    paper = "Simon, Karkada, Ghosh & Belkin, ICLR 2024"
    year = 2023
    url = "https://arxiv.org/abs/2311.14646"
    claim = (
        "With the best ridge more points and more features always help; and on power-law tasks with little noise the "
        "best ridge is none: fitting the targets exactly is not just harmless but obligatory."
    )
    look_for = (
        "* Lines are theory, points regressions. Left: without ridge (orange) the error peaks where points equal "
        "features, n = k. With the best ridge (green) it only falls, and so it does when you raise k.\n"
        "* Right: each point is a ridge; n = 128 and the kernel of all features. The lowest is at the optimal fitting "
        "ratio R*. With little noise R* = 0, interpolation; raise the noise and it moves to the right.\n"
        "* Raise b: a steeper target bears more noise before interpolation ceases to be best."
    )
    topics = ("random features", "kernel regression", "double descent", "ridge", "learning curves")
    panels = (
        Panel(
            "points",
            "Test error of k random features",
            (
                Part("tiny ridge: error", "segments", "test", legend=False),
                Part("best ridge: error", "segments", "initial", legend=False),
                Part("ridge 10⁻⁴, theory", "line", "test"),
                Part("best, theory", "line", "initial"),
                Part("best, k = ∞", "dashes", "theory"),
                Part("tiny ridge", "points", "test", legend=False),
                Part("best ridge", "points", "initial", legend=False),
                Part("n = k", "rule", "guide", legend=False),
            ),
            Axis("training points n", log=True),
            Axis("test error (mean square, with noise)", log=True),
        ),
        Panel(
            "fit",
            f"Which ridge is best at n = {_AT}?",
            (
                Part("regressions: error", "segments", "test", legend=False),
                Part("all ridges, theory", "line", "theory"),
                Part("regressions", "points", "test", legend=False),
                Part("R*, optimal ratio", "rule", "guide"),
            ),
            Axis("fitting ratio R = train error / test error"),
            Axis("test error (mean square, with noise)"),
        ),
    )
    k = param.Integer(64, bounds=(8, 512), doc="Random features of the left panel.", label="Features k")
    b = param.Number(2.0, bounds=(1.6, 3.0), step=0.1, doc="Target: v_i² = i^−b.", label="Target's exponent b")
    relative_noise = param.Number(
        0.5, bounds=(0, 20), doc="Noise variance, over the error that interpolation would have without noise.",
        label="Relative noise",
    )  # fmt: skip
    steps: ClassVar = {
        "k": [8, 16, 32, 64, 128, 256, 512],
        "relative_noise": [0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 4.0, 8.0, 20.0],
    }

    def predict(self) -> Picture:
        """Return the curves over n, and the curve of all ridges."""
        noise, v = _noise(self.b, self.relative_noise), _target(self.b)
        tiny = lr.random_feature_risk(_LAMBDA, v, n=_N * 1.0, k=self.k, ridge=_TINY, noise=noise).test
        over = lr.kernel_regression_risk(_LAMBDA, v, n=float(_AT), ridge=_RIDGES, noise=noise)
        best_ratio = lr.optimal_fitting_ratio(_A, self.b, self.relative_noise)
        ridges, at_best = _best(self.b, noise, np.inf)
        x = _N * 1.0
        points = {
            "ridge 10⁻⁴, theory": {"x": x, "y": np.asarray(tiny)},
            "best, theory": {"x": x, "y": _best(self.b, noise, self.k)[1]},
            "best, k = ∞": {"x": x, "y": at_best},
            "n = k": at(self.k),
        }
        fit = {
            "all ridges, theory": {"x": np.asarray(over.train / over.test), "y": np.asarray(over.test)},
            "R*, optimal ratio": at(best_ratio),
        }
        ridge = float(ridges[np.searchsorted(_N, _AT)])
        return Picture({"points": points, "fit": fit}, {"R*": best_ratio, "ridge": ridge, "noise": noise})

    def measure(self) -> Iterator[Picture]:
        """Yield regressions, one draw after the other, as means with their standard errors."""
        noise = _noise(self.b, self.relative_noise)
        runs: list[tuple[dict[str, np.ndarray], tuple[np.ndarray, np.ndarray]]] = []
        for trial in range(_TRIALS):
            runs.append((_measured_best(self.b, noise, self.k, 1, trial), _by_ratio(self.b, noise, 1, trial)))
            points: dict[str, Any] = {}
            for name in ("tiny", "best"):
                mean, error = mean_with_error(np.stack([left[name][:, 0] for left, _ in runs]))
                points |= measured(f"{name} ridge", _MEASURED_N, mean, error, 0.1 * mean)
            ratios, tests = (np.stack([right[row][:, 0] for _, right in runs]) for row in (0, 1))
            mean, error = mean_with_error(tests)
            columns = {"points": points, "fit": dict(measured("regressions", ratios.mean(axis=0), mean, error))}
            yield Picture(columns, {"lowest": float(ratios.mean(axis=0)[mean.argmin()]), "draws": trial + 1.0})

    def summary(self, picture: Picture) -> str:
        """Say whether interpolation is best, and what was measured."""
        numbers = picture.numbers
        ridge = "no ridge" if numbers["ridge"] == 0 else f"a ridge of {numeral(numbers['ridge'], 2)}"
        words = (
            f"With noise {self.relative_noise:g} times the error of interpolation the optimal fitting ratio should be "
            f"{numeral(numbers['R*'], 2)} for large n; at n = {_AT} {ridge} is best"
        )
        if "lowest" not in numbers:
            return f"{words}; regressions are drawn when the controls rest."
        return f"{words}; of {numbers['draws']:.0f} draws the lowest error is at R = {numeral(numbers['lowest'], 2)}."

    @classmethod
    def check(cls) -> Check:
        """Look for the peak at n = k, for a fall with the best ridge, and for the best ridge at two noises."""
        b, k, trials = 2.0, 64, 10
        noise = _noise(b, 1.0)
        left = {name: values.mean(axis=1) for name, values in _measured_best(b, noise, k, trials, 0).items()}
        n, falls = _MEASURED_N, bool((np.diff(left["best"]) < 0).all())
        peak = float(n[1:-1][(left["tiny"][1:-1] > left["tiny"][:-2]) & (left["tiny"][1:-1] > left["tiny"][2:])][0])
        gains, errors = [], []
        for relative in (0.5, 4.0):  # interpolation is best up to (b - a)/(a - 1) = 1
            _, tests = _by_ratio(b, _noise(b, relative), trials, 1)
            gain = 1 - tests[3] / tests[0]  # of the ridge 0.1 over hardly any
            gains.append(float(gain.mean()))
            errors.append(float(gain.std(ddof=1) / np.sqrt(trials)))
        holds = peak == k and falls and gains[0] < -2 * errors[0] and gains[1] > 2 * errors[1]
        sentence = (
            f"With {k} features and a tiny ridge the error peaks at n = {peak:g}, expected {k}; with the best ridge it "
            f"{'falls with every step in n' if falls else 'does not always fall with n'}; a ridge of "
            f"{_MEASURED_RIDGES[3]:g} changes it by {-100 * gains[0]:+.1f} ± {100 * errors[0]:.1f} % at relative noise "
            f"0.5, where interpolation should be best, and by {-100 * gains[1]:+.1f} ± {100 * errors[1]:.1f} % at 4, "
            "where it should not."
        )
        numbers = {"peak": peak, "best_falls": float(falls)}
        for name, gain, error in zip(("gain_low_noise", "gain_high_noise"), gains, errors, strict=True):
            numbers |= {name: gain, f"{name}_stderr": error}
        return Check(holds, sentence, numbers)
