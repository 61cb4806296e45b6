"""The compiled programs of training: steps of one network down the gradient.

Depth, scales, learning rate, momentum and the number of steps are runtime values; shapes, activation, loss, the kind of
optimizer and the batch size are compiled. The seeds of an ensemble go through the same program one after another: JAX
takes up the next while the last is at work, and it was as fast as all of them in one program, at widths of 1,024 by a
tenth faster, and slower only where a step takes microseconds (width 16 and 7 points: 44 in place of 26).
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...gradients import Slope
from ...mlp import Nonlinearity, Params, Scales, draw, readout
from ...networks import Network
from .layers import forward, move_layer
from .optimizers import Optimizer

# The batches of a seed are drawn from a stream of their own.
_BATCHES = 0x62617463


class State(NamedTuple):
    """Where the training of one network has got.

    The hidden layers are a tuple of arrays, of the weights and of what the optimizer remembers: each changes where it
    lies, where a slice of a stack of them would be copied twice a step.
    """

    params: Params
    memory: Params
    key: Array


class Task(NamedTuple):
    """What a network learns: points, targets, and what is taken from its outputs."""

    x: Float[Array, "n in_dim"]
    y: Float[Array, "n out_dim"]
    offset: Float[Array, "n out_dim"]


def draw_layers(seed: int, in_dim: int, out_dim: int, net: Network, layers: int) -> Params:
    """Draw the weights of a seed as a `State` has them; those of layers past the depth are 0."""
    params = draw(seed, in_dim, out_dim, net.width, net.depth, "float32")
    spare = layers - net.depth
    hidden = (*params.hidden, *np.zeros((spare, net.width, net.width), np.float32))
    biases = np.pad(params.biases, ((0, spare), (0, 0)))
    # `jnp.array`, unlike `jnp.asarray`, compiles nothing.
    return jax.tree.map(jnp.array, params._replace(hidden=hidden, biases=biases))


@jax.jit
def start(optimizer: Optimizer, seed: Any, params: Params) -> State:
    """Return the state before the first step, in arrays of its own, which `advance` may use up."""
    key = jax.random.fold_in(jax.random.key(seed), _BATCHES)
    return State(jax.tree.map(jnp.copy, params), optimizer.start(params), key)


@jax.jit
def stacked(weights: tuple[Params, ...]) -> Params:
    """Return the weights of several seeds along a leading axis, their hidden layers in one array."""
    _, width = weights[0].readout.shape
    empty = jnp.zeros((0, width, width), weights[0].first.dtype)
    one_array = [p._replace(hidden=jnp.stack(p.hidden) if p.hidden else empty) for p in weights]
    return jax.tree.map(lambda *arrays: jnp.stack(arrays), *one_array)


def slope(loss: Callable, y: Float[Array, "n out_dim"], offset: Float[Array, "n out_dim"]) -> Slope:
    """Return the derivative of the mean over points of `loss(f, y)`, a function of one point, in f + `offset`."""
    return lambda f: jax.vmap(jax.grad(loss))(f - offset, y) / len(y)


@partial(jax.jit, static_argnames="batch_size", donate_argnames="state")
def advance(
    nonlinearity: Nonlinearity,
    scales: Scales,
    optimizer: Optimizer,
    loss: Callable,
    batch_size: int | None,
    task: Task,
    state: State,
    learning_rate: Any,
    done: Any,
    steps: Any,
) -> tuple[State, Array]:
    """Run the steps `done`, ..., `done + steps - 1`; return the state and `done + steps`.

    `state` cannot be used again: its arrays are those returned. To wait for a state that has been handed on already,
    wait for the number beside it.
    """
    rates = optimizer.rates(scales, len(state.params.first))
    moves = Params._make(partial(optimizer.step, learning_rate * rate) for rate in rates)

    def step(i, now):
        x, y, offset = _batch(batch_size, jax.random.fold_in(state.key, i), *task)
        params, memory = now
        return _step(nonlinearity, scales, moves, params, memory, x, slope(loss, y, offset))

    params, memory = jax.lax.fori_loop(done, done + steps, step, (state.params, state.memory))
    return State(params, memory, state.key), done + steps


def _batch(size: int | None, key: Array, *arrays: Array) -> tuple[Array, ...]:
    """Return the rows of a batch drawn without replacement; all of them for None."""
    if size is None:
        return arrays
    rows = jax.random.permutation(key, len(arrays[0]))[:size]
    return tuple(array[rows] for array in arrays)


def _step(
    nonlinearity: Nonlinearity, scales: Scales, moves: Any, params: Params, memory: Params, x: Array, slope: Slope
) -> tuple[Params, Params]:
    """Return weights and memory, their hidden layers one by one, after a step on the points `x`.

    `moves` has for each array of weights what steps it: `Optimizer.step` at its rate.
    """
    states = forward(nonlinearity, scales, params, x)
    last = nonlinearity(states[-1])
    signal = slope(readout(scales, params, last))
    g = nonlinearity.pull_back(states[-1], scales.hidden * (signal @ params.readout))
    layers, sums = [], []
    for level in range(len(params.hidden), 0, -1):
        own = params.hidden[level - 1], memory.hidden[level - 1]
        g, *layer, total = move_layer(nonlinearity, scales, level, moves.hidden, *own, states[level - 1], g)
        layers, sums = [layer, *layers], [total, *sums]
    sums = jnp.stack([g.sum(axis=0), *sums])
    pairs: dict[str, Any] = {
        # In this order no array of the points' size is transposed.
        "first": moves.first(params.first, memory.first, scales.first * (x.T @ g).T),
        "hidden": tuple(zip(*layers, strict=True)) or ((), ()),
        "readout": moves.readout(params.readout, memory.readout, scales.hidden * (signal.T @ last)),
        "biases": moves.biases(params.biases, memory.biases, scales.bias * sums),
        "readout_bias": moves.readout_bias(params.readout_bias, memory.readout_bias, scales.bias * signal.sum(axis=0)),
    }
    after, kept = ({name: pair[i] for name, pair in pairs.items()} for i in (0, 1))
    return Params(**after), Params(**kept)
