"""Jacot et al.: wide networks train as regressions with a kernel that is neither random nor moved by training."""

import dataclasses
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import param
import xarray as xr

import lazyrich as lr
from lazyrich.sweeps.slopes import slope

from ...live import band
from ...marks import Axis, Part
from ..base import GalleryPage, Panel, Picture
from ..checks import Check

_WIDE = 10_000
# Principal components of the right panel, counted from 1, and their colours.
_MODES = {1: "train", 5: "test", 10: "trained"}
_PRESET = lr.Experiment(
    data=lr.DataSpec("circle", n_train=32, n_test=96),
    network=lr.Network(depth=1, width=500, activation="relu", weight_var=2.0, bias_var=0.1),
    training=lr.TrainingSpec(time=50.0, learning_rate=0.1, seeds=8, checkpoints=12, ntk_points=32, centred=False),
)
_CHECKED_WIDTHS = (64, 512, 4096)
_CHECKED_COMPONENTS = 10
# Weights between hidden layers of all networks together: a gigabyte in single precision, of which training holds some.
_MOST_WEIGHTS = 2**27


def _train(experiment: lr.Experiment, width: int) -> Iterator[xr.Dataset]:
    """Yield the checkpoints of networks of a width."""
    network = dataclasses.replace(experiment.network, width=width)
    weights = experiment.training.seeds * (network.depth - 1) * width**2
    if weights > _MOST_WEIGHTS:
        raise ValueError(
            f"The networks may have {_MOST_WEIGHTS:.2g} weights between hidden layers; got {weights:.2g} at width "
            f"{width:,}. Lower the depth or the width."
        )
    yield from dataclasses.replace(experiment, network=network).train_stream(record=("loss", "outputs", "ntk"))


def _angles(x: np.ndarray) -> np.ndarray:
    return np.arctan2(x[:, 1], x[:, 0])


def _flow(experiment: lr.Experiment, data: lr.Dataset) -> lr.LinearDynamics:
    """Return the ensemble of infinitely wide networks."""
    net, x, x_test = experiment.network, data.x_train, data.x_test
    ntk, cross = lr.nngp_and_ntk(net, x), lr.nngp_and_ntk(net, x_test, x)
    test = lr.nngp(net, x_test)
    step = experiment.training.learning_rate
    return lr.LinearDynamics(ntk.ntk, data.y_train, cross.ntk, ntk.nngp, cross.nngp, test, learning_rate=step)


def _along_modes(flow: lr.LinearDynamics, chunks: list[xr.Dataset]) -> np.ndarray:
    """Return the rms over networks of the error along each principal component, over that at the start, (T, n)."""
    vectors = np.asarray(flow.eigensystem.vectors)
    errors = [(chunk.f_train.values[:, 0, :, 0] - flow.y[:, 0]) @ vectors for chunk in chunks]
    rms = np.sqrt(np.mean(np.square(errors), axis=1))
    return rms / rms[0]


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
        "* Left: kernels of eight networks of the width you choose scatter about the line and move while they train; "
        f"those of width {_WIDE:,} (rings) hardly do either. The spread falls as 1/√N.\n"
        "* Middle: trained networks (dots) lie in the band of ± 2 standard deviations that the kernel predicts.\n"
        "* Right: the error along a principal component falls as (1 − ηλ/n)^(t/η), each at its own pace.\n"
        "* Take width 32: kernel and convergence leave the theory."
    )
    topics = ("neural tangent kernel", "infinite width", "lazy", "kernel regression", "dynamics")
    experiment = _PRESET
    panels = (
        Panel(
            "kernel",
            "Kernel on the circle",
            (
                Part("N, t = 0", "band", "initial"),
                Part("N, trained", "band", "trained"),
                Part("N = ∞", "line", "theory"),
                Part("10,000, trained", "rings", "trained", legend=False),
            ),
            Axis("angle from the first point"),
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
    depth = param.Integer(
        1, bounds=(1, 4), doc="Hidden layers L; the wide networks are trained at one.", label="Depth L"
    )
    bias_var = param.Number(0.1, bounds=(0, 1), step=0.05, doc="Variance of the biases.", label="Bias variance σ²b")
    seed = param.Integer(0, bounds=(0, 20), doc="Seed of the points and the first network.", label="Seed")
    steps: ClassVar = {"width": [16, 32, 64, 128, 250, 500, 1000, 2000, 5000, 10_000]}

    @property
    def _experiment(self) -> lr.Experiment:
        network = dataclasses.replace(_PRESET.network, width=self.width, depth=self.depth, bias_var=self.bias_var)
        return dataclasses.replace(_PRESET, network=network, seed=self.seed)

    def predict(self) -> Picture:
        """Return the kernel, mean and band of the ensemble, and the decay of three components."""
        experiment = self._experiment
        data = experiment.load_data()
        flow, end = _flow(experiment, data), experiment.training.time
        angles = np.linspace(-np.pi, np.pi, 121)
        curve = lr.angular_kernels(experiment.network, np.cos(angles)).ntk
        order = np.argsort(_angles(data.x_test))
        x, mean = _angles(data.x_test)[order], np.asarray(flow.test(end))[order, 0]
        spread = 2 * np.sqrt(np.maximum(np.asarray(flow.variance(end, "test"))[order], 0.0))
        step = _PRESET.training.learning_rate or 1.0
        times = step * np.unique(np.round(np.geomspace(1, end / step, 80)))
        decay = flow.decay(times)
        columns = {
            "kernel": {"N = ∞": {"x": angles, "y": np.asarray(curve)}},
            "function": {
                "± 2 σ": band(x, mean - spread, mean + spread),
                "kernel ± 2 σ": {"x": x, "y": mean},
                "training points": {"x": _angles(data.x_train), "y": data.y_train[:, 0]},
            },
            "modes": {f"{i}, theory": {"x": times, "y": decay[:, i - 1]} for i in _MODES},
        }
        return Picture(columns)

    def measure(self) -> Iterator[Picture]:
        """Yield the networks of the width on screen, checkpoint by checkpoint, then the wide ones."""
        experiment = self._experiment
        data = experiment.load_data()
        flow, chunks = _flow(experiment, data), []
        for chunk in _train(experiment, self.width):
            chunks.append(chunk)
            yield Picture(self._drawn(data, flow, chunks), self._numbers(flow, chunks))
        if self.depth == 1:
            angle, kernel = self._row(data, list(_train(experiment, _WIDE))[-1])
            yield Picture({"kernel": {"10,000, trained": {"x": angle, "y": kernel.mean(axis=0)}}})

    @staticmethod
    def _row(data: lr.Dataset, chunk: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
        """Return the angles of the points from the first one, ascending, and each network's kernel there."""
        angle = _angles(data.x_train)
        away = np.angle(np.exp(1j * (angle - angle[0])))
        order = np.argsort(away)
        return away[order], chunk.ntk.values[:, 0, 0][:, order]

    def _drawn(self, data: lr.Dataset, flow: lr.LinearDynamics, chunks: list[xr.Dataset]) -> dict[str, Any]:
        kernel = {}
        for label, chunk in (("N, t = 0", chunks[0]), ("N, trained", chunks[-1])):
            angle, rows = self._row(data, chunk)
            kernel[label] = band(angle, rows.min(axis=0), rows.max(axis=0))
        outputs = chunks[-1].f_test.values[:, 0, :, 0]
        times, left = np.array([float(chunk.time[0]) for chunk in chunks]), _along_modes(flow, chunks)
        return {
            "kernel": kernel,
            "function": {"networks": {"x": np.tile(_angles(data.x_test), len(outputs)), "y": outputs.ravel()}},
            "modes": {f"no. {i}": {"x": times[1:], "y": left[1:, i - 1]} for i in _MODES},
        }

    @staticmethod
    def _numbers(flow: lr.LinearDynamics, chunks: list[xr.Dataset]) -> dict[str, float]:
        start, now = (chunk.ntk.values[:, 0].astype(np.float64) for chunk in (chunks[0], chunks[-1]))
        moved = [float(lr.kernel_distance(a, b)) for a, b in zip(now, start, strict=True)]
        spread = start.std(axis=0, ddof=1)
        relative = float(np.linalg.norm(spread) / np.linalg.norm(start.mean(axis=0)))
        return {"moved": float(np.mean(moved)), "spread": relative, "time": float(chunks[-1].time[0])}

    def summary(self, picture: Picture) -> str:
        """Say how far kernels scatter and move."""
        if "moved" not in picture.numbers:
            return "An infinitely wide network's kernel is not random and does not move; networks come at rest."
        numbers = picture.numbers
        return (
            f"Kernels of 8 networks of width {self.width:,} scatter by {100 * numbers['spread']:.2g} % of their size "
            f"before training, and have moved by {100 * numbers['moved']:.2g} % at t = {numbers['time']:.3g}."
        )

    @classmethod
    def check(cls) -> Check:
        """Fit the spread and the movement of kernels against the width; compare components with their decay."""
        training = dataclasses.replace(_PRESET.training, time=30.0, checkpoints=8)
        preset = dataclasses.replace(_PRESET, training=training)
        data = preset.load_data()
        theta, flow = np.asarray(lr.ntk(preset.network, data.x_train)), _flow(preset, data)
        off, moved, gaps = [], [], np.array([np.inf])
        for width in _CHECKED_WIDTHS:
            chunks = list(_train(preset, width))
            start, end = (chunk.ntk.values[:, 0].astype(np.float64) for chunk in (chunks[0], chunks[-1]))
            off.append([lr.kernel_distance(kernel, theta) for kernel in start])
            moved.append([lr.kernel_distance(a, b) for a, b in zip(end, start, strict=True)])
            decay = flow.decay(np.array([float(chunk.time[0]) for chunk in chunks]))
            gaps = (_along_modes(flow, chunks) - decay)[1:, :_CHECKED_COMPONENTS]
        gap = float(np.sqrt((gaps**2).mean()))
        numbers = {"component_gap": gap}
        for name, values in (("spread_slope", off), ("movement_slope", moved)):
            array = xr.DataArray(values, dims=("width", "network"), coords={"width": list(_CHECKED_WIDTHS)}, name=name)
            found, error = slope(array, "width")
            numbers |= {name: float(found), f"{name}_stderr": float(error)}
        spread, movement = numbers["spread_slope"], numbers["movement_slope"]
        errors = numbers["spread_slope_stderr"], numbers["movement_slope_stderr"]
        holds = abs(spread + 0.5) < 3 * errors[0] and movement < -3 * errors[1] and gap < 0.1
        sentence = (
            f"The kernel's distance from its infinite-width limit falls with the width with the slope {spread:.2f} ± "
            f"{errors[0]:.1g}, expected −1/2, and its movement with {movement:.2f} ± {errors[1]:.1g}; at width "
            f"{_CHECKED_WIDTHS[-1]:,} the errors along the first {_CHECKED_COMPONENTS} components are {gap:.2g} (rms) "
            "off their exponential decay."
        )
        return Check(holds, sentence, numbers)
