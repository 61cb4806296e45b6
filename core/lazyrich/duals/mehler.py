r"""Mehler's series $\sum_j a_j(\sigma_1)\, b_j(\sigma_2)\, z^m$ of derivatives of one function, summed to rounding.

The coefficients are matrix products of polynomials with the functions' values at the points of a rule; see `hermite`
for the formula, and `polynomials` for the rules.
"""

import functools
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .gaussian import Covariances, FirstVariances, SecondVariances, Variances, derivative
from .polynomials import mean, numbers, polynomials, values

# Rules of so many orders, each where those before it have not converged.
ORDERS = (512, 2048)
_BLOCK = 16

# (i, j) stands for E[phi^(i)(u) phi^(j)(v)].
Pair = tuple[int, int]


@functools.partial(jax.jit, static_argnames=("orders", "parity", "dtype"))
def _polynomials(orders: int, parity: int, dtype: str) -> Float[Array, "orders points"]:
    """Return `polynomials` as a function of its own, which stands once in a program: they are up to 11 MB."""
    return jnp.asarray(polynomials(orders, parity, np.dtype(dtype)))


def _derivatives(phi: Callable, lowest: int, highest: int) -> list[Callable]:
    """Return the derivatives of phi of these orders, both included."""
    functions = [phi]
    for _ in range(highest):
        functions.append(derivative(functions[-1]))
    return functions[lowest:]


def _blocks(
    at: Sequence[Float[Array, " points"]], parity: int, orders: int, reach: jax.Array
) -> tuple[list[jax.Array], jax.Array]:
    """Return how many blocks of orders each function needs at a deviation, from its values, and whether they are there.

    What may be left out of sum j a_j^2, which is sigma^2 E[f'^2], is 7e-11 of it in float64, or, of the sum with each
    pair's power of z, at most `reach`, a rounding. Whether more is left out beyond the last block is told by the last
    block.
    """
    rows = _polynomials(orders, parity, reach.dtype.name)
    j = np.maximum(numbers(orders, parity), 1).astype(reach.dtype)
    eps = jnp.finfo(reach.dtype).eps

    def of_one(values):
        terms = j * (rows @ values) ** 2
        counts = []
        for blocks, part in ((terms, eps**0.65), (terms * reach ** np.arange(len(j)), eps)):
            left = jnp.cumsum(blocks.reshape(-1, _BLOCK).sum(axis=1)[::-1])
            counts.append(jnp.sum(left > part * left[-1]))
        return jnp.minimum(*counts), counts[0] < len(left)

    needed, enough = zip(*map(of_one, at), strict=True)
    return list(needed), jnp.all(jnp.stack(enough))


def _sum(
    parity: int,
    orders: int,
    blocks: jax.Array,
    first: Float[Array, " points #n1"],
    second: Float[Array, " points #n2"],
    z: Covariances,
) -> tuple[Covariances, Covariances]:
    """Return sum_j a_j b_j z^m and sum_j j a_j b_j z^m, m = 0, 1, ..., of two functions' `values`.

    That is by Horner's scheme, a block in each pass.
    """
    rows = _polynomials(orders, parity, z.dtype.name)
    rows = rows.reshape(-1, _BLOCK, rows.shape[1])
    j_of = jnp.asarray(numbers(orders, parity).reshape(-1, _BLOCK, 1), z.dtype)

    def block(i, sums):
        total, slope = sums
        a, b = rows[blocks - 1 - i] @ first, rows[blocks - 1 - i] @ second
        steep = j_of[blocks - 1 - i] * a
        for j in reversed(range(_BLOCK)):
            total = total * z + a[j][:, None] * b[j][None, :]
            slope = slope * z + steep[j][:, None] * b[j][None, :]
        return total, slope

    return jax.lax.fori_loop(0, blocks, block, (jnp.zeros_like(z),) * 2)


def _sums(
    parity: int, orders: int, pairs: tuple[Pair, ...], blocks: list[jax.Array],
    first: list[jax.Array], second: list[jax.Array], z: Covariances,
) -> list[tuple[Covariances, Covariances]]:  # fmt: skip
    """Return `_sum` for each pair of functions; of several in a loop, so that one program serves them all."""

    def of_pair(one):
        blocks, first, second = one
        return _sum(parity, orders, blocks, first, second, z)

    each = [(jnp.maximum(blocks[i], blocks[j]), first[i], second[j]) for i, j in pairs]
    if len(pairs) == 1:
        return [of_pair(each[0])]
    totals, slopes = jax.lax.map(of_pair, jax.tree.map(lambda *leaves: jnp.stack(leaves), *each))
    return list(zip(totals, slopes, strict=True))


def _near_one(
    parity: int, product: Variances, slope: Variances, sigma: Variances, z: Covariances
) -> tuple[Covariances, Float[Array, "n 1"]]:
    r"""Return both sums of `_sum` at two equal deviations and z = 1, the first one to first order in 1 - z.

    They are $E[f(u) g(u)]$ and $\rho\, dE/d\rho = \sigma^2 E[f'(u) g'(u)]$, from the means `product` and `slope`.
    """
    product, slope = product[:, None], (sigma**2 * slope)[:, None]
    # With z = rho^2 the sum is E or, of odd functions, E / rho.
    along_z = {0: slope, 1: slope / 2, -1: (slope - product) / 2}[parity]
    return product - (1 - z) * along_z, slope


def series(
    phi: Callable, parity: int, pairs: tuple[Pair, ...], s1: FirstVariances, s2: SecondVariances, z: Covariances
) -> list[tuple[Covariances, Covariances]]:
    """Return both sums of `_sum` for pairs of derivatives of phi, all of this parity.

    They have as many orders as the largest deviation and the largest |z| need. That is without the pairs of a point
    and itself, whose sums are integrals over one variable.
    """
    lowest, highest = min(map(min, pairs)), max(map(max, pairs))
    pairs = tuple((i - lowest, j - lowest) for i, j in pairs)
    functions = _derivatives(phi, lowest, highest + 1)
    largest = jnp.maximum(jnp.max(s1), jnp.max(s2))[None]
    same = (s1[:, None] == s2[None, :]) & (1 - z < jnp.finfo(z.dtype).eps ** 0.7)
    reach = jnp.max(jnp.where(same, 0.0, jnp.abs(z)))

    sigma = jnp.concatenate([s1, s2, largest])

    def summed(orders, at, blocks):
        first = [*(f[:, : len(s1)] for f in at), values(functions[-1], s1, orders, parity)]
        sums = _sums(parity, orders, pairs, blocks, first, [f[:, len(s1) : -1] for f in at], z)

        def finished(i, j, *sums):
            product, slope = (mean(first[i + d] * first[j + d], orders, parity) for d in (0, 1))
            total_at_one, slope_at_one = _near_one(parity, product, slope, s1, z)
            return jnp.where(same, total_at_one, sums[0]), jnp.where(same, slope_at_one, sums[1])

        return [finished(*pair, *both) for pair, both in zip(pairs, sums, strict=True)]

    def in_rule(orders, *longer):
        # Each function's code is long: it stands here once for all deviations.
        at = [values(f, sigma, orders, parity) for f in functions[:-1]]
        blocks, enough = _blocks([f[:, -1] for f in at], parity, orders, reach)
        if not longer:
            return summed(orders, at, blocks)
        return jax.lax.cond(enough, lambda: summed(orders, at, blocks), lambda: in_rule(*longer))

    return in_rule(*ORDERS)
