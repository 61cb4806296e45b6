"""Normalised Hermite polynomials, and the midpoint rule that integrates with them against the normal density."""

import functools
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .gaussian import Variances

# Where a Hermite polynomial times its weight exp(-x^2/2) has fallen below 1e-16, whatever its order.
_REACH = 12.2


@functools.cache
def rule(orders: int, parity: int) -> tuple[np.ndarray, np.ndarray]:
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


def values(f: Callable, sigma: Variances, orders: int, parity: int) -> Float[Array, "points n"]:
    """Return what the polynomials are multiplied with: f at the points, or at these and their negatives."""
    x = rule(orders, parity)[0].astype(sigma.dtype)
    points = x[:, None] * sigma[None, :]
    # The code of f may be long: it stands here once for both signs.
    return 2 * f(points) if parity else f(jnp.concatenate([points, -points]))


def polynomials(orders: int, parity: int, dtype: np.dtype) -> Float[np.ndarray, "orders points"]:
    """Return what multiplies `values`: the polynomials times their weights."""
    rows = rule(orders, parity)[1].astype(dtype)
    return rows if parity else np.concatenate([rows, rows * (-1.0) ** np.arange(orders)[:, None]], axis=1).astype(dtype)


def numbers(orders: int, parity: int) -> np.ndarray:
    """Return the orders j that are summed."""
    return np.arange(orders)[slice(parity == -1, None, 2 if parity else 1)]


def mean(product: Float[Array, "points n"], orders: int, parity: int) -> Variances:
    """Return E[f(sigma x) g(sigma x)], x ~ N(0, 1), from the product of both functions' `values`, by the same rule."""
    weights = rule(orders, 1)[1][0].astype(product.dtype)
    return jnp.asarray(weights / 2 if parity else np.concatenate([weights, weights])) @ product
