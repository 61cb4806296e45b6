"""What all duals share: their types, the angle between two Gaussian variables, and one-dimensional quadrature."""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

Variances = Float[Array, " n"]
# Of the first and of the second point of each pair; the # lets one entry stand for all points.
FirstVariances = Float[Array, "#n1"]
SecondVariances = Float[Array, "#n2"]
Covariances = Float[Array, "n1 n2"]

# Densities beyond this many standard deviations weigh exp(-81/2) = 3e-18.
REACH = 9.0


class Moments(NamedTuple):
    """What a dual returns: T, Tdot and, for activations with a kink, E[(phi(u) - phi(v))^2]; each (n1, n2)."""

    t: Covariances
    tdot: Covariances
    distance: Covariances | None = None


def eps_of(x: jax.Array) -> float:
    """Return the rounding unit of the precision of `x`."""
    return float(jnp.finfo(x.dtype).eps)


@jax.custom_jvp
def safe_sqrt(x: jax.Array) -> jax.Array:
    """Square root of x >= 0 with a zero, not an infinite, derivative at 0."""
    return jnp.sqrt(x)


@safe_sqrt.defjvp
def _(primals, tangents):
    (x,), (dx,) = primals, tangents
    positive = x > 0
    return safe_sqrt(x), jnp.where(positive, 0.5 / safe_sqrt(jnp.where(positive, x, 1.0)), 0.0) * dx


def deviations(q: Variances) -> Variances:
    """Return sqrt(q), kept off zero, for finite derivatives there.

    k/(sqrt(q1) sqrt(q2)) has a derivative like 1/q. The least variance is far below every one whose dual can be told
    from that of zero.
    """
    return jnp.sqrt(jnp.maximum(q, 1e-150 if q.dtype == np.float64 else 1e-18))


# Chebyshev fit of t / arctan(t) in t^2 for t up to tan(pi/8); its largest relative error is 1.2e-17.
_OVER_ARCTAN = (
    1.0, 0.3333333333333252, -0.08888888888697745, 0.04656084638525536, -0.030193995233274963, 0.02179657460623649,
    -0.016783573121799848, 0.0134580349660743, -0.01087534588947676, 0.007968973868331413, -0.0037737824251098326,
)  # fmt: skip


_TAN = math.tan(math.pi / 8)


@jax.custom_jvp
def arctan2(y: jax.Array, x: jax.Array) -> jax.Array:
    """Return the angle of (x, y) for x >= 0, with the sign of y; 0 at the origin.

    The same as `jnp.arctan2` to 5e-16, in a sixth of its time on a CPU, where it is the costliest part of a kernel.
    It ends in a division because XLA does not repeat one: after a last product, each of the angle's users would
    compute all of it again.
    """
    height = jnp.abs(y)
    large, small = jnp.maximum(x, height), jnp.minimum(x, height)
    far = small > _TAN * large
    ratio = jnp.where(far, large - small, small) / jnp.maximum(
        jnp.where(far, large + small, large), jnp.finfo(y.dtype).tiny
    )
    square, series = ratio * ratio, jnp.full_like(ratio, _OVER_ARCTAN[-1])
    for coefficient in _OVER_ARCTAN[-2::-1]:
        series = series * square + coefficient
    angle = jnp.where(far, np.pi / 4 * series - ratio, ratio)  # times the series, as all below
    angle = jnp.where(height > x, np.pi / 2 * series - angle, angle)
    return jnp.where(y < 0, -angle, angle) / series


@arctan2.defjvp
def _(primals, tangents):
    (y, x), (dy, dx) = primals, tangents
    square = x * x + y * y
    return arctan2(y, x), (x * dy - y * dx) / jnp.where(square > 0, square, 1.0)


def area_and_angle(
    q1: FirstVariances, q2: SecondVariances, k: Covariances, distance: Covariances
) -> tuple[Covariances, Covariances]:
    r"""Return $s = \sqrt{q_1 q_2} \sin\theta$ and the angle, exact at parallel and at zero vectors.

    Small angles have few digits when they come from k (an angle of 1e-8 none at all). With `distance`
    $= |u - v|^2 = q_1 + q_2 - 2k$, known to its own digits, they come from $\tan(\theta/2) = 2g(1 - \cos\theta) / 2s$,
    where $2g(1 - \cos\theta) = |u - v|^2 - (|u| - |v|)^2$, $2g(1 + \cos\theta) = 2(g + k)$, the product of the two is
    $4s^2$, and $g = \sqrt{q_1 q_2}$.
    """
    g, apart = safe_sqrt(q1)[:, None] * safe_sqrt(q2)[None, :], chord(q1, q2, distance)
    opposed = 2 * (g + k)
    opposed = jnp.where(opposed > 16 * eps_of(k) * g, opposed, 0.0)
    twice_s = safe_sqrt(apart * opposed)
    return twice_s / 2, 2 * arctan2(apart, twice_s)


def chord(q1: FirstVariances, q2: SecondVariances, distance: Covariances) -> Covariances:
    r"""Return $2g(1 - \cos\theta) = |u - v|^2 - (|u| - |v|)^2$, or 0 where that is rounding.

    Both terms carry the roundings of all layers so far, those of the radii in proportion to $|q_1 - q_2|$. Snapping
    them keeps exact duplicates exact.
    """
    apart = distance - (safe_sqrt(q1)[:, None] - safe_sqrt(q2)[None, :]) ** 2
    rounding = 64 * eps_of(distance) * (distance + jnp.abs(q1[:, None] - q2[None, :]))
    return jnp.where(apart > rounding, apart, 0.0)


def derivative(phi: Callable) -> Callable:
    """Return the elementwise derivative of an elementwise function."""
    return lambda z: jax.jvp(phi, (z,), (jnp.ones_like(z),))[1]


def panels(breaks: Float[Array, " breaks"], nodes: int) -> tuple[Float[Array, " nodes"], Float[Array, " nodes"]]:
    """Return Gauss-Legendre nodes and weights for the standard normal density, split at `breaks`.

    Any breaks will do: those beyond `REACH` and repeated ones make empty panels.
    """
    x, w = np.polynomial.legendre.leggauss(nodes)
    edges = jnp.sort(jnp.concatenate([jnp.clip(breaks, -REACH, REACH), jnp.asarray([-REACH, REACH], breaks.dtype)]))
    middle, half = (edges[1:] + edges[:-1]) / 2, (edges[1:] - edges[:-1]) / 2
    points = middle[:, None] + half[:, None] * x.astype(breaks.dtype)[None, :]
    weights = half[:, None] * w.astype(breaks.dtype)[None, :] * jnp.exp(-(points**2) / 2) / math.sqrt(2 * math.pi)
    return points.ravel(), weights.ravel()
