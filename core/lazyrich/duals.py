r"""Dual activations: what an activation does to a pair of Gaussian variables.

For $(u, v)$ jointly Gaussian with variances $q_1, q_2$ and covariance $k$, the dual of $\phi$ is

$$T(q_1, q_2, k) = E[\phi(u) \phi(v)], \qquad \dot T = E[\phi'(u) \phi'(v)] = dT/dk .$$

Each function here maps variances `q1` of shape (n1,) or (1,), `q2` of shape (n2,) or (1,) and covariances `k` of shape
(n1, n2) to the two matrices `(T, Tdot)` of shape (n1, n2). A variance of shape (1,) is shared by all points: on data of
equal norms the numerical dual then costs one curve instead of one per point.

The closed forms cite their source; `numerical_dual` serves every smooth activation that has none.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

Variances = Float[Array, " n"]
# Of the first and of the second point of each pair; the # lets one entry stand for all points.
FirstVariances = Float[Array, "#n1"]
SecondVariances = Float[Array, "#n2"]
Covariances = Float[Array, "n1 n2"]
Dual = Callable[..., tuple[Covariances, Covariances]]

# Two unit vectors whose cosine differs from +-1 by less than this cannot be told from parallel ones in float64.
# Snapping them keeps exact duplicates exact, where arccos would turn a rounding of 1e-16 into an angle of 1e-8.
_PARALLEL = 8 * np.finfo(np.float64).eps


def _safe_sqrt(x: jax.Array) -> jax.Array:
    """Square root with a zero, not an infinite, derivative at 0."""
    positive = x > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, x, 1.0)), 0.0)


def _area_and_angle(
    q1: FirstVariances, q2: SecondVariances, k: Covariances, distance: Covariances | None
) -> tuple[Covariances, Covariances]:
    r"""Return $s = g \sin\theta$, $g = \sqrt{q_1 q_2}$, and the angle, exact at parallel and at zero vectors.

    Small angles have few digits when they come from k (an angle of 1e-8 none at all). With `distance`
    $= |u - v|^2 = q_1 + q_2 - 2k$, known to its own digits, they come from
    $1 - \cos\theta = (|u - v|^2 - (|u| - |v|)^2) / 2g$.
    """
    root1, root2 = _safe_sqrt(q1)[:, None], _safe_sqrt(q2)[None, :]
    g = root1 * root2
    divisor = jnp.where(g > 0, g, 1.0)
    cosine = jnp.where(g > 0, k / divisor, 1.0)
    opposed = 1.0 + cosine
    if distance is None:
        apart = 1.0 - cosine
        apart = jnp.where(apart < _PARALLEL, 0.0, apart)
    else:
        apart = distance - (root1 - root2) ** 2
        # Both terms carry the roundings of all layers so far, those of the radii in proportion to |q1 - q2|.
        rounding = 8 * _PARALLEL * (distance + jnp.abs(q1[:, None] - q2[None, :]))
        apart = jnp.where((apart > rounding) & (g > 0), apart / (2 * divisor), 0.0)
    opposed = jnp.where(opposed < _PARALLEL, 0.0, opposed)
    half_sine, half_cosine = _safe_sqrt(apart), _safe_sqrt(opposed)
    # arctan2 has no derivative at (0, 0), which cannot occur: the two squares sum to 2.
    return g * half_sine * half_cosine, 2.0 * jnp.arctan2(half_sine, half_cosine)


def piecewise_linear_dual(
    q1: FirstVariances,
    q2: SecondVariances,
    k: Covariances,
    distance: Covariances | None = None,
    *,
    negative: Any,
    positive: Any,
) -> tuple[Covariances, Covariances]:
    r"""Dual of $a \min(z, 0) + b \max(z, 0)$: ReLU is $a=0, b=1$.

    $$\dot T = (a^2 + b^2)/2 - (a-b)^2 \theta / 2\pi, \qquad T = (a-b)^2 s / 2\pi + \dot T k,$$

    with $\theta$ the angle between the two inputs and $s = \sqrt{q_1 q_2} \sin\theta$.
    Source: Cho & Saul 2009, "Kernel methods for deep learning", eqs. 3-6 (orders 0 and 1), by linearity.
    """
    s, angle = _area_and_angle(q1, q2, k, distance)
    jump = (negative - positive) ** 2 / (2 * jnp.pi)
    tdot = (negative**2 + positive**2) / 2 - jump * angle
    return jump * s + tdot * k, tdot


def piecewise_linear_distance(
    q1: FirstVariances,
    q2: SecondVariances,
    k: Covariances,
    distance: Covariances,
    *,
    negative: Any,
    positive: Any,
) -> Covariances:
    r"""Squared distance $E[(\phi(u) - \phi(v))^2]$ after $a \min(z, 0) + b \max(z, 0)$, precise however small it is.

    It is $T(q_1, q_1, q_1) + T(q_2, q_2, q_2) - 2T$, without the difference of nearly equal numbers:
    $$\frac{a^2 + b^2}2 |u - v|^2 - \frac{(a-b)^2}\pi (s - \theta k) .$$
    """
    s, angle = _area_and_angle(q1, q2, k, distance)
    jump = (negative - positive) ** 2 / jnp.pi
    result = (negative**2 + positive**2) / 2 * distance - jump * (s - angle * k)
    return jnp.where(result > 0, result, 0.0)


def erf_dual(q1: FirstVariances, q2: SecondVariances, k: Covariances) -> tuple[Covariances, Covariances]:
    r"""Dual of erf: $T = (2/\pi) \arcsin(2k / \sqrt{(1+2q_1)(1+2q_2)})$.

    Source: Williams 1997, "Computing with infinite networks", eq. 11.
    """
    product = (1 + 2 * q1)[:, None] * (1 + 2 * q2)[None, :]
    root = jnp.sqrt(product - 4 * k**2)
    return (2 / jnp.pi) * jnp.arctan2(2 * k, root), (4 / jnp.pi) / root


def gelu_dual(q1: FirstVariances, q2: SecondVariances, k: Covariances) -> tuple[Covariances, Covariances]:
    r"""Dual of the exact GELU $z \Phi(z)$. With $P = (1+q_1)(1+q_2)$ and $E = P - k^2$,.

    $$T = \frac k4 + \frac1{2\pi}\Big[\frac{k^2 + q_1 q_2 E}{P \sqrt E} + k \arctan\frac{k}{\sqrt E}\Big].$$

    $\dot T$ is its derivative in $k$ (term by term: $dE/dk = -2k$ and $d \arctan(k/\sqrt E)/dk = 1/\sqrt E$).
    Source: Tsuchida, Pearce, van der Heide, Roosta & Gallagher 2021, "Avoiding kernel fixed points", proposition 1.
    """
    product = (1 + q1)[:, None] * (1 + q2)[None, :]
    both = q1[:, None] * q2[None, :]
    e = product - k**2
    root = jnp.sqrt(e)
    angle = jnp.arctan2(k, root)
    t = k / 4 + ((k**2 + both * e) / (product * root) + k * angle) / (2 * jnp.pi)
    tdot = 1 / 4 + (k / root * ((2 - both + k**2 / e) / product + 1) + angle) / (2 * jnp.pi)
    return t, tdot


# Polar quadrature: Gauss-Legendre in the radius up to _MAX_RADIUS standard deviations (what is cut off weighs
# exp(-81/2) = 3e-18) and _HARMONICS cosines in the angle. For tanh the largest errors of (T, Tdot) were measured as
# (9e-15, 1e-14) for variances up to 4, (4e-12, 2e-10) at 18 and (9e-8, 1e-6) at 100; the harmonics limit them.
_RADII, _HARMONICS, _MAX_RADIUS = 48, 96, 9.0
# Variances are kept above this, for finite derivatives at a zero input: k/g has the derivative -k/g^2, where g is the
# root of a product of two variances. It is far below every variance whose dual can be told from that of zero.
_LEAST_VARIANCE = 1e-150


def _polar_rule() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Radii, their weights for the density r exp(-r^2/2), and angles in the middle of 2 _HARMONICS cells of (0, pi)."""
    x, w = np.polynomial.legendre.leggauss(_RADII)
    r = (x + 1) * _MAX_RADIUS / 2
    angles = (np.arange(2 * _HARMONICS) + 0.5) * np.pi / (2 * _HARMONICS)
    return r, w * _MAX_RADIUS / 2 * r * np.exp(-(r**2) / 2), angles


def _cosine_coefficients(phi: Callable, q: Variances) -> Float[Array, "m n r"]:
    r"""Coefficients of $\phi(\sqrt q\, r \cos a) = \sum_m c_m(r) \cos(m a)$ for each variance and radius."""
    r, weights, angles = _polar_rule()
    cosines = np.cos(np.outer(np.arange(_HARMONICS), angles)) / _HARMONICS
    cosines[0] /= np.sqrt(2)  # so that T has the same factor 1/2 for every m
    points = jnp.sqrt(jnp.maximum(q, _LEAST_VARIANCE))[:, None, None] * (r[:, None] * np.cos(angles))[None]
    return jnp.einsum("ma,nra->mnr", cosines, phi(points)) * np.sqrt(weights / 2)[None, None, :]


def _sum_cosines(c1: Float[Array, "m _ r"], c2: Float[Array, "m _ r"], cosine: Covariances) -> Covariances:
    r"""Return $\sum_m (c_1 c_2^T)_m \cos(m\theta)$ by Clenshaw's recurrence, one matrix product a harmonic."""

    def step(carry, coefficients):
        b1, b2 = carry
        a1, a2 = coefficients
        return (a1 @ a2.T + 2 * cosine * b1 - b2, b1), None

    zero = jnp.zeros_like(cosine)
    (b1, b2), _ = jax.lax.scan(step, (zero, zero), (c1, c2), reverse=True, unroll=16)
    return b1 - cosine * b2


def numerical_dual(
    phi: Callable, q1: FirstVariances, q2: SecondVariances, k: Covariances
) -> tuple[Covariances, Covariances]:
    r"""Dual of a smooth elementwise `phi`, by quadrature in polar coordinates.

    Write $u = \sqrt{q_1}\, r \cos a$ and $v = \sqrt{q_2}\, r \cos(a - \theta)$ with $\cos\theta = k/\sqrt{q_1 q_2}$.
    1. On each circle $\phi$ is an even function of the angle, $\sum_m c_m(r) \cos(m a)$.
    2. The mean over the angle of a product of two such series is $\frac12\sum_m c_m c'_m \cos(m\theta)$ (1 for m = 0).
    3. The radius has density $r e^{-r^2/2}$, so $T = \sum_m \langle c_m c'_m \rangle_r \cos(m\theta)$, a Chebyshev
       series in $\cos\theta$ whose coefficients are matrix products over the radii.

    Use it for analytic activations; at a kink the series converges too slowly.
    """
    root1, root2 = (jnp.sqrt(jnp.maximum(q, _LEAST_VARIANCE)) for q in (q1, q2))
    cosine = k / (root1[:, None] * root2[None, :])
    # Rounding is cut off in the value alone: the derivative of a clip is halved where it is most wanted, at +-1.
    cosine += jax.lax.stop_gradient(jnp.clip(cosine, -1.0, 1.0) - cosine)
    return (
        _sum_cosines(_cosine_coefficients(phi, q1), _cosine_coefficients(phi, q2), cosine),
        _sum_cosines(_cosine_coefficients(derivative(phi), q1), _cosine_coefficients(derivative(phi), q2), cosine),
    )


def second_moment(phi: Callable, q: Variances) -> Variances:
    r"""Return $E[\phi(u)^2]$, $u \sim N(0, q)$, with the rule of `numerical_dual`."""
    return jnp.sum(_cosine_coefficients(phi, q) ** 2, axis=(0, 2))


def derivative(phi: Callable) -> Callable:
    """Return the elementwise derivative of an elementwise function."""
    return lambda z: jax.jvp(phi, (z,), (jnp.ones_like(z),))[1]
