"""Slopes of log against log, each network's own, with the standard error of their mean."""

import numpy as np
import xarray as xr


def slope(y: xr.DataArray, along: str) -> tuple[xr.DataArray, xr.DataArray]:
    """Return the least-squares slope of log y against the log of its coordinate `along`, and its standard error.

    One line is fitted for each `network`; the slope is their mean, and the error the standard error of that.

    Raises:
        ValueError: fewer than three values, fewer than two networks, or a y that is not finite and above 0.
    """
    if y.sizes[along] < 3 or y.sizes["network"] < 2:
        raise ValueError(
            f"A slope needs at least three different values of {along}, its standard error two networks a point; got "
            f"{y.sizes[along]} and {y.sizes['network']}. Add some."
        )
    if not (np.isfinite(y) & (y > 0)).all():
        raise ValueError(
            f"{y.name} must be finite and above 0 to have a slope; got infinity, NaN or 0, as of a network that "
            "diverged. Lower the learning rate, or give a network that trains."
        )
    logs = np.log(y[along])
    centred = logs - logs.mean()
    slopes = (centred * np.log(y)).sum(along) / (centred**2).sum()
    return slopes.mean("network"), slopes.std("network", ddof=1) / np.sqrt(y.sizes["network"])
