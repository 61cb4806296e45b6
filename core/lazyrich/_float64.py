"""Double precision without side effects.

Kernels, spectra and closed-form dynamics need float64 (float32 makes the Gram matrix of near-duplicate points
indefinite), but importing this package must not change the user's global JAX configuration. So every public function
that needs it runs inside JAX's own context manager, and hands back NumPy arrays: a float64 `jax.Array` that leaves the
context would be rounded to float32 by the first operation outside it. Under `jax.jit`, `jax.grad` or `jax.vmap` the
inputs are tracers, and so are the outputs.
"""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

P = ParamSpec("P")
R = TypeVar("R")


def is_traced(*values: Any) -> bool:
    """Whether any leaf of `values` is a tracer, so that its numbers cannot be looked at."""
    return any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(values))


def as_double(value: Any) -> Any:
    """Return `value` in double precision where it is traced, under 64-bit types; else as it is."""
    return jnp.asarray(value, jnp.float64) if is_traced(value) else value


def to_numpy(tree: Any) -> Any:
    """Turn the `jax.Array` leaves of `tree` into NumPy arrays; tracers stay as they are."""
    return jax.tree.map(
        lambda leaf: np.asarray(leaf) if isinstance(leaf, jax.Array) and not is_traced(leaf) else leaf, tree
    )


def float64(function: Callable[P, R]) -> Callable[P, R]:
    """Run `function` with 64-bit types enabled and return its arrays as NumPy arrays."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with jax.enable_x64(True):
            return to_numpy(function(*args, **kwargs))

    return run
