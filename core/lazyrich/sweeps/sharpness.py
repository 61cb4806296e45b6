"""Sharpness against step: whether it is the same at every width, and whether training drives it up."""

import dataclasses
from typing import Any

import numpy as np
import xarray as xr

from .._checks import of_type, whole
from ..experiment import Experiment
from .sweep import sweep

_WIDTHS = (64, 128, 256, 512)


def sharpness(experiment: Experiment, *, steps: int, widths: Any = _WIDTHS, **running: Any) -> xr.Dataset:
    r"""Measure the largest eigenvalue of the loss's Hessian against the step, at several widths.

    In units of 1/learning rate, so that the edge of stability lies at $2/\eta$ in every parametrization. In muP it
    rises alike at every width; in the NTK parametrization its rise dies as the network gets wider (Noci et al. 2024,
    "Super consistency of neural network landscapes and learning rate transfer", section 4).

    Args:
        experiment: what is trained; its width and time are replaced. It needs a learning rate.
        steps: how many steps each network trains.
        widths: as in `Network`.
        **running: threads, client, path and progress, as in `sweep`.

    Returns:
        `sharpness` and `train_loss` (width, network, step), at the experiment's number of checkpoints, log-spaced; NaN
        after a network diverged, see `status` (width). `attrs["edge"]` is $2/\eta$, or $2(1 + \beta)/\eta$ with
        momentum $\beta$.

    Raises:
        ValueError: as in `sweep`; or an experiment without a learning rate.
    """
    training = of_type(experiment, "experiment", Experiment).training
    experiment = dataclasses.replace(experiment, training=dataclasses.replace(training, edge_fraction=None))
    runs = sweep(
        experiment, {"network.width": widths}, steps=whole(steps, "steps", 1), record=("loss", "sharpness"), **running
    )
    rate = training.learning_rate
    times = runs.time.isel(width=0)  # which do not depend on the width: the learning rate is given
    runs = runs.drop_vars(["time", "learning_rate"]).rename(checkpoint="step")
    edge = 2 * (1 + training.momentum) / rate
    return (
        runs[["sharpness", "train_loss", "status"]]
        .assign_coords(step=np.round(times.values / rate).astype(int))
        .assign_attrs(learning_rate=rate, edge=edge)
    )
