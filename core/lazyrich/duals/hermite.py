r"""Duals of smooth activations, as a Hermite (Mehler) series.

With $f(\sigma x) = \sum_j a_j(\sigma) h_j(x)$ in normalised Hermite polynomials, the same for g, and
$\rho = k/\sigma_1\sigma_2$,

$$E[f(u) g(v)] = \sum_j a_j(\sigma_1)\, b_j(\sigma_2)\, \rho^j$$

(Mehler's formula; Daniely, Frostig & Singer 2016, "Toward deeper understanding of neural networks", section 4.2). $T$
is the series of $\phi$ with itself, $\dot T$ that of $\phi'$. The coefficients are one-dimensional integrals, found by
a matrix product; a pair costs a multiplication and an addition an order, and half of them if phi is odd. An activation
that is analytic in a strip needs few orders at small variances, more at large ones: as many are summed as the largest
variance needs. Its derivatives are series again, of the derivatives of f and g.

Relative errors measured at $\rho = \pm 1$ for tanh, whose strip is the narrowest here: 5e-13 in T and 1e-10 in Tdot for
variances up to 16, 5e-10 and 3e-7 at 50, 1e-7 and 5e-5 at 100.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .gaussian import Covariances, FirstVariances, Moments, SecondVariances, Variances, derivative, deviations

# Rules of so many orders, each where those before it have not converged.
_ORDERS = (512, 2048)
# Where a Hermite polynomial times its weight exp(-x^2/2) has fallen below 1e-16, whatever its order.
_REACH = 12.2
_BLOCK = 16


@functools.cache
def _rule(orders: int, parity: int) -> tuple[np.ndarray, np.ndarray]:
    """Return points x > 0, and the Hermite polynomials there times their weights: (orders, points).

    A parity of 1 or -1 keeps the even or odd polynomials alone. On analytic functions the midpoint rule converges
    faster than any power of its step; the polynomials oscillate like sqrt(orders) x.
    """
    step = 0.14 * np.sqrt(128 / orders)
    x = np.arange(step / 2, _REACH, step)
    rows = [step * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)]
    rows.append(x * rows[0])
    for j in range(2, orders):
        rows.append((x * rows[-1] - np.sqrt(j - 1) * rows[-2]) / np.sqrt(j))
    return x, np.array(rows)[{0: slice(None), 1: slice(0, None, 2), -1: slice(1, None, 2)}[parity]]


def _values(f: Callable, sigma: Variances, orders: int, parity: int) -> Float[Array, "points n"]:
    """Return what the polynomials are multiplied with: f at the points, or at these and their negatives."""
    x = _rule(orders, parity)[0].astype(sigma.dtype)
    points = x[:, None] * sigma[None, :]
    return 2 * f(points) if parity else jnp.concatenate([f(points), f(-points)])


def _polynomials(orders: int, parity: int, dtype: np.dtype) -> Float[np.ndarray, "orders points"]:
    rows = _rule(orders, parity)[1].astype(dtype)
    return rows if parity else np.concatenate([rows, rows * (-1.0) ** np.arange(orders)[:, None]], axis=1).astype(dtype)


def _blocks(functions: tuple[Callable, ...], parity: int, orders: int, sigma: Variances) -> tuple[jax.Array, jax.Array]:
    """Return how many blocks of orders all functions need at a deviation, and whether `orders` has them.

    What may be left out of sum j a_j^2, which is sigma^2 E[f'^2], is 7e-11 of it in float64. Whether more is left out
    beyond the last block is told by the last block.
    """
    rows = _polynomials(orders, parity, sigma.dtype)
    j = np.maximum(np.arange(orders)[slice(parity == -1, None, 2 if parity else 1)], 1).astype(sigma.dtype)

    def of_one(f):
        blocks = jnp.sum((j * (rows @ _values(f, sigma, orders, parity))[:, 0] ** 2).reshape(-1, _BLOCK), axis=1)
        least = jnp.finfo(sigma.dtype).eps ** 0.65 * jnp.sum(blocks)
        return jnp.sum(jnp.cumsum(blocks[::-1]) > least), blocks[-1] <= least

    needed, enough = zip(*map(of_one, functions), strict=True)
    return jnp.max(jnp.stack(needed)), jnp.all(jnp.stack(enough))


def _sum(
    functions: tuple[Callable, Callable],
    parity: int,
    orders: int,
    blocks: jax.Array,
    s1: FirstVariances,
    s2: SecondVariances,
    z: Covariances,
) -> tuple[Covariances, Covariances]:
    """Return sum_j a_j b_j z^j and its derivative in z by Horner's scheme, a block of orders in each pass over z."""
    rows = _polynomials(orders, parity, z.dtype)
    rows = jnp.asarray(rows.reshape(-1, _BLOCK, rows.shape[1]))
    first, second = (_values(f, sigma, orders, parity) for f, sigma in zip(functions, (s1, s2), strict=True))

    def block(i, sums):
        total, slope = sums
        polynomials = rows[blocks - 1 - i]
        a, b = polynomials @ first, polynomials @ second
        for j in reversed(range(_BLOCK)):
            slope = slope * z + total
            total = total * z + a[j][:, None] * b[j][None, :]
        return total, slope

    return jax.lax.fori_loop(0, blocks, block, (jnp.zeros_like(z),) * 2)


def _series(
    functions: tuple[Callable, Callable], parity: int, s1: FirstVariances, s2: SecondVariances, z: Covariances
) -> tuple[Covariances, Covariances]:
    """Return the sum and its derivative in z, with as many orders as the largest deviation needs."""
    largest = jnp.maximum(jnp.max(s1), jnp.max(s2))[None]
    each = tuple(dict.fromkeys(functions))  # a function with itself is looked at once

    def in_rule(orders, *longer):
        blocks, enough = _blocks(each, parity, orders, largest)

        def summed():
            return _sum(functions, parity, orders, blocks, s1, s2, z)

        return jax.lax.cond(enough, summed, lambda: in_rule(*longer)) if longer else summed()

    return in_rule(*_ORDERS)


def _correlation(
    q1: FirstVariances, q2: SecondVariances, k: Covariances
) -> tuple[FirstVariances, SecondVariances, Covariances]:
    """Return both deviations and the correlation, without the rounding that would carry it beyond 1."""
    s1, s2 = deviations(q1), deviations(q2)
    return s1, s2, jnp.clip(k / (s1[:, None] * s2[None, :]), -1.0, 1.0)


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _mean(
    functions: tuple[Callable, Callable], parity: int, q1: FirstVariances, q2: SecondVariances, k: Covariances
) -> Covariances:
    """Return E[f(u) g(v)] of two smooth functions, both of one parity: 1 even, -1 odd, 0 neither."""
    s1, s2, rho = _correlation(q1, q2, k)
    total, _ = _series(functions, parity, s1, s2, rho * rho if parity else rho)
    return rho * total if parity == -1 else total


@_mean.defjvp
def _(functions, parity, primals, tangents):
    r"""Differentiate by Price's theorem: $dE = \frac12 E[f'' g] dq_1 + \frac12 E[f g''] dq_2 + E[f' g'] dk$."""
    (f, g), (dq1, dq2, dk) = functions, tangents
    slopes = derivative(f), derivative(g)
    along_q1 = _mean((derivative(slopes[0]), g), parity, *primals) / 2
    along_q2 = _mean((f, derivative(slopes[1])), parity, *primals) / 2
    along_k = _mean(slopes, -parity, *primals)
    return _mean(functions, parity, *primals), along_q1 * dq1[:, None] + along_q2 * dq2[None, :] + along_k * dk


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def _odd_moments(
    phi: Callable, q1: FirstVariances, q2: SecondVariances, k: Covariances
) -> tuple[Covariances, Covariances]:
    r"""Return T and Tdot of an odd phi from one series: with $z = \rho^2$, $T = \rho S(z)$, $dT/d\rho = S + 2 z S'$.

    Of other functions the slope needs a series of its own: at small variances it would be lost beside phi(0).
    """
    s1, s2, rho = _correlation(q1, q2, k)
    total, slope = _series((phi, phi), -1, s1, s2, rho * rho)
    return rho * total, (total + 2 * rho * rho * slope) / (s1[:, None] * s2[None, :])


@_odd_moments.defjvp
def _(phi, primals, tangents):
    slope = derivative(phi)
    pairs = (((phi, phi), -1), ((slope, slope), 1))
    moved = [jax.jvp(functools.partial(_mean, *pair), primals, tangents)[1] for pair in pairs]
    return _odd_moments(phi, *primals), tuple(moved)


def hermite_dual(
    phi: Callable, q1: FirstVariances, q2: SecondVariances, k: Covariances, _: None = None, *, parity: int = 0
) -> Moments:
    """Return the dual of a smooth elementwise `phi`; at a kink the series converges too slowly.

    A parity of 1 (even) or -1 (odd) says that half of the series is zero.
    """
    if parity == -1:
        return Moments(*_odd_moments(phi, q1, q2, k))
    slope = derivative(phi)
    return Moments(_mean((phi, phi), parity, q1, q2, k), _mean((slope, slope), -parity, q1, q2, k))


def hermite_second_moment(phi: Callable, q: Variances, *, parity: int = 0) -> Variances:
    r"""Return $E[\phi(u)^2]$, $u \sim N(0, q)$, by the midpoint rule of the shorter series."""
    x, rows = (part.astype(q.dtype) for part in _rule(_ORDERS[0], 1))
    points = x[:, None] * deviations(q)[None, :]
    return rows[0] @ (2 * phi(points) ** 2 if parity else phi(points) ** 2 + phi(-points) ** 2)
