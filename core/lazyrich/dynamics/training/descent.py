"""The compiled programs of training: steps down the gradient, for every seed.

Depth, scales, learning rate, momentum and the number of steps are runtime values; shapes, activation, loss, the kind of
optimizer and the batch size are compiled.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...gradients import Slope
from ...mlp import Nonlinearity, Params, Scales, backward, draw_each, hidden_states, output
from ...networks import Network
from .optimizers import Optimizer

# Above this width a step's matrix products fill the machine, and seeds side by side get into each other's way.
_WIDEST_SIDE_BY_SIDE = 128
# The batches of a seed are drawn from a stream of their own.
_BATCHES = 0x62617463


class State(NamedTuple):
    """Where training has got, the seeds along the leading axis of every array.

    The hidden layers are a tuple of arrays, of the weights and of what the optimizer remembers: each changes where it
    lies, where a slice of a stack of them would be copied twice a step.
    """

    params: Params
    memory: Params
    key: Array


class Task(NamedTuple):
    """What is learned: points, targets, and what is taken from each seed's outputs."""

    x: Float[Array, "n in_dim"]
    y: Float[Array, "n out_dim"]
    offset: Float[Array, "seed n out_dim"]


def draw_seeds(seeds: np.ndarray, in_dim: int, out_dim: int, net: Network, layers: int) -> Params:
    """Draw the weights of every seed as a `State` has them; those of layers past the depth are 0."""
    params = draw_each(seeds, in_dim, out_dim, net.width, net.depth)
    hidden = [*np.moveaxis(np.asarray(params.hidden), 1, 0)]
    hidden += [np.zeros((len(seeds), net.width, net.width), np.float32)] * (layers - net.depth)
    biases = np.pad(params.biases, ((0, 0), (0, layers - net.depth), (0, 0)))
    return jax.tree.map(jnp.asarray, params._replace(hidden=tuple(hidden), biases=biases))


@jax.jit
def start(optimizer: Optimizer, seeds: Array, params: Params) -> State:
    """Return the state before the first step."""
    keys = jax.vmap(lambda seed: jax.random.fold_in(jax.random.key(seed), _BATCHES))(seeds)
    return State(params, jax.vmap(optimizer.start)(params), keys)


@jax.jit
def stacked(params: Params) -> Params:
    """Return the weights of a `State` with their hidden layers in one array, (seed, hidden, width, width)."""
    seeds, width = params.first.shape[:2]
    empty = jnp.zeros((seeds, 0, width, width), params.first.dtype)
    return params._replace(hidden=jnp.stack(params.hidden, axis=1) if params.hidden else empty)


def each_seed(function: Callable, params: Params, *others: Any) -> Any:
    """Return `function(params, *others)` of every seed: side by side where that is faster, else in turns."""
    if params.first.shape[-2] <= _WIDEST_SIDE_BY_SIDE:
        return jax.vmap(function)(params, *others)
    return jax.lax.map(lambda arguments: function(*arguments), (params, *others))


def slope(loss: Callable, y: Float[Array, "n out_dim"], offset: Float[Array, "n out_dim"]) -> Slope:
    """Return the derivative of the mean over points of `loss(f, y)`, a function of one point, in f + `offset`."""
    return lambda f: jax.vmap(jax.grad(loss))(f - offset, y) / len(y)


@partial(jax.jit, static_argnames="batch_size")
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
) -> State:
    """Run the steps `done`, ..., `done + steps - 1`."""
    rates = optimizer.rates(scales, state.params.first.shape[-2])
    moves = Params._make(partial(optimizer.step, learning_rate * rate) for rate in rates)

    def one(params, memory, key, offset):
        def step(i, now):
            x, y, taken = _batch(batch_size, jax.random.fold_in(key, i), task.x, task.y, offset)
            params, memory = now
            return _step(nonlinearity, scales, moves, params, memory, x, slope(loss, y, taken))

        return jax.lax.fori_loop(done, done + steps, step, (params, memory))

    params, memory = each_seed(one, state.params, state.memory, state.key, task.offset)
    return State(params, memory, state.key)


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
    states = hidden_states(nonlinearity, scales, params, x)
    signal = slope(output(nonlinearity, scales, params, states))

    def keep(signals, level, g):
        return signals.at[level].set(g)

    g, signals = backward(nonlinearity, scales, params, states, signal, keep, jnp.zeros_like(states))
    signals, last = signals.at[0].set(g), nonlinearity(states[scales.depth - 1])
    # As a product: XLA's sum over rows is slow.
    ones = jnp.ones(len(x), x.dtype)

    def hidden(i):
        def moved(weights, memory, signal, below):
            return moves.hidden(weights, memory, scales.hidden * (signal.T @ nonlinearity(below)))

        own = params.hidden[i], memory.hidden[i]
        return jax.lax.cond(i + 1 < scales.depth, moved, lambda *own: own[:2], *own, signals[i + 1], states[i])

    layers = [hidden(i) for i in range(len(params.hidden))]
    pairs: dict[str, Any] = {
        "first": moves.first(params.first, memory.first, scales.first * (g.T @ x)),
        "hidden": (tuple(w for w, _ in layers), tuple(m for _, m in layers)),
        "readout": moves.readout(params.readout, memory.readout, scales.hidden * (signal.T @ last)),
        "biases": moves.biases(params.biases, memory.biases, scales.bias * jnp.einsum("i,lij->lj", ones, signals)),
        "readout_bias": moves.readout_bias(params.readout_bias, memory.readout_bias, scales.bias * signal.sum(axis=0)),
    }
    after, kept = ({name: pair[i] for name, pair in pairs.items()} for i in (0, 1))
    return Params(**after), Params(**kept)
