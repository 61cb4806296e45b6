r"""Duals of activations with kinks, by quadrature split wherever the integrand is not smooth.

Write $u = \sigma_1 x$ and $v = \sigma_2 (\rho x + s y)$, $s^2 = 1 - \rho^2$, with x and y independent N(0, 1).
1. For fixed x the integral over y is split where v meets a kink.
2. What remains, as a function of x, has the kinks of $\phi(\sigma_1 x)$, and bends within $s / \rho$ of the x where v
   would meet a kink at y = 0: the integral over x is split at all of these.

A pair costs some ten thousand evaluations of phi: 64 points of unequal norms took half a second a layer. Where all
points share one variance, the dual is a curve in the angle alone, analytic from 0 to pi, and is found by Chebyshev
interpolation instead.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .gaussian import (
    Covariances,
    FirstVariances,
    Moments,
    SecondVariances,
    Variances,
    area_and_angle,
    derivative,
    deviations,
    panels,
)

_NODES = 20  # a panel
_WIDTH = 6.0  # of the bend, in its own standard deviations
_ANGLES = 96  # of the curve


class _Pair:
    """The rule for one pair of standard deviations and their angle: nodes (x, y), weights, and the values u and v."""

    def __init__(self, kinks: tuple[float, ...], s1: jax.Array, s2: jax.Array, angle: jax.Array):
        at = jnp.asarray(kinks, angle.dtype)
        rho, s = jnp.cos(angle), jnp.maximum(jnp.sin(angle), 1e-30)
        steep = jnp.where(jnp.abs(rho) > 1e-3, rho, 1e-3)
        centre, width = at / (s2 * steep), _WIDTH * s / jnp.abs(steep)
        # Half of the line is as much of the Gaussian as one panel can bear.
        middle = jnp.zeros(1, angle.dtype)
        self.x, wx = panels(jnp.concatenate([at / s1, centre - width, centre, centre + width, middle]), _NODES)
        y, wy = jax.vmap(lambda x: panels(jnp.concatenate([(at / s2 - rho * x) / s, middle]), _NODES))(self.x)
        self.y = rho * self.x[:, None] + s * y  # v / sigma_2
        self.weights = wx[:, None] * wy
        self.u, self.v = s1 * self.x, s2 * self.y

    def mean(self, values: Float[Array, "x y"]) -> jax.Array:
        return jnp.sum(self.weights * values)


def _tdot_and_distance(phi: Callable, pair: _Pair) -> tuple[jax.Array, jax.Array]:
    slope = derivative(phi)
    return pair.mean(slope(pair.u)[:, None] * slope(pair.v)), pair.mean((phi(pair.u)[:, None] - phi(pair.v)) ** 2)


def _by_rule(phi: Callable, kinks: tuple[float, ...], s1: jax.Array, s2: jax.Array, angle: jax.Array) -> Moments:
    pair = _Pair(kinks, s1, s2, angle)
    return Moments(pair.mean(phi(pair.u)[:, None] * phi(pair.v)), *_tdot_and_distance(phi, pair))


def _moments(phi: Callable, kinks: tuple[float, ...], s1: jax.Array, s2: jax.Array, angle: jax.Array) -> Moments:
    """Return the moments of one pair; T with its derivatives at a fixed angle."""
    # What phi takes from around it, and may be differentiated in, has to be an argument of what has its own derivative.
    scalar, around = jax.closure_convert(phi, jnp.zeros((), angle.dtype))
    return _differentiable(scalar, kinks, tuple(around), s1, s2, angle)


def _elementwise(scalar: Callable, around: tuple[jax.Array, ...]) -> Callable:
    return jnp.vectorize(lambda z: scalar(z, *around))


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _differentiable(
    scalar: Callable, kinks: tuple[float, ...], around: tuple, s1: jax.Array, s2: jax.Array, angle: jax.Array
) -> Moments:
    """Return the moments of one pair, whose derivatives are all found on the way forward.

    Three numbers go in and three come out: to go back through the rule would keep its ten thousand values for each
    pair, and take longer to run and to compile.
    """
    return _by_rule(_elementwise(scalar, around), kinks, s1, s2, angle)


@_differentiable.defjvp
def _(scalar, kinks, primals, tangents):
    r"""Differentiate $T$ under the integral, as phi has no jumps, and the others with the rule, as phi' has.

    At a fixed angle $dT = E[x \phi'(u) \phi(v)]\, d\sigma_1 + E[\phi(u) (v/\sigma_2) \phi'(v)]\, d\sigma_2$.
    """
    (around, *at), (around_moves, *moves) = primals, tangents
    phi = _elementwise(scalar, around)
    pair, slope = _Pair(kinks, *at), derivative(phi)
    first, second = phi(pair.u)[:, None], phi(pair.v)
    along_s1 = pair.mean((pair.x * slope(pair.u))[:, None] * second)
    along_s2 = pair.mean(first * pair.y * slope(pair.v))

    def along(unit):
        return jax.jvp(lambda *at: _tdot_and_distance(phi, _Pair(kinks, *at)), tuple(at), tuple(unit))

    values, slopes = jax.vmap(along, out_axes=(None, 0))(jnp.eye(3, dtype=at[2].dtype))
    others = (along_each @ jnp.stack(moves) for along_each in slopes)
    moved = Moments(along_s1 * moves[0] + along_s2 * moves[1], *others)
    if around:

        def of(around):
            return _by_rule(_elementwise(scalar, around), kinks, *at)

        moved = jax.tree.map(jnp.add, moved, jax.jvp(of, (around,), (around_moves,))[1])
    return Moments(pair.mean(first * second), *values), moved


def _pairs(
    phi: Callable, kinks: tuple[float, ...], s1: FirstVariances, s2: SecondVariances, angle: Covariances
) -> Moments:
    """Return the moments of all pairs, one row at a time."""
    s1, s2 = jnp.broadcast_to(s1, angle.shape[:1]), jnp.broadcast_to(s2, angle.shape[1:])
    row = jax.vmap(partial(_moments, phi, kinks), in_axes=(None, 0, 0))
    return jax.lax.map(lambda of_row: row(of_row[0], s2, of_row[1]), (s1, angle))


def _chebyshev() -> tuple[np.ndarray, np.ndarray]:
    """Return the angles where the curve is found, and the matrix from its values there to Chebyshev coefficients."""
    m = np.arange(_ANGLES)
    x = (m + 0.5) * np.pi / _ANGLES
    matrix = np.cos(np.outer(m, x)) * 2 / _ANGLES
    matrix[0] /= 2
    return np.pi * (1 + np.cos(x)) / 2, matrix


def _clenshaw(coefficients: Float[Array, " orders"], x: Covariances) -> Covariances:
    """Return the Chebyshev series at x in [-1, 1]."""

    def step(carry, coefficient):
        b1, b2 = carry
        return (coefficient + 2 * x * b1 - b2, b1), None

    (b1, b2), _ = jax.lax.scan(
        step, (jnp.zeros_like(x), jnp.zeros_like(x)), coefficients[1:], reverse=True, unroll=16
    )  # fmt: skip
    return coefficients[0] + x * b1 - b2


def _curve(
    phi: Callable, kinks: tuple[float, ...], s1: FirstVariances, s2: SecondVariances, angle: Covariances
) -> Moments:
    """Return the moments of all pairs when every first point has one variance and every second point has one."""
    angles, matrix = (jnp.asarray(part, angle.dtype) for part in _chebyshev())
    at = jax.tree.map(lambda part: part[0], _pairs(phi, kinks, s1, s2, angles[None, :]))

    def interpolated(values, angle):
        return _clenshaw(matrix @ values, 2 * angle / np.pi - 1)

    def chord(angle):
        return (s1[0] - s2[0]) ** 2 + 4 * s1[0] * s2[0] * jnp.sin(angle / 2) ** 2

    # Divided by the squared distance on the circle, so that the small ones keep their digits.
    distance = chord(angle) * interpolated(jnp.asarray(at.distance) / chord(angles), angle)
    return Moments(interpolated(at.t, jax.lax.stop_gradient(angle)), interpolated(at.tdot, angle), distance)


def kinked_dual(
    phi: Callable,
    kinks: tuple[float, ...],
    q1: FirstVariances,
    q2: SecondVariances,
    k: Covariances,
    distance: Covariances,
) -> Moments:
    """Return the dual of an elementwise `phi` that is smooth but at `kinks`, where it may bend or jump in its slope."""
    _, angle = area_and_angle(q1, q2, k, distance)
    s1, s2 = deviations(q1), deviations(q2)
    shared = q1.shape[0] == 1 and q2.shape[0] == 1 and k.size > _ANGLES
    moments = (_curve if shared else _pairs)(phi, kinks, s1, s2, angle)
    # The derivative in k goes by dT/dk = Tdot: through the angle it would be 0/0 where two points coincide.
    product = s1[:, None] * s2[None, :]
    moved = k - product * jax.lax.stop_gradient(k / product)
    moved -= jax.lax.stop_gradient(moved)
    return moments._replace(t=moments.t + jax.lax.stop_gradient(moments.tdot) * moved)


def kinked_second_moment(phi: Callable, kinks: tuple[float, ...], q: Variances) -> Variances:
    r"""Return $E[\phi(u)^2]$, $u \sim N(0, q)$, by quadrature split at the kinks."""

    def one(sigma):
        x, w = panels(jnp.concatenate([jnp.asarray(kinks, sigma.dtype) / sigma, jnp.zeros(1, sigma.dtype)]), 2 * _NODES)
        return jnp.sum(w * phi(sigma * x) ** 2)

    return jax.vmap(one)(deviations(q))
