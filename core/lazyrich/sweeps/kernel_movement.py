"""How far the kernel moves: it dies with the width in the lazy limit, and grows with the richness."""

import dataclasses
from typing import Any

import xarray as xr

from .._checks import of_type
from ..experiment import Experiment
from .joined import at_the_end
from .slopes import check_enough, slope
from .sweep import sweep

_WIDTHS, _RICHNESSES = (64, 128, 256, 512), (0.125, 0.25, 0.5, 1.0, 2.0)


def kernel_movement(
    experiment: Experiment, *, widths: Any = _WIDTHS, richnesses: Any = _RICHNESSES, **running: Any
) -> xr.Dataset:
    r"""Measure how far the empirical NTK moves until the end time, $|\Theta_t - \Theta_0|_F / |\Theta_0|_F$.

    While it is small, it is $a \gamma_0 / N + b \gamma_0^2 / N$ in the NTK parametrization, and
    $a \gamma_0 / \sqrt N + b \gamma_0^2$ in muP: units move by $s = \gamma/\sqrt N$, and the part of the first order
    in s is odd in the readout weights, so that only its fluctuations of the relative size $N^{-1/2}$ remain. Hence
    the slope -1 in the width in the one (Dyer & Gur-Ari 2020; Huang & Yau 2020), and in the other -1/2 turning to 0,
    with a slope in the richness from 1 to 2, where $\gamma_0$ is no longer small beside $N^{-1/2}$.

    Args:
        experiment: what is trained; its width and richness are replaced. Give it a learning rate: the default one
            falls where a network is rich.
        widths: at least three.
        richnesses: at least three.
        **running: threads, client, path and progress, as in `sweep`.

    Returns:
        `ntk_distance` (width, richness, network); the slopes of its log, `width_slope` (richness) against log width and
        `richness_slope` (width) against log richness, and their standard errors over networks, `width_slope_stderr` and
        `richness_slope_stderr`.

    Raises:
        ValueError: as in `sweep`; too few values for a slope; fewer than two networks a point; or one that diverged.
    """
    training = dataclasses.replace(of_type(experiment, "experiment", Experiment).training, checkpoints=3)
    experiment = dataclasses.replace(experiment, training=training)
    check_enough(training.seeds, widths=widths, richnesses=richnesses)
    runs = sweep(experiment, {"network.width": widths, "network.richness": richnesses}, record=("movement",), **running)
    distance = at_the_end(runs, "ntk_distance")
    result = distance.to_dataset().assign_attrs(runs.attrs)
    for name in ("width", "richness"):
        about = f"slope of log kernel movement against log {name}"
        value, error = slope(distance, name)
        result[f"{name}_slope"] = value.assign_attrs(long_name=about)
        result[f"{name}_slope_stderr"] = error.assign_attrs(long_name=f"standard error of the {about}")
    return result
