r"""A network whose hidden layers are arrays of their own: the way forward, and one layer's part of the way back.

As in `lazyrich.mlp`, depth is a runtime value: layers past it are spare, and hand on what they are given. Each of them
costs a copy in place of its products, which `lax.cond` skips. What works element by element stands outside of it: XLA
divides such work among the cores of a CPU in the body of a loop, but not in a branch of a conditional.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ...mlp import Nonlinearity, Params, Scales

Signal = Float[Array, "n width"]


def forward(nonlinearity: Nonlinearity, scales: Scales, params: Params, x: Float[Array, "n in_dim"]) -> list[Signal]:
    """Return the preactivations h^1 ... h^L, and those of spare layers, which are h^L again."""
    states = [scales.first * x @ params.first.T + scales.bias * params.biases[0][None, :]]
    for level, weights in enumerate(params.hidden, start=1):
        previous = states[-1]
        product = _if_used(scales, level, lambda a, weights: a @ weights.T, nonlinearity(previous), weights)
        h = scales.hidden * product + scales.bias * params.biases[level][None, :] + scales.residual * previous
        states.append(jnp.where(level < scales.depth, h, previous))
    return states


def move_layer(
    nonlinearity: Nonlinearity,
    scales: Scales,
    level: int,
    move: Callable,
    weights: Float[Array, "width width"],
    memory: Any,
    below: Signal,
    g: Signal,
) -> tuple[Signal, Float[Array, "width width"], Any, Float[Array, " width"]]:
    """Step the weights between `level` - 1, whose preactivations are `below`, and `level`, whose signal is `g`.

    Returns the signal at `level` - 1, the weights and what the optimizer remembers of them, and the sum of `g` over
    points; of a spare layer `g`, weights and memory as they were, and 0.
    """
    # Before the loop, which then changes the weights where they lie: nothing in it reads them but their own step.
    product = _if_used(scales, level, lambda g, weights: g @ weights, g, weights)

    def moved(_, now):
        g, weights, memory, _ = now
        weights, memory = move(weights, memory, scales.hidden * (g.T @ nonlinearity(below)))
        under = nonlinearity.pull_back(below, scales.hidden * product) + scales.residual * g
        return under, weights, memory, g.sum(axis=0)

    # One round, or none for a spare layer; a `lax.cond` would leave all but the product to one core.
    start = g, weights, memory, jnp.zeros_like(g[0])
    return jax.lax.fori_loop(level, jnp.minimum(level + 1, scales.depth), moved, start)


def _if_used(scales: Scales, level: int, product: Callable, a: Signal, weights: Float[Array, "width width"]) -> Signal:
    """Return `product(a, weights)`; `a` if the layer is spare."""
    return jax.lax.cond(level < scales.depth, product, lambda a, weights: a, a, weights)
