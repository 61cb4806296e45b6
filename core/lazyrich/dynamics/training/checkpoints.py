"""When a training run is looked at."""

from typing import Any

import numpy as np

from ..._checks import as_numbers, whole

# The number of steps is a 32-bit integer of the compiled program.
_MOST_STEPS = 2**31 - 1


def checkpoint_steps(time: Any, learning_rate: float, checkpoints: int) -> np.ndarray:
    """Return increasing step counts, from 0, for an end time (log-spaced) or an array of times (rounded)."""
    times = as_numbers(time, "time")
    least_is_met = (times >= 0).all() if times.ndim else times > 0
    if times.ndim > 1 or times.size == 0 or not np.isfinite(times).all() or not least_is_met:
        raise ValueError(
            f"time must be an end time above 0 or an array of finite times of at least 0; got {time!r}. Change time."
        )
    if times.max() > _MOST_STEPS * learning_rate:
        raise ValueError(
            f"time must be at most {_MOST_STEPS:,} steps of the learning rate {learning_rate:.3g}; "
            f"got {times.max():.3g}. Lower time, or raise the learning rate."
        )
    steps = np.round(times / learning_rate)
    if times.ndim == 0:
        # From the end, which two checkpoints have, too.
        steps = np.round(np.geomspace(max(1.0, float(steps)), 1, whole(checkpoints, "checkpoints", 2) - 1))
    return np.unique(np.append(steps, 0).astype(np.int64))
