"""Slopes of log against log, each network's own, with the standard error of their mean."""

from collections.abc import Sized
from typing import Any

import numpy as np
import xarray as xr


def check_enough(networks: int, **values: Any) -> None:
    """Say so, before anything is run, where there are too few values for slopes or networks for their errors."""
    for name, those in {**values, "networks": range(networks)}.items():
        least = 2 if name == "networks" else 3
        if isinstance(those, Sized) and len(those) < least:
            raise ValueError(
                f"A slope with its standard error needs at least {least} {name}; got {len(those)}. Add some."
            )


def slope(y: xr.DataArray, along: str) -> tuple[xr.DataArray, xr.DataArray]:
    """Return the least-squares slope of log y against the log of its coordinate `along`, and its standard error.

    One line is fitted for each `network`; the slope is their mean, and the error the standard error of that.

    Raises:
        ValueError: a y that is not finite and above 0.
    """
    if not (np.isfinite(y) & (y > 0)).all():
        raise ValueError(
            f"{y.name} must be finite and above 0 to have a slope; got infinity, NaN or 0, as of a network that "
            "diverged. Lower the learning rate, or give a network that trains."
        )
    logs = np.log(y[along])
    centred = logs - logs.mean()
    slopes = (centred * np.log(y)).sum(along) / (centred**2).sum()
    return slopes.mean("network"), slopes.std("network", ddof=1) / np.sqrt(y.sizes["network"])
