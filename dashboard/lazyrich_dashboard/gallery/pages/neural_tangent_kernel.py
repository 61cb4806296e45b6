"""Jacot et al.: wide networks train as regressions with a kernel that is neither random nor moved by training."""

import dataclasses
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import param

import lazyrich as lr

from ...live import band
from ...marks import Axis, Part
from ...numerals import numeral
from ..base import GalleryPage, Panel, Picture
from ..checks import Check
from ..experiments.neural_tangent_kernel import (
    ANGLES,
    NETWORKS,
    ORIGIN,
    PRESET,
    RATE,
    STEPS,
    TIME,
    WIDE,
    WIDE_NETWORKS,
    Trained,
    along_modes,
    check,
    ensemble,
    on_circle,
    spread,
    train,
)

# Principal components of the right panel, counted from 1, and their colours.
_MODES = {1: "train", 3: "test", 6: "trained"}
_CURVE = np.linspace(-np.pi, np.pi, 121)


class NeuralTangentKernel(GalleryPage):
    """The kernel on the circle, the function that is learned, and the convergence along principal components."""

    title = "Neural tangent kernel: convergence and generalization in neural networks"
    paper = "Jacot, Gabriel & Hongler, NeurIPS 2018"
    year = 2018
    url = "https://arxiv.org/abs/1806.07572"
    claim = (
        "The wider a network, the less its tangent kernel depends on its random weights and on training; it learns as "
        "kernel regression does, fastest along the first principal components."
    )
    look_for = (
        f"* Left: kernels of {NETWORKS} networks of the width you choose scatter about the line and move while they "
        f"train; those of width {WIDE:,} (rings) hardly do either. The spread falls as 1/√N.\n"
        "* Middle: trained networks (dots) lie in the band of ± 2 standard deviations that the kernel predicts.\n"
        "* Right: the error along a principal component falls as (1 − ηλ/n)^(t/η), each at its own pace.\n"
        "* Take width 32: kernel and convergence leave the theory.\n\n"
        "Depth, widths and activation are the paper's (section 6.1), and the variances (remark 1). Of a hidden matrix,"
        " 10⁸ entries at width 10,000, only products with what training meets are drawn: the same network in law."
    )
    topics = ("neural tangent kernel", "infinite width", "lazy", "kernel regression", "dynamics")
    experiment = PRESET
    panels = (
        Panel(
            "kernel",
            "Kernel on the circle",
            (
                Part("N, t = 0", "band", "initial"),
                Part("N, trained", "band", "trained"),
                Part("N = ∞", "line", "theory"),
                Part("10,000: range", "segments", "test", legend=False),
                Part("10,000, trained", "rings", "test"),
            ),
            Axis("angle γ between x₀ and x"),
            Axis("Θ(x₀, x)"),
        ),
        Panel(
            "function",
            "Function after training",
            (
                Part("± 2 σ", "band", "theory", legend=False),
                Part("networks", "cloud", "test"),
                Part("kernel ± 2 σ", "line", "theory"),
                Part("training points", "points", "train", legend=False),
            ),
            Axis("angle"),
            Axis("f(x)"),
        ),
        Panel(
            "modes",
            "Along principal components",
            (
                *(Part(f"{i}, theory", "line", role, legend=False) for i, role in _MODES.items()),
                *(Part(f"no. {i}", "points", role) for i, role in _MODES.items()),
            ),
            Axis("time t = learning rate × steps", log=True),
            Axis("error left"),
        ),
    )
    width = param.Integer(500, bounds=(16, 10_000), doc="Units in each hidden layer.", label="Width N")
    depth = param.Integer(3, bounds=(1, 4), doc="Hidden layers L, the paper's L − 1.", label="Depth L")
    bias_var = param.Number(0.01, bounds=(0, 0.1), step=0.01, doc="Variance of the biases.", label="Bias variance σ²b")
    seed = param.Integer(0, bounds=(0, 20), doc="Seed of the points and the first network.", label="Seed")
    steps: ClassVar = {"width": [16, 32, 64, 128, 250, 500, 1000, 2000, 5000, 10_000]}

    @property
    def _experiment(self) -> lr.Experiment:
        network = dataclasses.replace(PRESET.network, width=self.width, depth=self.depth, bias_var=self.bias_var)
        return dataclasses.replace(PRESET, network=network, seed=self.seed)

    def predict(self) -> Picture:
        """Return the kernel, mean and band of the ensemble, and the decay of three components."""
        experiment = self._experiment
        data = experiment.load_data()
        flow = ensemble(experiment, data, on_circle(_CURVE))
        mean = np.asarray(flow.test(TIME))[:, 0]
        margin = 2 * np.sqrt(np.maximum(np.asarray(flow.variance(TIME, "test")), 0.0))
        times = RATE * np.arange(1, STEPS + 1)
        decay = flow.decay(times)
        x = np.arctan2(*data.x_train.T[::-1])
        columns = {
            "kernel": {"N = ∞": {"x": _CURVE, "y": lr.angular_kernels(experiment.network, np.cos(_CURVE)).ntk}},
            "function": {
                "± 2 σ": band(_CURVE, mean - margin, mean + margin),
                "kernel ± 2 σ": {"x": _CURVE, "y": mean},
                "training points": {"x": x, "y": data.y_train[:, 0]},
            },
            "modes": {f"{i}, theory": {"x": times, "y": decay[:, i - 1]} for i in _MODES},
        }
        return Picture(columns)

    def measure(self) -> Iterator[Picture]:
        """Yield networks of the width on screen, one after the other, then the wide ones."""
        experiment = self._experiment
        data = experiment.load_data()
        flow = ensemble(experiment, data, on_circle(_CURVE))
        runs = []
        for seed in range(self.seed, self.seed + NETWORKS):
            runs.append(train(experiment.network, data, seed))
            yield Picture(self._drawn(flow, runs), self._numbers(runs))
        wide, runs = dataclasses.replace(experiment.network, width=WIDE), []
        for seed in range(self.seed, self.seed + WIDE_NETWORKS):
            runs.append(train(wide, data, seed))
            rows = np.stack([run.end[ORIGIN] for run in runs])
            ends = {"x0": ANGLES, "x1": ANGLES, "y0": rows.min(axis=0), "y1": rows.max(axis=0)}
            columns = {"10,000, trained": {"x": ANGLES, "y": rows.mean(axis=0)}, "10,000: range": ends}
            yield Picture({"kernel": columns}, {f"wide {name}": value for name, value in self._numbers(runs).items()})

    @staticmethod
    def _drawn(flow: lr.LinearDynamics, runs: list[Trained]) -> dict[str, Any]:
        rows = {"N, t = 0": [run.start[ORIGIN] for run in runs], "N, trained": [run.end[ORIGIN] for run in runs]}
        times, errors = RATE * np.arange(STEPS + 1), along_modes(flow, runs)
        left = errors / errors[0]
        shown = np.unique(np.round(np.geomspace(1, STEPS, 12)).astype(int))
        return {
            "kernel": {
                label: band(ANGLES, np.min(those, axis=0), np.max(those, axis=0)) for label, those in rows.items()
            },
            "function": {
                "networks": {"x": np.tile(ANGLES, len(runs)), "y": np.concatenate([run.outputs for run in runs])}
            },
            "modes": {f"no. {i}": {"x": times[shown], "y": left[shown, i - 1]} for i in _MODES},
        }

    @staticmethod
    def _numbers(runs: list[Trained]) -> dict[str, float]:
        numbers = {"networks": float(len(runs)), "moved": float(np.mean([run.moved for run in runs]))}
        return numbers | ({"spread": spread(np.stack([run.start for run in runs]))} if len(runs) > 1 else {})

    def summary(self, picture: Picture) -> str:
        """Say how far kernels scatter and move."""
        numbers = picture.numbers
        if "spread" not in numbers:
            return (
                "An infinitely wide network's kernel is not random and does not move; networks are trained when the "
                "controls rest."
            )
        words = (
            f"Kernels of {numbers['networks']:.0f} networks of width {self.width:,} scatter by "
            f"{numeral(100 * numbers['spread'], 2)} % of their size before training, and move by "
            f"{numeral(100 * numbers['moved'], 2)} %"
        )
        if "wide spread" not in numbers:
            return f"{words} until t = {TIME:g}."
        return (
            f"{words} until t = {TIME:g}; those of {numbers['wide networks']:.0f} networks of width {WIDE:,} by "
            f"{numeral(100 * numbers['wide spread'], 2)} % and {numeral(100 * numbers['wide moved'], 2)} %."
        )

    @classmethod
    def check(cls) -> Check:
        """Fit the spread and the movement of kernels against the width; compare components with their decay."""
        return check()
