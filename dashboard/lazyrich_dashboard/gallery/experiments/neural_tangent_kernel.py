"""Kernels of networks on the circle, narrow and wide, at the start and after training (Jacot et al., section 6)."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

import lazyrich as lr
from lazyrich.dynamics.drawn_network import DrawnNetwork

from ...numerals import numeral
from ..checks import Check
from ..statistics import jackknife, log_slope

WIDE, WIDE_NETWORKS, NETWORKS = 10_000, 4, 10
RATE, STEPS = 2.0, 30
TIME = RATE * STEPS
PRESET = lr.Experiment(
    data=lr.DataSpec("circle", n_train=12, n_test=96),
    network=lr.Network(depth=3, width=500, activation="relu", weight_var=1.0, bias_var=0.01),
    training=lr.TrainingSpec(time=TIME, learning_rate=RATE, seeds=NETWORKS, centred=False),
)
# Where kernels are looked at: angles from the point (1, 0), which is among them.
ANGLES = np.linspace(-np.pi, np.pi, 32, endpoint=False)
ORIGIN = len(ANGLES) // 2
_CHECKED_ANGLES = ANGLES[::4]
_CHECKED_SPREADS, _DRAWS = (100, 300, 1000, 3000, 10_000), 48
_CHECKED_WIDTHS, _CHECKED_NETWORKS, _CHECKED_STEPS = (100, 1000, 10_000), 5, 12


def on_circle(angles: np.ndarray) -> np.ndarray:
    """Return points (n, 2) of norm sqrt(2)."""
    return np.sqrt(2) * np.stack([np.cos(angles), np.sin(angles)], axis=1)


class Trained(NamedTuple):
    """A network's kernel at the start and at the end, its outputs at the end, and on training points at each step."""

    start: np.ndarray
    end: np.ndarray
    outputs: np.ndarray
    course: np.ndarray

    @property
    def moved(self) -> float:
        """How far the kernel has moved."""
        return float(lr.kernel_distance(self.end, self.start))


def train(net: lr.Network, data: lr.Dataset, seed: int, steps: int = STEPS) -> Trained:
    """Train a network of any width."""
    x, y, grid = data.x_train, data.y_train[:, 0], on_circle(ANGLES)
    drawn = DrawnNetwork(net, 2, len(x) * (steps + 1) + 2 * len(grid), seed)
    start = drawn.ntk(grid)
    course = [drawn.step(x, y, RATE) for _ in range(steps)]
    return Trained(start, drawn.ntk(grid), drawn(grid), np.array([*course, drawn(x)]))


def ensemble(experiment: lr.Experiment, data: lr.Dataset, x: np.ndarray) -> lr.LinearDynamics:
    """Return the ensemble of infinitely wide networks, with its predictions at x."""
    net = experiment.network
    ntk, cross = lr.nngp_and_ntk(net, data.x_train), lr.nngp_and_ntk(net, x, data.x_train)
    return lr.LinearDynamics(
        ntk.ntk, data.y_train, cross.ntk, ntk.nngp, cross.nngp, lr.nngp(net, x), learning_rate=RATE
    )


def along_modes(flow: lr.LinearDynamics, runs: list[Trained]) -> np.ndarray:
    """Return the rms over networks of the error along each principal component, (T, n)."""
    errors = (np.stack([run.course for run in runs]) - flow.y[:, 0]) @ np.asarray(flow.eigensystem.vectors)
    return np.sqrt(np.mean(np.square(errors), axis=0))


def _off_theory(flow: lr.LinearDynamics, runs: list[Trained]) -> float:
    """Return how far the errors along all components come off their decay, at most, over their norm at the start."""
    errors = along_modes(flow, runs)
    off = errors - errors[0] * flow.decay(RATE * np.arange(len(errors)))
    return float(np.linalg.norm(off, axis=1).max() / np.linalg.norm(errors[0]))


def spread(kernels: np.ndarray) -> float:
    """Return how far kernels (network, n, n) scatter: the norm of their standard deviation over that of their mean.

    Their variance falls as 1/N, with one hidden layer exactly: the kernel is then a mean over units.
    """
    return float(np.sqrt(kernels.var(axis=0, ddof=1).sum()) / np.linalg.norm(kernels.mean(axis=0)))


def _slope_against_width(values: dict[int, Callable[[np.ndarray], float]], networks: int) -> tuple[float, float]:
    """Return the slope of log values against log width with its error; each width's is computed of some networks."""
    widths = np.array(list(values), np.float64)
    return jackknife(lambda kept: log_slope(widths, np.array([value(kept) for value in values.values()])), networks)


def check() -> Check:
    """Fit the spread and the movement of kernels against the width; compare components with their decay."""
    data, net = PRESET.load_data(), PRESET.network
    grid, flow = on_circle(_CHECKED_ANGLES), ensemble(PRESET, data, on_circle(_CHECKED_ANGLES))
    spreads, movements, runs = {}, {}, []
    for width in _CHECKED_SPREADS:
        wide = dataclasses.replace(net, width=width)
        kernels = np.stack([DrawnNetwork(wide, 2, len(grid), seed).ntk(grid) for seed in range(_DRAWS)])
        spreads[width] = lambda kept, kernels=kernels: spread(kernels[kept])
    for width in _CHECKED_WIDTHS:
        wide = dataclasses.replace(net, width=width)
        runs = [train(wide, data, seed, _CHECKED_STEPS) for seed in range(_CHECKED_NETWORKS)]
        moved = np.array([run.moved for run in runs])
        movements[width] = lambda kept, moved=moved: float(moved[kept].mean())
    gap, gap_error = jackknife(lambda kept: _off_theory(flow, [runs[i] for i in kept]), _CHECKED_NETWORKS)
    scatter, scatter_error = _slope_against_width(spreads, _DRAWS)
    movement, movement_error = _slope_against_width(movements, _CHECKED_NETWORKS)
    numbers = {
        "component_gap": gap, "component_gap_stderr": gap_error,
        "spread_slope": scatter, "spread_slope_stderr": scatter_error,
        "movement_slope": movement, "movement_slope_stderr": movement_error,
    }  # fmt: skip
    holds = abs(scatter + 0.5) < 3 * scatter_error and movement < -3 * movement_error and gap < 0.05
    sentence = (
        f"From width {_CHECKED_SPREADS[0]} to {WIDE:,} the spread of the kernel over random weights falls with "
        f"the slope {scatter:.3f} ± {numeral(scatter_error, 1)}, expected −1/2, and its movement in training with "
        f"{movement:.2f} ± {numeral(movement_error, 1)}; at width {WIDE:,} the errors along principal components are "
        f"never further off their exponential decay than {100 * gap:.1f} ± {100 * gap_error:.1f} % of all error at "
        "the start."
    )
    return Check(holds, sentence, numbers)
