r"""Critical points: the variances at which a deep network of some activation keeps signals and their differences.

A network is critical where $\chi_\parallel = \chi_\perp = 1$ at a fixed point $K = C_b + C_W \langle\phi^2\rangle_K$ of
the variance. Both susceptibilities are proportional to $C_W$, so their ratio depends on K alone:

1. K solves $\frac{d}{dK}\langle\phi^2\rangle_K = \langle\phi'^2\rangle_K$;
2. there $C_W = 1/\langle\phi'^2\rangle_K$ and $C_b = K - C_W \langle\phi^2\rangle_K$, which must not be negative.

Every K will do for activations that scale (relu); tanh and its like have K = 0, which the variance falls to as a power
of the depth; GELU and SiLU have one K > 0, and no bias but that one keeps it.

Source: Roberts, Yaida & Hanin 2022, "The principles of deep learning theory", sections 5.1-5.3, whose $C_W$, $C_b$ are
`weight_var`, `bias_var` here.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .._float64 import float64
from ..activations import Activation, activation
from ..networks import Network
from .criticality import criticality

# Variances among which a critical one is looked for.
_VARIANCES = np.geomspace(1e-6, 1e2, 33)
# At the least of them an activation with a slope at 0 is its tangents there, but for terms of the order of its root.
_TANGENTS = 2e-3
_SAME = 1e-9
# Of a root's search, each of which narrows it down by their number.
_STEPS = 7


class CriticalPoint(NamedTuple):
    """Where networks of an activation are critical.

    Attributes:
        weight_var: C_W.
        bias_var: C_b.
        variance: the fixed point K of the variance; 0 where it is the limit, NaN where every K is one.
    """

    weight_var: float
    bias_var: float
    variance: float


@jax.jit
def _second_moments(phi: Activation, variances: jax.Array) -> jax.Array:
    return phi.second_moment(variances)


@float64
def _at(phi: Activation, variances: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return chi_parallel/chi_perpendicular - 1, <phi'^2> and <phi^2> at variances, (m,)."""
    chi = criticality(Network(activation=phi, weight_var=1.0, bias_var=0.0), variance=variances)
    slopes = np.asarray(chi.perpendicular)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(chi.parallel) / slopes - 1, slopes, np.asarray(_second_moments(phi, variances))


@float64
def _slopes_at_zero(phi: Activation) -> float:
    """Return the mean of phi'^2 on both sides of 0, which is <phi'^2> as K goes to 0."""
    sides = jnp.array([-1e-12, 1e-12], jnp.float64)
    return float(jnp.mean(phi.derivative(sides) ** 2))


def _root(phi: Activation, low: float, high: float) -> tuple[float, float, float]:
    """Return the variance between two at which the susceptibilities are equal, and both means there.

    Each step looks at as many variances as the first one did, which is the shape that is compiled.
    """
    for _ in range(_STEPS):
        variances = np.geomspace(low, high, len(_VARIANCES))
        gaps, slopes, squares = _at(phi, variances)
        index = int(np.flatnonzero(gaps[:-1] * gaps[1:] <= 0)[0])
        low, high = variances[index : index + 2]
    return float(low), float(slopes[index]), float(squares[index])


def critical_point(phi: "str | Activation | Callable") -> CriticalPoint:
    """Return the variances at which networks of an activation are critical.

    Args:
        phi: an activation, its name, or an elementwise JAX function as in `activation`.

    Raises:
        ValueError: an activation that jumps, or that no variances make critical.
    """
    phi = activation(phi)
    gaps, _, squares = _at(phi, _VARIANCES)
    at_zero = _slopes_at_zero(phi)
    keeps = squares / at_zero / _VARIANCES - 1 if at_zero else np.full(len(_VARIANCES), np.nan)
    if (np.abs(gaps) < _SAME).all() and (np.abs(keeps) < _SAME).all():
        return CriticalPoint(1 / at_zero, 0.0, math.nan)
    if abs(gaps[0]) < _TANGENTS and -_TANGENTS < keeps[0] <= _SAME:  # a variance close to 0 falls to it
        return CriticalPoint(1 / at_zero, 0.0, 0.0)
    for index in np.flatnonzero(gaps[:-1] * gaps[1:] < 0):
        variance, slope, square = _root(phi, _VARIANCES[index], _VARIANCES[index + 1])
        if (bias_var := variance - square / slope) >= 0:
            return CriticalPoint(1 / slope, bias_var, variance)
    raise ValueError(
        "A critical network needs a variance at which both susceptibilities are 1, with a bias variance of at least 0; "
        f"got {phi}, which has none. Pick another activation, such as tanh."
    )
