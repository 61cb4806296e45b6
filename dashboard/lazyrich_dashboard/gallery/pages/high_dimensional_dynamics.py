"""Advani & Saxe: a linear network trained for long is worst where it has as many points as parameters."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import param

from lazyrich.theory import best_stopping_time, high_dimensional_errors, measured_high_dimensional_errors

from ...marks import Axis, Part
from ...numerals import numeral, plus_minus
from ...views.base import mean_with_error, nothing
from ..base import GalleryPage, Panel, Picture, at, measured
from ..checks import Check

_TIMES = np.geomspace(0.03, 300, 120)
_MEASURED_TIMES = np.geomspace(0.03, 300, 17)
_RATIOS = np.unique(np.append(np.geomspace(0.1, 10, 121), 1.0))
_MEASURED_RATIOS = np.array([0.125, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 4.0, 8.0])
_TRIALS = 16
_DIM = 100


def _measure(times: np.ndarray, ratio: float, snr: float, inr: float, seed: int = 0) -> dict[str, tuple]:
    """Return mean and standard error over trials of the train and test errors."""
    runs = measured_high_dimensional_errors(times, ratio=ratio, snr=snr, inr=inr, dim=_DIM, trials=_TRIALS, seed=seed)
    return {name: mean_with_error(runs[name].values.T) for name in ("train", "test")}


def _sweep(snr: float, inr: float) -> Iterator[tuple[float, tuple, tuple]]:
    """Yield ratios, with the test error of students that are stopped at the best time and of those that go on."""
    for ratio in _MEASURED_RATIOS:
        best = float(best_stopping_time(ratio=ratio, snr=snr, inr=inr))
        mean, error = _measure(np.array([best, _TIMES[-1]]), ratio, snr, inr, seed=1)["test"]
        yield ratio, (mean[0], error[0]), (mean[1], error[1])


class HighDimensionalDynamics(GalleryPage):
    """Test error against time, and against points over parameters."""

    title = "High-dimensional dynamics of generalization error"
    paper = "Advani, Saxe & Sompolinsky, Neural Networks 132 (2020); arXiv 2017"
    year = 2017
    url = "https://arxiv.org/abs/1710.03667"
    claim = (
        "Trained to the end, a network generalises worst when it has as many points as parameters; stopped in time, "
        "it generalises better with every point."
    )
    look_for = (
        "* Lines are theory, points students. Left: the test error falls, turns at the best stopping time and climbs "
        "as noise is fitted. Move n/P towards 1: the climb is steepest there.\n"
        "* Right: students that go on peak at n = P (double descent); those that are stopped do not.\n"
        "* Raise SNR: with little noise there is little to overfit.\n"
        "* Raise INR: at n < P large initial weights are never unlearned."
    )
    topics = ("linear networks", "double descent", "early stopping", "random matrices", "dynamics")
    panels = (
        Panel(
            "time",
            "Error while training",
            (
                Part("train: error", "segments", "train", legend=False),
                Part("test: error", "segments", "test", legend=False),
                Part("train, theory", "line", "train"),
                Part("test, theory", "line", "test"),
                Part("train", "points", "train", legend=False),
                Part("test", "points", "test", legend=False),
                Part("best time to stop", "rule", "guide"),
            ),
            Axis("time t  (ẇ = Xᵀ(y − Xw))", log=True),
            Axis("mean squared error / teacher's variance"),
        ),
        Panel(
            "ratio",
            "Test error after training",
            (
                Part("to the end: error", "segments", "test", legend=False),
                Part("stopped: error", "segments", "initial", legend=False),
                Part(f"to t = {_TIMES[-1]:g}, theory", "line", "test"),
                Part("stopped, theory", "line", "initial"),
                Part("to the end", "points", "test", legend=False),
                Part("stopped", "points", "initial", legend=False),
                Part("n/P", "rule", "guide", legend=False),
            ),
            Axis("points over parameters n/P", log=True),
            Axis("test error / teacher's variance", log=True),
        ),
    )
    ratio = param.Number(0.75, bounds=(0.1, 10), doc="Training points over parameters.", label="Ratio n/P")
    snr = param.Number(5.0, bounds=(0.5, 500), doc="Teacher's weight variance over the noise's.", label="Signal/noise")
    inr = param.Number(0.0, bounds=(0, 4), step=0.1, doc="Student's initial weight variance over the teacher's.",
                       label="Initial/teacher variance")  # fmt: skip
    steps: ClassVar = {
        "ratio": [0.1, 0.2, 0.35, 0.5, 0.75, 0.9, 1.0, 1.1, 1.35, 2.0, 3.5, 5.0, 10.0],
        "snr": [0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 500.0],
    }

    def predict(self) -> Picture:
        """Return both errors over time, and the test error over all ratios."""
        given = {"snr": self.snr, "inr": self.inr}
        now = high_dimensional_errors(_TIMES, ratio=self.ratio, **given)
        best = float(best_stopping_time(ratio=self.ratio, **given))
        stopped = high_dimensional_errors(best_stopping_time(ratio=_RATIOS, **given), ratio=_RATIOS, **given).test
        ended = high_dimensional_errors(_TIMES[-1], ratio=_RATIOS, **given).test
        columns = {
            "time": {
                "train, theory": {"x": _TIMES, "y": np.asarray(now.train)},
                "test, theory": {"x": _TIMES, "y": np.asarray(now.test)},
                "best time to stop": at(best) if best < _TIMES[-1] else nothing(),
            },
            "ratio": {
                f"to t = {_TIMES[-1]:g}, theory": {"x": _RATIOS, "y": np.asarray(ended)},
                "stopped, theory": {"x": _RATIOS, "y": np.asarray(stopped)},
                "n/P": at(self.ratio),
            },
        }
        least = float(high_dimensional_errors(best, ratio=self.ratio, **given).test)
        return Picture(columns, {"best time": best, "least": least, "last": float(now.test[-1])})

    def measure(self) -> Iterator[Picture]:
        """Yield students at the ratio on screen, then at one ratio after the other."""
        errors = _measure(_MEASURED_TIMES, self.ratio, self.snr, self.inr)
        last = errors["test"][0][-1], errors["test"][1][-1]
        columns = {k: v for name in errors for k, v in measured(name, _MEASURED_TIMES, *errors[name]).items()}
        yield Picture({"time": columns}, {"measured": float(last[0]), "measured error": float(last[1])})
        rows: list[tuple[float, tuple, tuple]] = []
        for row in _sweep(self.snr, self.inr):
            rows.append(row)
            x, stopped, ended = (np.array(column) for column in zip(*rows, strict=True))
            columns = measured("stopped", x, stopped[:, 0], stopped[:, 1], 0.0)
            yield Picture({"ratio": {**columns, **measured("to the end", x, ended[:, 0], ended[:, 1], 0.0)}})

    def summary(self, picture: Picture) -> str:
        """Compare the end of training with the best moment to stop."""
        numbers = picture.numbers
        words = (
            f"At n/P = {self.ratio:g} the test error is least, {numeral(numbers['least'])}, at t = "
            f"{numeral(numbers['best time'])}; at t = {_TIMES[-1]:g} it should be {numeral(numbers['last'])}"
        )
        if "measured" not in numbers:
            return f"{words}; students are drawn when the controls rest."
        measured = plus_minus(numbers["measured"], numbers["measured error"])
        return f"{words}, and is {measured} in {_TRIALS} students."

    @classmethod
    def check(cls) -> Check:
        """Compare students at nine ratios with theory, and look where they are worst."""
        snr, inr = 5.0, 0.0
        ratios, stopped, ended = (np.array(column) for column in zip(*_sweep(snr, inr), strict=True))
        given = {"ratio": ratios, "snr": snr, "inr": inr}
        expected = high_dimensional_errors(best_stopping_time(**given), **given).test
        off = stopped[:, 0] / np.asarray(expected) - 1
        error = stopped[:, 1] / np.asarray(expected)
        mean, stderr = float(off.mean()), float(np.sqrt((error**2).sum()) / len(off))
        worst = float(ratios[ended[:, 0].argmax()])
        falls = bool((np.diff(stopped[:, 0]) < 0).all())
        sentence = (
            f"Test error after long training is largest at n/P = {worst:g}, expected 1; stopped at the best time it "
            f"{'falls with every step in n/P' if falls else 'does not always fall with n/P'}, and is "
            f"{100 * mean:+.1f} ± {100 * stderr:.1f} % off theory on average."
        )
        numbers = {"worst_ratio": worst, "off_theory": mean, "off_theory_stderr": stderr, "stopped_falls": float(falls)}
        return Check(worst == 1.0 and falls and abs(mean) < 3 * stderr, sentence, numbers)
