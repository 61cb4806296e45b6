"""The runs of a sweep as one Dataset, the grid's dimensions first."""

from typing import Any

import numpy as np
import xarray as xr

from ..dynamics.training.checkpoints import checkpoint_steps
from ..experiment import Experiment
from ..results import VARIABLES
from .grid import Grid

# What the dimensions of a run are called here, where seeds may be swept and times may differ from point to point.
_RENAMED = {"seed": "network", "time": "checkpoint"}


def joined(grid: Grid, runs: list[xr.Dataset]) -> xr.Dataset:
    """Return the runs of the grid's points, in their order, in one Dataset; what a point does not have is NaN."""
    coordinates = grid.coordinates
    outer = tuple(coordinates)
    rates = [float(run.attrs["learning_rate"]) for run in runs]
    times = [_times(point, rate) for point, rate in zip(grid.points, rates, strict=True)]
    # A point that diverged has no checkpoints from then on.
    runs = [run.pad(time=(0, len(those) - run.sizes["time"])) for run, those in zip(runs, times, strict=True)]

    def over_grid(values: np.ndarray) -> np.ndarray:
        return values.reshape(*grid.shape, *values.shape[1:])

    arrays: dict[str, Any] = {}
    for name, array in runs[0].data_vars.items():
        dims = tuple(_RENAMED.get(str(dim), dim) for dim in array.dims)
        values = over_grid(_padded([run[name].values for run in runs]))
        arrays[str(name)] = ((*outer, *dims), values, {"long_name": VARIABLES[str(name)][1]})
    arrays["status"] = (outer, over_grid(np.array([run.attrs["status"] for run in runs])))
    about = {"long_name": "gradient-flow time, learning rate x steps"}
    inner: dict[str, Any] = {"time": ((*outer, "checkpoint"), over_grid(_padded(times)), about)}
    if "learning_rate" not in coordinates:
        inner["learning_rate"] = (outer, over_grid(np.array(rates)), {"long_name": "step size eta"})
    return xr.Dataset(arrays, coords={**coordinates, **inner}, attrs={"experiment": _written(grid.experiment)})


def at_the_end(runs: xr.Dataset, name: str) -> xr.DataArray:
    """Return a variable at each point's last checkpoint; NaN where the point diverged before."""
    return runs[name].isel(checkpoint=runs.time.notnull().sum("checkpoint") - 1).drop_vars("time")


def _padded(arrays: list[np.ndarray]) -> np.ndarray:
    """Stack arrays of different sizes, filled up with NaN."""
    shape = np.max([array.shape for array in arrays], axis=0)
    result = np.full((len(arrays), *shape), np.nan, np.result_type(*arrays))
    for target, array in zip(result, arrays, strict=True):
        target[tuple(slice(size) for size in array.shape)] = array
    return result


def _times(point: Experiment, rate: float) -> np.ndarray:
    """Return when a point is recorded, also after it diverged."""
    return checkpoint_steps(point.training.time, rate, point.training.checkpoints) * rate


def _written(experiment: Experiment) -> str:
    """Return the experiment as JSON, or in words if it has a function of the user's."""
    return repr(experiment) if experiment.network.phi.own else experiment.to_json()
