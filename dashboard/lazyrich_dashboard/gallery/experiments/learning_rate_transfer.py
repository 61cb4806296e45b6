"""Sharpness in training, and losses against the learning rate, at several widths (Noci et al.)."""

import dataclasses

import numpy as np
import xarray as xr

import lazyrich as lr

from ...views.base import mean_with_error
from ..checks import STDERR, Check
from ..statistics import jackknife, log_slope

STEPS, RATE_STEPS = 300, 100
RATES = tuple(2.0 ** np.arange(0, 6.5, 0.5))
NETWORKS = 6
# In muP the rise is its limit times 1 + O(1/N): at N = 32 it is still 16 ± 7 % higher than at 256, at 64 4 ± 3 %.
_CHECKED_RISES, _CHECKED_RATES = (64, 256), (32, 256)


def experiment_of(parametrization: str, rate: float, richness: float) -> lr.Experiment:
    """Return networks of two hidden layers on a sphere."""
    return lr.Experiment(
        data=lr.DataSpec("sphere", n_train=40, n_test=1),
        network=lr.Network(2, 32, "tanh", 1.0, 0.0, parametrization, richness),
        training=lr.TrainingSpec(learning_rate=rate, seeds=NETWORKS, checkpoints=10, centred=False),
    )


def losses(experiment: lr.Experiment, width: int) -> xr.Dataset:
    """Return the losses of networks of a width after some steps, at all learning rates."""
    return lr.sweeps.learning_rate_transfer(experiment, steps=RATE_STEPS, widths=[width], learning_rates=RATES)


def rises_of(spec: lr.Experiment, width: int, checkpoints: int) -> tuple[xr.Dataset, np.ndarray]:
    """Return the sharpness of networks of a width, and how much each one's rises in training."""
    spec = dataclasses.replace(spec, training=dataclasses.replace(spec.training, checkpoints=checkpoints))
    run = lr.sweeps.sharpness(spec, steps=STEPS, widths=[width])
    curves = run.sharpness.isel(width=0).transpose("network", "step").values
    return run, curves[:, -1] - curves[:, 0]


def best_rate(runs: xr.Dataset) -> tuple[float, float]:
    """Return the mean over networks of the log2 of one width's best learning rate, and its standard error."""
    best = np.log2(runs.best_learning_rate.isel(width=0).values)
    return tuple(map(float, mean_with_error(best[np.isfinite(best)])))  # pyright: ignore[reportReturnType]


def check() -> Check:
    """Fit the sharpness's rise against the width, and compare best learning rates, in both parametrizations."""
    numbers: dict[str, float] = {}
    for name in ("mup", "ntk"):
        spec = experiment_of(name, 1.0, 1.0)
        rises = np.stack([rises_of(spec, width, 2)[1] for width in _CHECKED_RISES])
        slope, error = jackknife(
            lambda kept, rises=rises: log_slope(np.array(_CHECKED_RISES), rises[:, kept].mean(axis=1)), NETWORKS
        )
        narrow, wide = (best_rate(losses(spec, width)) for width in _CHECKED_RATES)
        numbers |= {f"rise_slope_{name}": slope, f"rise_slope_{name}_stderr": error}
        numbers |= {f"octaves_{name}": wide[0] - narrow[0]}
        numbers |= {f"octaves_{name}_stderr": float(np.hypot(wide[1], narrow[1]))}

    def told(name: str) -> str:
        return f"{numbers[name]:.2f} ± {numbers[f'{name}{STDERR}']:.2f}"

    def off(name: str, expected: float) -> float:
        """Return how many standard errors a number is off what is expected of it."""
        return (numbers[name] - expected) / numbers[f"{name}{STDERR}"]

    sentence = (
        f"From N = {_CHECKED_RISES[0]} to {_CHECKED_RISES[1]} the sharpness's rise in training has the slope "
        f"{told('rise_slope_mup')} against N in muP (expected 0), {told('rise_slope_ntk')} in the NTK "
        f"parametrization (expected −1); from {_CHECKED_RATES[0]} to {_CHECKED_RATES[1]} the best learning rate "
        f"moves by {told('octaves_mup')} octaves in muP (expected 0), {told('octaves_ntk')} in the NTK "
        "parametrization (expected to move)."
    )
    stays = abs(off("rise_slope_mup", 0)) < 3 and abs(off("octaves_mup", 0)) < 3
    moves = abs(off("rise_slope_ntk", -1)) < 3 and off("octaves_ntk", 0) > 3
    # What stays must be known well enough to tell it from what moves.
    told_apart = off("rise_slope_mup", -1) > 10 and numbers["octaves_mup_stderr"] < numbers["octaves_ntk"] / 3
    return Check(bool(stays and moves and told_apart), sentence, numbers)
