"""Kumar et al.: a network that memorises before it understands passes from lazy to rich training."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import param
import xarray as xr

import lazyrich as lr
from lazyrich.dynamics import linearised_grokking

from ...marks import Axis, Part
from ...numerals import numeral
from ...views.base import mean_with_error
from ..base import GalleryPage, Panel, Picture, measured
from ..checks import Check

_LEARNED = 0.1  # of the loss of predicting the targets' mean, 1/4
_MEAN = 0.25
_CHECKED_ALPHAS, _SEEDS = (0.125, 1.0, 8.0), 3


def _steps_until_learned(run: xr.Dataset, name: str) -> float:
    """Return the first checkpoint at which a loss is a tenth of that of the mean; infinity if it never is."""
    below = run.step.values[run[name].values < _LEARNED * _MEAN]
    return float(below[0]) if len(below) else np.inf


def _said(steps: float) -> str:
    return f"step {steps:,.0f}" if np.isfinite(steps) else "never"


class Grokking(GalleryPage):
    """Losses and the parts of the test loss against time; features and weights against time."""

    title = "Grokking as the transition from lazy to rich training dynamics"
    paper = "Kumar, Bordelon, Gershman & Pehlevan, ICLR 2024"
    year = 2023
    url = "https://arxiv.org/abs/2310.06110"
    claim = (
        "Grokking is a late passage from lazy to rich: a network fits its training points with its initial features, "
        "and generalises only when the features have turned to the task; how late is set by the output scale α, with "
        "no help of weight decay."
    )
    look_for = (
        "* Left: the training loss falls first; the test loss climbs, stands, and falls hundreds of steps later. "
        "The dashed line is the same network kept lazy: it never understands.\n"
        "* The test loss is the sum of three parts, in closed form: the misalignment falls last.\n"
        "* Right: the features align with the target while the test loss falls, and the weights *grow*.\n"
        "* α = 0.125 (rich): no delay. α = 8 (lazy): no understanding.\n"
        "* Smaller ε: the first kernel suits the target less, and memorising takes over."
    )
    topics = ("grokking", "lazy and rich", "feature learning", "polynomial regression", "dynamics")
    panels = (
        Panel(
            "loss",
            "Memorised, then understood",
            (
                Part("test: error", "segments", "test", legend=False),
                Part("test, lazy", "dashes", "theory"),
                Part("mean", "line", "initial"),
                Part("misalignment", "line", "trained"),
                Part("linear", "line", "guide"),
                Part("sum", "line", "test", legend=False),
                Part("train", "points", "train"),
                Part("test", "points", "test"),
            ),
            Axis("time t = learning rate × steps", log=True),
            Axis("loss  Σ(f − y)²/2n", log=True),
        ),
        Panel(
            "features",
            "Features and weights",
            (
                Part("features with target", "line", "trained"),
                Part("kernel with target", "line", "initial"),
                Part("growth of |W|", "line", "theory"),
            ),
            Axis("time t = learning rate × steps", log=True),
            Axis("alignment; |Wₜ|/|W₀| − 1"),
        ),
    )
    alpha = param.Number(1.0, bounds=(0.03125, 32), doc="Output scale α: large is lazy.", label="Output scale α")
    epsilon = param.Number(
        0.25, bounds=(0, 2), doc="Strength of the quadratic features: small is misaligned.", label="Quadratic part ε"
    )
    n_train = param.Integer(165, bounds=(30, 600), step=15, doc="Training points, in 30 dimensions.", label="Points n")
    seed = param.Integer(0, bounds=(0, 20), doc="Seed of data and weights.", label="Seed")
    steps: ClassVar = {
        "alpha": [0.03125, 0.0625, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0],
        "epsilon": [0.05, 0.1, 0.15, 0.25, 0.35, 0.5, 0.75, 1.0],
    }

    @property
    def _spec(self) -> lr.GrokkingSpec:
        # A richer or more strongly curved network needs smaller steps; the end is the same gradient-flow time.
        rate = 2.0 ** -np.ceil(np.log2(max(1.0, 4 * self.epsilon, 0.5 / self.alpha)))
        return lr.GrokkingSpec(
            alpha=self.alpha, epsilon=self.epsilon, n_train=self.n_train, seed=self.seed, learning_rate=float(rate),
            steps=round(8000 / rate),
        )  # fmt: skip

    def predict(self) -> Picture:
        """Return the test loss of the linearised network."""
        lazy = linearised_grokking(self._spec, checkpoints=60).isel(time=slice(1, None))
        line = {"x": lazy.time.values, "y": lazy.test_loss.values}
        return Picture({"loss": {"test, lazy": line}}, {"lazy": float(lazy.test_loss[-1])})

    def measure(self) -> Iterator[Picture]:
        """Yield the network's course, once it is trained."""
        run = lr.grokking(self._spec, checkpoints=60)
        after = run.isel(time=slice(1, None))
        t = after.time.values

        def line(name: str) -> dict[str, np.ndarray]:
            values = after[name].values
            return {"x": t[values > 0], "y": values[values > 0]}

        test = measured("test", t, after.test_loss, after.test_loss_stderr, 0.1 * after.test_loss.values)
        loss = {
            **test, "train": line("train_loss"), "sum": line("expected_test_loss"), "mean": line("variance_loss"),
            "misalignment": line("misalignment_loss"), "linear": line("linear_loss"),
        }  # fmt: skip
        growth = after.weight_norm.values / float(run.weight_norm[0]) - 1
        features = {
            "features with target": {"x": t, "y": after.feature_alignment.values},
            "kernel with target": {"x": t, "y": after.ntk_alignment.values},
            "growth of |W|": {"x": t, "y": growth},
        }
        numbers = {name: _steps_until_learned(run, f"{name}_loss") for name in ("train", "test")}
        yield Picture({"loss": loss, "features": features}, {**numbers, "growth": float(growth[-1])})

    def summary(self, picture: Picture) -> str:
        """Say when points were fitted, and when the task was understood."""
        numbers = picture.numbers
        words = f"Kept lazy, the network would end at a test loss of {numeral(numbers['lazy'])}"
        if "train" not in numbers:
            return f"{words}; it is trained when the controls rest."
        return (
            f"{words}; trained, it comes below a tenth of the mean's loss on training points at "
            f"{_said(numbers['train'])}, on test points at {_said(numbers['test'])}, and its weights grow by "
            f"{100 * numbers['growth']:.0f} %."
        )

    @classmethod
    def check(cls) -> Check:
        """Look when losses fall at three output scales, whether the parts add up, and whether the weights grow."""
        delays: dict[float, list[float]] = {}
        apart, growth = [], []
        for alpha in _CHECKED_ALPHAS:
            for seed in range(_SEEDS):
                run = lr.grokking(lr.GrokkingSpec(alpha=alpha, seed=seed))
                train, test = (_steps_until_learned(run, f"{name}_loss") for name in ("train", "test"))
                delays.setdefault(alpha, []).append(np.log(test - train))
                apart.append(float(((run.test_loss - run.expected_test_loss) / run.test_loss_stderr).mean()))
                growth += [float(run.weight_norm[-1] / run.weight_norm[0]) - 1] if alpha == 1.0 else []
        rich, middle, lazy = delays.values()
        numbers, never = {"lazy_groks": float(np.isfinite(lazy).sum())}, not np.isfinite(lazy).any()
        found = {"log_delay_rich": rich, "log_delay": middle, "growth": growth, "parts_off": apart}
        for name, values in found.items():
            mean, error = mean_with_error(np.array(values))
            numbers |= {name: float(mean), f"{name}_stderr": float(error)}
        later = numbers["log_delay"] - numbers["log_delay_rich"]
        error = np.hypot(numbers["log_delay_stderr"], numbers["log_delay_rich_stderr"])
        holds = later > 3 * error and never and min(growth) > 0 and abs(numbers["parts_off"]) < 1
        sentence = (
            f"At α = 1 test points are learned {np.exp(numbers['log_delay']):,.0f} steps after the training points, "
            f"{numeral(np.exp(later), 2)} times (× or ÷ {numeral(np.exp(error), 2)}) as long as at α = 0.125 (rich); "
            f"at α = 8 (lazy) {'never' if never else 'in some runs'}. The weights grow by "
            f"{100 * numbers['growth']:.0f} ± {100 * numbers['growth_stderr']:.0f} %, and the parts add up to the "
            f"measured test loss within {max(map(abs, apart)):.1f} standard errors."
        )
        return Check(bool(holds), sentence, numbers)
