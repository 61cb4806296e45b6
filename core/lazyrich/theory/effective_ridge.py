r"""The effective ridge g: the one unknown in the theory of kernel and of random-feature regression.

With $z(g) = \sum_i \lambda_i/(\lambda_i+g)$ over M modes, ridge $\delta$, n points and k features (infinitely many for
the kernel itself), g is the root of

$$g\,(n - z)(1 - z/k) = \delta .$$

Source: Simon, Karkada, Ghosh & Belkin 2023, "More is better", eqs. 5 and 6, with their $\kappa = g (1 - z/k)$ put in.
Without ridge g is the root of $z = \min(n, k)$, or 0 where that is at least M. The factors lose their digits where z
comes close to n or k, and g spans hundreds of orders of magnitude, hence (derived):

1. Call $a = n - z$ and $b = 1 - z/k$. Then $b - a/k = 1 - n/k$ and $b \cdot a/k = \delta/(gk)$, a quadratic equation
   that gives both to their own digits from g.
2. What is left is one equation in $u = \log g$: $z + a = n$ if $n \le k$, else the same less n - k, $z + kb = k$.
   Both terms fall with u, without a pole.
3. At its root z is below n and k, so $\delta/n \le g$ and $\lambda_{min}(M - \min(n,k))/M \le g$. Where
   $g \ge 2 \sum\lambda/\min(n,k)$, z is at most half of either, so $g \le \max(4\delta/n,\, 2\sum\lambda/\min(n,k))$.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

# Newton's method ended after 4 to 18 steps on all that was tried. If it creeps, bisection takes over: 75 halvings of
# the widest bracket in float64, 1,500 in log g, leave less than the spacing of its numbers.
_NEWTON_STEPS, _MOST_STEPS = 50, 125
_EPS = float(np.finfo(np.float64).eps)


class _Search(NamedTuple):
    """A bracket of the root, the next guess at it, the steps made, and whether there is one to come."""

    low: Any
    high: Any
    guess: Any
    steps: Any
    goes_on: Any


def gaps(g: Any, z: Any, n: Any, k: Any, ridge: Any) -> tuple[Any, Any]:
    """Return a = n - z and b = 1 - z/k at the root g, from z itself only where g is 0; both 0 at the peak n = k."""
    # Whether there are at least as many features as points must not depend on how a compiler rounds n/k.
    is_wide, difference = n <= k, jnp.where(n == k, 0.0, 1 - n / k)
    s = ridge / jnp.where(g > 0, g, 1.0)
    square = difference**2 + 4 * s / k
    # The derivative of the root is infinite at the peak; as a NaN it would spread to other entries.
    root = jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1.0)), 0.0)
    larger = (jnp.abs(difference) + root) / 2 * jnp.where(is_wide, 1.0, k)
    other = s / jnp.where(larger > 0, larger, 1.0)
    a, b = jnp.where(is_wide, other, larger), jnp.where(is_wide, larger, other)
    return jnp.where(g > 0, a, n - z), jnp.where(g > 0, b, 1 - z / k)


def _sum_and_slope(eigenvalues: Any, u: Any, n: Any, k: Any, ridge: Any) -> tuple[Any, Any]:
    """Return z + a, or z + k b where k is below n, and minus the derivative of either in u = log g."""
    g = jnp.exp(u)
    learned = eigenvalues / (eigenvalues + g)
    z = learned.sum()
    a, b = gaps(g, z, n, k, ridge)
    total = a / k + b
    rest = jnp.where(n <= k, a, jnp.where(n <= k, 1.0, k) * b)
    return z + rest, (learned * (1 - learned)).sum() + a * b / jnp.where(total > 0, total, 1.0)


def _search(eigenvalues: Any, n: Any, k: Any, ridge: Any) -> Any:
    """Return log g for a g above 0: Newton's method for log(z + a) = log n, or its like, within a bracket."""
    modes, fewer = eigenvalues.size, jnp.minimum(n, k)
    twice = 2 * eigenvalues.sum() / fewer
    low = jnp.log(jnp.maximum(ridge / n, eigenvalues.min() * jnp.maximum(modes - fewer, 0.0) / modes)) - 1e-6
    high = jnp.log(jnp.maximum(4 * ridge / n, twice)) + 1e-6

    def step(state: _Search) -> _Search:
        total, slope = _sum_and_slope(eigenvalues, state.guess, n, k, ridge)
        is_below = total > fewer
        low, high = jnp.where(is_below, state.guess, state.low), jnp.where(is_below, state.high, state.guess)
        newton = state.guess + total * jnp.log(total / fewer) / slope
        is_good = (low < newton) & (newton < high) & (state.steps < _NEWTON_STEPS)
        guess = jnp.where(is_good, newton, (low + high) / 2)
        far = jnp.abs(guess - state.guess) > 2 * _EPS * jnp.maximum(1.0, jnp.abs(guess))
        goes_on = far & (jnp.abs(total - fewer) > 4 * _EPS * fewer) & (state.steps < _MOST_STEPS)
        return _Search(low, high, jnp.where(goes_on, guess, state.guess), state.steps + 1, goes_on)

    start = _Search(low, high, jnp.clip(jnp.log(twice / 2), low, high), 0, True)
    return jax.lax.while_loop(lambda state: state.goes_on, step, start).guess


def effective_ridge(eigenvalues: Any, n: Any, k: Any, ridge: Any) -> Any:
    """Return g, a scalar, differentiable through the implicit function theorem (but at the peaks without ridge).

    Args:
        eigenvalues: positive, (M,) float64.
        n: number of points, a scalar above 0.
        k: number of features, a scalar above 0; infinity for the kernel.
        ridge: delta, a scalar of at least 0.
    """

    def excess(g: Any) -> Any:
        z = (eigenvalues / (eigenvalues + g)).sum()
        return g * (n - z) * (1 - z / k) - ridge

    def solve(_: Any, start: Any) -> Any:
        is_exact = (ridge == 0) & (jnp.minimum(n, k) >= eigenvalues.size)  # every mode is learned
        return jnp.where(is_exact, 0.0, jnp.exp(_search(eigenvalues, jnp.where(is_exact, start / 2, n), k, ridge)))

    start = jnp.asarray(eigenvalues.size, eigenvalues.dtype)
    return jax.lax.custom_root(excess, start, solve, lambda slope, y: y / slope(jnp.ones_like(y)))
