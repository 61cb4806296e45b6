r"""The law of Marchenko and Pastur: eigenvalues of $X^T X$ for n points in P dimensions, entries of variance 1/P.

At the ratio $a = n/P$ and with both large,

$$\rho(\lambda) = \frac{\sqrt{(\lambda_+ - \lambda)(\lambda - \lambda_-)}}{2\pi\lambda}
+ \max(1 - a, 0)\, \delta(\lambda), \qquad \lambda_\pm = (\sqrt a \pm 1)^2$$

(Marchenko & Pastur 1967). Here are the density, and nodes for integrals over it.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._checks import within
from .._float64 import float64

# lambda = (1 - sqrt a)^2 + 4 sqrt(a) sin^2(angle/2) takes both square roots out of the density. Near the angle 0, what
# is left can still be as narrow as |1 - sqrt a|, or t^(-1/2) for an integrand exp(-lambda t). So the panels halve
# towards it: Gauss-Legendre nodes in [pi/2, pi], [pi/4, pi/2], ... resolve every width above 1e-17, and times to this.
LONGEST = 1e30
# With ratios between these the best times stay below that.
SMALLEST, LARGEST = 1e-15, 1e15
_PANELS, _NODES = 58, 16


def _angles() -> tuple[np.ndarray, np.ndarray]:
    """Return nodes and weights on [0, pi]."""
    x, w = np.polynomial.legendre.leggauss(_NODES)
    high = np.pi * 2.0 ** -np.arange(_PANELS)
    low = np.append(high[1:], 0.0)
    half = (high - low)[:, None] / 2
    return (low[:, None] + half * (1 + x)).ravel(), (half * w).ravel()


_ANGLES, _WEIGHTS = _angles()


def quadrature(ratio):
    """Return eigenvalues, and the weights of an integral over the continuous part of the density, for one ratio."""
    root = jnp.sqrt(ratio)
    values = (1 - root) ** 2 + 4 * root * jnp.sin(_ANGLES / 2) ** 2
    return values, 2 * ratio / jnp.pi * jnp.sin(_ANGLES) ** 2 / values * _WEIGHTS


@float64
def marchenko_pastur_density(eigenvalue: Any, *, ratio: Any) -> Float[np.ndarray | Array, "..."]:
    """Return the continuous part of the density, of mass min(a, 1); 0 outside its edges. Arguments broadcast.

    Args:
        eigenvalue: above 0, where the density diverges at a = 1.
        ratio: a = n/P, above 0.

    Raises:
        ValueError: an argument out of its range.
    """
    value, ratio = within(eigenvalue, "eigenvalue", 1 / LONGEST, LONGEST), within(ratio, "ratio", SMALLEST, LARGEST)
    value, ratio = jnp.broadcast_arrays(value, ratio)
    inside = 4 * ratio - (value - 1 - ratio) ** 2
    return jnp.where(inside > 0, jnp.sqrt(jnp.where(inside > 0, inside, 1.0)) / (2 * jnp.pi * value), 0.0)
