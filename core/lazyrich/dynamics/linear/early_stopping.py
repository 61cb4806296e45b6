"""When to stop training: the time of the smallest test loss."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

# The search: a grid over the logarithm of time, then grids between the best one's neighbours.
_COARSE, _FINE = 400, 33
# A loss is flat around its minimum, so that times closer than this have losses that differ by rounding.
_TIME = 1e-9
_LOSS = 1e-10
# The square of what rounding leaves of an error that is all gone, relative to the loss before training.
_ROUNDING = 1e-24


class EarlyStopping(NamedTuple):
    """The best time to stop, and what stopping there is worth.

    Attributes:
        time: gradient-flow time of the smallest test loss: 0 and infinity included.
        test_loss: the loss there.
        status: a sentence that says whether the minimum is at the start, at the end or in between.
    """

    time: float
    test_loss: float
    status: str


def minimise(loss: Callable[[np.ndarray], np.ndarray], first: float, last: float, step: float | None) -> EarlyStopping:
    """Return the minimum of `loss` over times: 0, `first` to `last`, and infinity.

    The grid has 400 times, log-spaced; around the best of them it is refined until the time is known to 1e-9 of itself.
    A dip narrower than the grid's spacing elsewhere can be missed. At the start or the end the minimum is said to be
    where nothing in between is smaller by 1e-10 of it, or by rounding.

    Args:
        loss: the loss at times (T,).
        first: the shortest time scale.
        last: a time by which all is over.
        step: the step size whose multiples are the times there are; None for continuous time.
    """
    start, end = loss(np.array([0.0, np.inf]))
    times = np.append(0.0, np.geomspace(first, last, _COARSE))
    while True:
        times = times if step is None else np.unique(np.round(times / step)) * step
        losses = loss(times)
        best = int(np.argmin(losses))
        low, high = times[max(best - 1, 0)], times[min(best + 1, len(times) - 1)]
        if high - low <= _TIME * high or len(times) <= 3 or (step is not None and high - low <= 2 * step):
            break
        times = np.linspace(low, high, _FINE)
    time, smallest = float(times[best]), float(losses[best])
    close = smallest * (1 + _LOSS) + _ROUNDING * start
    if start <= close:
        return EarlyStopping(0.0, float(start), "The test loss is smallest before training, at t = 0.")
    if end <= close:
        return EarlyStopping(np.inf, float(end), "The test loss is smallest at the end of training, at infinity.")
    return EarlyStopping(time, smallest, f"The test loss is smallest at t = {time:.4g}: stop there.")
