"""The results of linear dynamics as labelled arrays, with their settings."""

from typing import Any

import numpy as np
import xarray as xr

from ...results import labelled


def label(flow: Any, times: np.ndarray, y_test: Any) -> xr.Dataset:
    """Return what `flow`, a `LinearDynamics`, knows at `times` (T,), over `time`."""
    arrays = {
        "train_loss": flow.train_loss(times),
        "train_loss_by_mode": flow.train_loss_by_mode(times),
        "f_train": flow.train(times),
    }
    on_test = flow.cross_ntk is not None
    if on_test:
        arrays["f_test"] = flow.test(times)
    if y_test is not None:
        arrays["test_loss"] = flow.test_loss(times, y_test)
    if flow.nngp is not None:
        arrays["variance_train"] = flow.variance(times, "train")
    if on_test and not any(kernel is None for kernel in (flow.nngp, flow.cross_nngp, flow.test_nngp)):
        arrays["variance_test"] = flow.variance(times, "test")
    optimizer = flow.optimizer
    settings = {"learning_rate": optimizer.learning_rate, "momentum": optimizer.momentum, "ridge": flow.ridge}
    given = {name: value for name, value in settings.items() if value is not None}
    return labelled(arrays, ("time",), {"time": times}, dynamics=optimizer.name, stability=str(flow.stability), **given)
