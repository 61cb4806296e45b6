"""Standard errors of what is no mean: slopes, and other functions of many runs at once."""

from collections.abc import Callable

import numpy as np


def jackknife(statistic: Callable[[np.ndarray], float], runs: int) -> tuple[float, float]:
    """Return a statistic of all runs, and its standard error (Efron & Stein 1981).

    Args:
        statistic: what is computed of the runs whose indices it is given.
        runs: how many there are, independent of one another.
    """
    every = np.arange(runs)
    without = [statistic(np.delete(every, run)) for run in every]
    return float(statistic(every)), float(np.sqrt((runs - 1) * np.var(without)))


def log_slope(x: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Return the slope of the weighted least-squares line of log y against log x."""
    weights = np.ones(len(x)) if weights is None else weights
    centred = np.log(x) - np.average(np.log(x), weights=weights)
    return float((weights * centred) @ np.log(y) / (weights @ centred**2))
