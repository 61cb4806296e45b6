"""Sharpness and trace of the Hessian of every seed's loss; formulas in `lazyrich.diagnostics.sharpness`."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax

from ...diagnostics.sharpness import HessianTrace, Sharpness, estimated_hessian_trace, largest_hessian_eigenvalue
from ...mlp import Nonlinearity, Params, Scales
from .descent import Task, slope
from .ensemble import Checkpoint

# Every checkpoint begins from the same random vector, so that a curve over time has no noise of its own.
_SEED = 0
# Lanczos steps and random vectors: the defaults of `lazyrich.sharpness` and `lazyrich.hessian_trace`.
_ITERATIONS = _SAMPLES = 30


def sharpnesses(at: Checkpoint) -> Sharpness:
    """Return the largest eigenvalue and its residual of every seed, (seed,)."""
    return _measured(at, largest_hessian_eigenvalue, _ITERATIONS)


def hessian_traces(at: Checkpoint) -> HessianTrace:
    """Return the trace and its standard error of every seed, (seed,)."""
    return _measured(at, estimated_hessian_trace, _SAMPLES)


def _measured(at: Checkpoint, measure: Callable, count: int) -> Any:
    run = at.run
    return _of_seeds(run.nonlinearity, run.scales, run.loss.value, run.task, at.params, measure, count)


@partial(jax.jit, static_argnames=("measure", "count"))
def _of_seeds(
    nonlinearity: Nonlinearity, scales: Scales, loss: Any, task: Task, params: Params, measure: Callable, count: int
) -> Any:
    def one(arguments):
        params, offset = arguments
        own = slope(loss, task.y, offset)
        return measure(nonlinearity, scales, params, task.x, own, jax.random.key(_SEED), count)

    # One seed after the other: the Lanczos basis is `count` times as large as the weights.
    return jax.lax.map(one, (params, task.offset))
