r"""The predicted risk of ridge regression on n points with k features, of which a kernel has infinitely many.

In terms of the effective ridge g, with $L_i = \lambda_i/(\lambda_i+g)$, $w = \sum_i L_i(1-L_i)$, $a = n - \sum_i L_i$,
$b = 1 - \sum_i L_i/k$ and $c = b + w/k$,

$$\text{test} = \frac{n}{a + wb/c} \Big[\sum_i (1-L_i)\,\frac{b(1-L_i) + w/k}{c}\, v_i^2 + \sigma^2\Big], \qquad
\text{train} = (a/n)^2\, \text{test} .$$

This is eqs. 7 and 8 of Simon, Karkada, Ghosh & Belkin 2023, "More is better", with $\kappa = gb$ and
$q = \sum_i L_i^2 = \sum_i L_i - w$ put in, as $k - q = kc$ and $n(k-q) - q(k-2z) - z^2 = k(ac + wb)$: so nothing is
subtracted from what it is close to. For the kernel b = c = 1.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .._checks import as_array, check_broadcast, number_or_array
from .._float64 import is_traced
from .effective_ridge import effective_ridge, gaps

# The spectrum is one, and there are as many n, k, ridges and noises as entries.
OF_A_PROBLEM = (None, None, 0, 0, 0, 0)
# The square of a larger one leaves the range of float64.
_LARGEST = 1e150


class Risk(NamedTuple):
    """Predicted mean squared errors (no factor 1/2, summed over outputs) and what they follow from.

    Numbers if n, k, ridge and noise are numbers, else arrays of the shape that these have together, (S,) for a curve.

    Attributes:
        test: mean squared error on new noisy targets.
        train: mean squared error on the training targets.
        kappa: effective ridge.
        learnability: how much of each mode is learned, between 0 and 1, (M,) or (S, M).
    """

    test: Any
    train: Any
    kappa: Any
    learnability: Any


class Problem(NamedTuple):
    """What a risk is computed from, once it is checked: eigenvalues and power (M,), and arrays that broadcast."""

    eigenvalues: Any
    power: Any
    n: Any
    k: Any
    ridge: Any
    noise: Any


def checked(eigenvalues: Any, coefficients: Any, n: Any, k: Any, ridge: Any, noise: Any) -> Problem:
    """Return the problem, with the noise of all outputs together, or raise a `ValueError`."""
    eigenvalues, power, outputs = _spectrum(eigenvalues, coefficients)
    n, k = number_or_array(n, "n", above=0), number_or_array(k, "k", above=0, or_infinite=True)
    ridge, noise = number_or_array(ridge, "ridge", least=0), number_or_array(noise, "noise", least=0)
    _within_range(ridge=ridge, noise=noise)
    check_broadcast(n=n, k=k, ridge=ridge, noise=noise)
    return Problem(eigenvalues, power, n, k, ridge, outputs * noise)


def _spectrum(eigenvalues: Any, coefficients: Any) -> tuple[Any, Any, int]:
    """Return eigenvalues and squared coefficients, both (M,), once they are checked, and the number of outputs."""
    eigenvalues = as_array(eigenvalues, "eigenvalues")
    coefficients = as_array(coefficients, "coefficients")
    bad_values = not is_traced(eigenvalues) and eigenvalues.size and eigenvalues.min() <= 0
    if eigenvalues.ndim != 1 or eigenvalues.size == 0 or bad_values:
        raise ValueError(
            f"eigenvalues must be a vector of positive numbers; got shape {eigenvalues.shape}"
            + (f" with smallest {eigenvalues.min():.3g}" if bad_values else "")
            + ". Leave out modes at the level of rounding."
        )
    if coefficients.ndim not in (1, 2) or len(coefficients) != len(eigenvalues):
        raise ValueError(
            f"coefficients must have one row for each of the {len(eigenvalues)} eigenvalues; got "
            f"{coefficients.shape}. Give v_i in the same order."
        )
    _within_range(eigenvalues=eigenvalues, coefficients=coefficients)
    columns = coefficients.reshape(len(eigenvalues), -1)
    return eigenvalues, (columns**2).sum(axis=1), columns.shape[1]


def _within_range(**values: Any) -> None:
    """Say so where a number is too large to be squared."""
    largest = max(0.0 if is_traced(value) else np.abs(value).max(initial=0.0) for value in values.values())
    if largest > _LARGEST:
        raise ValueError(f"{' and '.join(values)} must be at most {_LARGEST:g} in size; got {largest:.3g}. Scale them.")


def over_arrays(compiled: Callable, vectors: tuple[Any, ...], *numbers: Any) -> Any:
    """Return `compiled(*vectors, *numbers)`, whose numbers have to have shape (S,), for arrays that broadcast.

    They are broadcast before, in double precision, so that the number of modes and of entries alone compile again.
    """
    vectors, numbers = jax.tree.map(lambda value: jnp.asarray(value, jnp.float64), (vectors, numbers))
    shape = np.broadcast_shapes(*(array.shape for array in numbers))
    result = compiled(*vectors, *(jnp.broadcast_to(array, shape).ravel() for array in numbers))
    return jax.tree.map(lambda leaf: leaf.reshape(*shape, *leaf.shape[1:]), result)


def _risk(*problem: Any) -> tuple[Any, Any, Any, Any]:
    """Return test, train, kappa and learnability of a problem of one n, k and ridge."""
    eigenvalues, _, n, k, ridge, _ = problem
    g = effective_ridge(eigenvalues, n, k, ridge)
    return errors(Problem(*problem), g, *gaps(g, (eigenvalues / (eigenvalues + g)).sum(), n, k, ridge))


_compiled = jax.jit(jax.vmap(_risk, in_axes=OF_A_PROBLEM))


def risk(problem: Problem) -> Risk:
    """Return the risk: numbers where all of n, k, ridge and noise are numbers that are known."""
    result = Risk(*over_arrays(_compiled, problem[:2], *problem[2:]))
    if is_traced(result) or result.test.ndim:
        return result
    return Risk(float(result.test), float(result.train), float(result.kappa), result.learnability)


def is_peak(problem: Problem) -> bool:
    """Whether the risk of a single n, k and ridge diverges: at n = k or n = M, without ridge."""
    numbers = problem.n, problem.k, problem.ridge
    if is_traced(*numbers) or any(np.ndim(number) for number in numbers):
        return False
    n, k, modes = problem.n, problem.k, problem.eigenvalues.size
    return bool(problem.ridge == 0 and n <= k and (n == modes or n == k < modes))


def errors(problem: Problem, g: Any, a: Any, b: Any) -> tuple[Any, Any, Any, Any]:
    """Return test, train, kappa and learnability, of the module's docstring, of a problem of one n, k and ridge."""
    eigenvalues, power, n, k, _, noise = problem
    learned, left = eigenvalues / (eigenvalues + g), g / (eigenvalues + g)
    w = (learned * left).sum()
    c = b + w / k
    safe = jnp.where(c > 0, c, 1.0)  # c = 0 where there are as many features as modes: b/c is then at most 1
    weight = jnp.where(c > 0, (b * left + w / k) / safe, 1.0)
    error = (left * weight * power).sum() + noise
    over = a + w * b / safe
    # At a peak without noise, but for n = k, the error falls faster than what it is divided by.
    at_peak = jnp.where((noise > 0) | (b <= 0), jnp.inf, 0.0)
    test = jnp.where(over > 0, n * error / jnp.where(over > 0, over, 1.0), at_peak)
    return test, jnp.where(a > 0, (a / n) ** 2 * test, 0.0), g * b, learned
