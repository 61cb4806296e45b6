r"""Measured errors of linear students in high dimension, beside `high_dimensional_errors`.

Gradient flow on $|y - Xw|^2/2$ is solved exactly. With $X = U S V^T$ and $z = V^T w$ each mode goes to
$u_i \cdot y/s_i$ at the rate $\lambda_i = s_i^2$, and what is orthogonal to all of them stays:

$$z_i(t) = e^{-\lambda_i t} z_i(0) + (1 - e^{-\lambda_i t})\, u_i \cdot y / s_i .$$

So no step size is chosen, and the test error is the distance to the teacher, $|w - \bar w|^2/P + 1/SNR$, without test
points.
"""

from typing import Any

import numpy as np
import xarray as xr

from .._checks import number, seed_of, whole, within
from ..results import labelled
from .marchenko_pastur import LARGEST, LONGEST

_MOST_NUMBERS = 1e8


def _trial(t: np.ndarray, n: int, dim: int, noise: float, inr: float, rng: np.random.Generator) -> np.ndarray:
    """Return train and test errors of one teacher, student and training set, (2, T)."""
    x = rng.standard_normal((n, dim)) / np.sqrt(dim)
    teacher, start = rng.standard_normal(dim), np.sqrt(inr) * rng.standard_normal(dim)
    y = x @ teacher + np.sqrt(noise) * rng.standard_normal(n)
    left, values, right = np.linalg.svd(x, full_matrices=False)
    # (1 - e^{-s^2 t})/s, for a mode of no width too.
    gain = -np.expm1(-np.outer(t, values**2)) / values
    moved = gain * (left.T @ y - values * (right @ start))
    w = start + moved @ right
    return np.array([((w @ x.T - y) ** 2).mean(axis=1), ((w - teacher) ** 2).mean(axis=1) + noise])


def measured_high_dimensional_errors(
    t: Any, *, ratio: float, snr: float, inr: float = 0.0, dim: int = 200, trials: int = 10, seed: int = 0
) -> xr.Dataset:
    """Return the training and test error of linear students of random teachers after time t of gradient flow.

    Args:
        t: gradient-flow times over n, as in `high_dimensional_errors`, a number or several, (T,).
        ratio: a = n/P, points over parameters, above 0; n is rounded to a whole number, at least 1.
        snr: teacher's weight variance over that of the noise, above 0.
        inr: student's initial weight variance over the teacher's, at least 0.
        dim: P, parameters; theory is for many.
        trials: draws of teacher, student and training set.
        seed: a whole number below 2^32.

    Returns:
        `train` and `test`, mean squared errors (no factor 1/2) over the teacher's weight variance, over (time, trial);
        `points`, n, is in the attributes.

    Raises:
        ValueError: an argument out of its range, or a training set of too many numbers.
    """
    t = np.atleast_1d(np.asarray(within(t, "t", 0.0, LONGEST)))
    ratio, snr = number(ratio, "ratio", above=0), number(snr, "snr", above=0)
    inr, dim = number(inr, "inr", least=0), whole(dim, "dim", 1)
    trials, seed = whole(trials, "trials", 1), seed_of(seed)
    n = max(1, round(min(ratio, LARGEST) * dim))
    if n * dim > _MOST_NUMBERS:
        raise ValueError(
            f"A training set may have {_MOST_NUMBERS:g} numbers, points x parameters; got {n * dim:.3g}. "
            "Lower the ratio or dim."
        )
    generators = np.random.default_rng(seed).spawn(trials)
    errors = np.stack([_trial(t, n, dim, 1 / snr, inr, rng) for rng in generators], axis=-1)
    settings = {"ratio": ratio, "snr": snr, "inr": inr, "dim": dim, "trials": trials, "seed": seed, "points": n}
    return labelled({"train": errors[0], "test": errors[1]}, ("time", "trial"), {"time": t}, **settings)
