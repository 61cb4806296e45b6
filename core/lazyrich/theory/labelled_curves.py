"""Predicted learning curves with labels, beside which measured ones are drawn and saved."""

from typing import Any

import numpy as np
import xarray as xr

from .._checks import number, number_or_array
from ..results import labelled
from .learning_curves import kernel_regression_risk
from .random_features import random_feature_risk


def _axis(value: Any, name: str) -> np.ndarray:
    """Return a number or several as a vector."""
    values = np.atleast_1d(number_or_array(value, name, above=0))
    if values.ndim != 1:
        raise ValueError(f"{name} must be a number or a vector; got shape {values.shape}. Give one axis.")
    return values


def learning_curve(
    eigenvalues: Any, coefficients: Any, *, n: Any, k: Any = None, ridge: float = 0.0, noise: float = 0.0
) -> xr.Dataset:
    """Return the predicted risk over numbers of points, and of features if k is given.

    Args:
        eigenvalues: those of the kernel operator, positive, (M,).
        coefficients: the target's coefficients v_i, (M,) or (M, C).
        n: numbers of training points, above 0, a number or several, (S,).
        k: numbers of features, above 0, a number or several, (F,); None for the kernel itself.
        ridge: delta >= 0, not divided by n.
        noise: variance of the noise on each output of the targets.

    Returns:
        `test`, `train` and `kappa` over n, or over n and k, and `learnability` over mode besides; see `Risk`. What they
        were computed from is in it too: `eigenvalue` and `power` over mode, ridge and noise in the attributes.

    Raises:
        ValueError: an argument out of its range.
    """
    points, ridge, noise = _axis(n, "n"), number(ridge, "ridge", least=0), number(noise, "noise", least=0)
    if k is None:
        axes = {"n": points}
        risk = kernel_regression_risk(eigenvalues, coefficients, n=points, ridge=ridge, noise=noise)
    else:
        axes = {"n": points, "k": _axis(k, "k")}
        risk = random_feature_risk(
            eigenvalues, coefficients, n=points[:, None], k=axes["k"][None, :], ridge=ridge, noise=noise
        )
    result = labelled(risk._asdict(), tuple(axes), axes, ridge=ridge, noise=noise)
    power = (np.reshape(coefficients, (len(result.mode), -1)) ** 2).sum(axis=1)
    return result.assign(eigenvalue=("mode", np.asarray(eigenvalues, float)), power=("mode", power))
