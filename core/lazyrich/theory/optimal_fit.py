r"""The ridge with the least predicted risk, and how closely the training targets are fitted there.

Every ridge $\delta \ge 0$ has one effective ridge g, at least that of no ridge, and $\delta = g(n-z)(1-z/k)$ is
explicit. So the search runs over log g, where the risk needs no root: on a grid first, as the risk can have several
minima, then by bisection of its slope. Nothing in the risk changes faster than a mode is learned: over 1 in log g.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._checks import check_broadcast, number_or_array
from .._float64 import float64, is_traced
from .effective_ridge import effective_ridge
from .risk import OF_A_PROBLEM, Problem, checked, errors, over_arrays

_GRID = 200
_HALVINGS = 60
_EPS = float(np.finfo(np.float64).eps)
# Beyond this many times the ridge at which learning starts to pay, the risk is that of predicting 0.
_BEYOND = 100.0
# Two risks that differ by less than this part are equal to rounding, a few eps for each of their sums.
_EQUAL = 1e-14


def _root(function: Callable[[Any], Any], low: Any, high: Any) -> Any:
    """Return where a scalar function falls through 0, with its derivatives by the implicit function theorem."""

    def halve(_: Any, bracket: tuple[Any, Any]) -> tuple[Any, Any]:
        middle = (bracket[0] + bracket[1]) / 2
        is_low = function(middle) > 0
        return jnp.where(is_low, middle, bracket[0]), jnp.where(is_low, bracket[1], middle)

    def solve(_: Any, low: Any) -> Any:
        return jax.lax.fori_loop(0, _HALVINGS, halve, (low, high))[0]

    return jax.lax.custom_root(function, low, solve, lambda slope, y: y / slope(jnp.ones_like(y)))


def _bracket(problem: Problem) -> tuple[Any, Any]:
    r"""Return log g without ridge, or where g is 0 to rounding, and one beyond the best.

    For large g (derived) test/$\sum_i(v_i^2+\sigma^2)$ is $1 + A/(ng^2) - 2B/g$ with
    $A = \sum_i\lambda_i^2 + (\sum_i\lambda_i)^2/k$ and $B = \sum_i\lambda_i v_i^2/\sum_i(v_i^2+\sigma^2)$: least at
    $g = A/(nB)$.
    """
    eigenvalues, power, n, k, _, noise = problem
    least = effective_ridge(eigenvalues, n, k, jnp.zeros_like(n))
    low = jnp.where(least > 0, least, _EPS * eigenvalues.min())
    a, b = (eigenvalues**2).sum() + eigenvalues.sum() ** 2 / k, (eigenvalues * power).sum()
    best = jnp.where(b > 0, a * (power.sum() + noise) / (n * jnp.where(b > 0, b, 1.0)), 0.0)
    high = _BEYOND * jnp.maximum(best, jnp.maximum(low, eigenvalues.max()))
    return jnp.log(low), jnp.log(high)


def _optimal_ridge(*arguments: Any) -> Any:
    """Return the optimal ridge of a problem of one n and k."""
    problem = Problem(*arguments)

    def ridge_and_risk(u: Any) -> tuple[Any, Any]:
        g = jnp.exp(u)
        z = (problem.eigenvalues / (problem.eigenvalues + g)).sum()
        a, b = jnp.maximum(problem.n - z, 0.0), jnp.maximum(1 - z / problem.k, 0.0)
        return g * a * b, errors(problem, g, a, b)[0]

    low, high = jax.lax.stop_gradient(_bracket(problem))
    grid = low + (high - low) * jnp.linspace(0.0, 1.0, _GRID)
    risks = jax.lax.map(lambda u: ridge_and_risk(u)[1], jax.lax.stop_gradient(grid))
    best = jnp.argmin(risks)
    slope = jax.grad(lambda u: ridge_and_risk(u)[1])
    u = _root(lambda u: -slope(u), grid[jnp.maximum(best - 1, 0)], grid[jnp.minimum(best + 1, _GRID - 1)])
    ridge, risk = ridge_and_risk(u)
    no_ridge_is_best = risks[0] <= (1 + _EQUAL) * jnp.minimum(risk, risks[best])
    return jnp.where(no_ridge_is_best, 0.0, jnp.where(best == _GRID - 1, jnp.inf, ridge))


_compiled = jax.jit(jax.vmap(_optimal_ridge, in_axes=OF_A_PROBLEM))


@float64
def optimal_ridge(eigenvalues: Any, coefficients: Any, *, n: Any, noise: Any = 0.0, k: Any = None) -> Any:
    """Return the ridge delta >= 0 with the least predicted test error: 0 where no ridge is better than none.

    It is infinite where there is nothing to learn but noise. For a target drawn from the kernel's own prior, v_i^2 =
    lambda_i, it is the noise variance whatever n is.

    Args:
        eigenvalues: those of the kernel operator, positive, (M,).
        coefficients: the target's coefficients v_i, (M,) or (M, C).
        n: number of training points, above 0; a number or an array.
        noise: variance of the noise on each output of the targets; a number or an array.
        k: number of features, above 0, a number or an array; None for the kernel itself.

    Returns:
        A number, or an array of the shape that n, noise and k have together; not divided by n.

    Raises:
        ValueError: an argument out of its range.
    """
    problem = checked(eigenvalues, coefficients, n, np.inf if k is None else k, 0.0, noise)
    result = over_arrays(_compiled, problem[:2], *problem[2:])
    return result if is_traced(result) or result.ndim else float(result)


def _fitting_ratio(a: Any, b: Any, s: Any) -> Any:
    """Return the optimal fitting ratio for three numbers."""
    root = _root(lambda x: a - b - (a - 1) * b * x + (a - 1) * s * (1 - x) ** b, jnp.zeros_like(a), jnp.ones_like(a))
    return jnp.where(s <= (b - a) / (a - 1), 0.0, root**2)


_compiled_fitting_ratio = jax.jit(jax.vmap(_fitting_ratio))


@float64
def optimal_fitting_ratio(a: Any, b: Any, relative_noise: Any) -> Any:
    r"""Return train/test error at the optimal ridge of kernel regression on power laws, for large n.

    With $\lambda_i = i^{-a}$, $v_i^2 = i^{-b}$ and the noise s relative to the error that it would have without noise,
    the ratio R is 0 (fitting the targets exactly is best) if $s \le (b-a)/(a-1)$, and otherwise the root of

    $$a - b - (a-1)\, b \sqrt R + (a-1)\, s\, (1 - \sqrt R)^b = 0 .$$

    Source: Simon, Karkada, Ghosh & Belkin 2023, "More is better". Derived: with $x = \sqrt R$ the modes learned are
    $\sum_i L_i = n(1-x)$; as integrals, $\sum_i L_i^2$ is $1 - 1/a$ times that and the error without noise falls as its
    power 1 - b, so that the test error is proportional to $[(1-x)^{1-b} + s]/[1 - (1-1/a)(1-x)]$, whose derivative
    vanishes there.

    Args:
        a: exponent of the eigenvalues, above 1; a number or an array, as the others.
        b: exponent of the squared coefficients, above 1 and below 2a + 1.
        relative_noise: $s = \sigma^2 / \sum_i (1-L_i)^2 v_i^2$ with the learnabilities of no ridge, at least 0.

    Raises:
        ValueError: an argument out of its range.
    """
    a, b = number_or_array(a, "a", above=1), number_or_array(b, "b", above=1)
    s = number_or_array(relative_noise, "relative_noise", least=0)
    check_broadcast(a=a, b=b, relative_noise=s)
    if not is_traced(a, b) and np.any(b >= 2 * a + 1):
        raise ValueError(
            f"b must be below 2a + 1, or the first modes dominate the error; got b = {b} beside a = {a}. Lower b."
        )
    result = over_arrays(_compiled_fitting_ratio, (), a, b, s)
    return result if is_traced(result) or result.ndim else float(result)
