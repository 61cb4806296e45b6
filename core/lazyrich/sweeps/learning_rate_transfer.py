"""Learning-rate transfer: whether the best learning rate of a narrow network is that of a wide one."""

import dataclasses
from typing import Any

import numpy as np
import xarray as xr

from .._checks import of_type, whole
from ..experiment import Experiment
from .joined import at_the_end
from .sweep import sweep

_WIDTHS = (64, 128, 256, 512)
_LEARNING_RATES = tuple(2.0**power for power in range(-4, 5))


def learning_rate_transfer(
    experiment: Experiment,
    *,
    steps: int,
    widths: Any = _WIDTHS,
    learning_rates: Any = _LEARNING_RATES,
    **running: Any,
) -> xr.Dataset:
    r"""Measure the training loss after some steps against the learning rate, at several widths.

    In muP the curves of different widths lie on one another, and with them their minima (Yang et al. 2021, "Tensor
    Programs V", section 2; Noci et al. 2024).

    Args:
        experiment: what is trained; its width, learning rate and time are replaced.
        steps: how many steps each network trains.
        widths: as in `Network`.
        learning_rates: as in `train`.
        **running: threads, client, path and progress, as in `sweep`.

    Returns:
        `final_loss` (width, learning_rate, network), NaN for all networks of a point if one of them diverged;
        `best_learning_rate` (width, network), of the least final loss, and `best_of_mean` (width), of the least mean
        over networks; NaN where none is left.

    Raises:
        ValueError: as in `sweep`.
    """
    given = of_type(experiment, "experiment", Experiment).training
    training = dataclasses.replace(given, checkpoints=3, edge_fraction=None)
    experiment = dataclasses.replace(experiment, training=training)
    grid = {"network.width": widths, "training.learning_rate": learning_rates}
    runs = sweep(experiment, grid, steps=whole(steps, "steps", 1), **running)
    loss = at_the_end(runs, "train_loss").rename("final_loss")
    loss = loss.where(np.isfinite(loss)).assign_attrs(long_name=f"training loss after {steps} steps")
    return xr.Dataset(
        {
            "final_loss": loss,
            "best_learning_rate": _best(loss).assign_attrs(long_name="learning rate of a network's least final loss"),
            "best_of_mean": _best(loss.mean("network", skipna=False)).assign_attrs(
                long_name="learning rate of the least mean final loss"
            ),
            "status": runs.status,
        },
        attrs={**runs.attrs, "steps": steps},
    )


def _best(loss: xr.DataArray) -> xr.DataArray:
    """Return the learning rate of the least loss, NaN where all are."""
    best = loss.learning_rate.isel(learning_rate=loss.fillna(np.inf).argmin("learning_rate"))
    return best.drop_vars("learning_rate").where(loss.notnull().any("learning_rate"))
