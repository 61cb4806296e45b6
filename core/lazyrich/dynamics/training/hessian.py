"""Sharpness and trace of the Hessian of every seed's loss; formulas in `lazyrich.diagnostics.sharpness`."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax

from ...diagnostics.sharpness import HessianTrace, Sharpness, estimated_hessian_trace, largest_hessian_eigenvalue
from ...mlp import Nonlinearity, Params, Scales
from .descent import slope
from .ensemble import Checkpoint

# Every checkpoint begins from the same random vector, so that a curve over time has no noise of its own.
_SEED = 0
# Lanczos steps and random vectors: the defaults of `lazyrich.sharpness` and `lazyrich.hessian_trace`.
_ITERATIONS = _SAMPLES = 30
# A residual of so much of the eigenvalue is an error of about its square over the gap to the next: where the gap is
# wide, as in most networks, a few iterations come to it.
_TOLERANCE = 0.003


def sharpnesses(at: Checkpoint) -> Sharpness:
    """Return the largest eigenvalue and its residual of every seed, (seed,)."""
    return _measured(at, _sharpness, _ITERATIONS)


def hessian_traces(at: Checkpoint) -> HessianTrace:
    """Return the trace and its standard error of every seed, (seed,)."""
    return _measured(at, estimated_hessian_trace, _SAMPLES)


# By name, so that it is the same static argument at every call.
_sharpness = partial(largest_hessian_eigenvalue, tolerance=_TOLERANCE)


def _measured(at: Checkpoint, measure: Callable, count: int) -> Any:
    run = at.run
    points = run.x[0], run.y[0], run.offsets[0]
    return _of_seeds(run.nonlinearity, run.scales, run.loss.value, *points, at.params, measure, count)


@partial(jax.jit, static_argnames=("measure", "count"))
def _of_seeds(
    nonlinearity: Nonlinearity,
    scales: Scales,
    loss: Any,
    x: Any,
    y: Any,
    offsets: Any,
    params: Params,
    measure: Callable,
    count: int,
) -> Any:
    def one(arguments):
        params, offset = arguments
        own = slope(loss, y, offset)
        return measure(nonlinearity, scales, params, x, own, jax.random.key(_SEED), count)

    # One seed after the other: the Lanczos basis is `count` times as large as the weights.
    return jax.lax.map(one, (params, offsets))
