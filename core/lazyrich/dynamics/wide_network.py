"""Gradient descent of a muP network so wide that its hidden matrices are drawn only where training looks.

Steps and layers are loops of Python around compiled pieces, so that no depth has a program of its own. A state holds
the forward pass of its weights; the matrices' new directions are drawn when it is made.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..mlp import Nonlinearity
from .gaussian_matrix import Drawn, GaussianMatrix, Vectors, Visit, orthonormal, visit
from .wide_layers import (
    Scalars,
    Weights,
    activate,
    backward,
    each_output,
    forward,
    readout,
    trained,
    trained_matrix,
)


class State(NamedTuple):
    """A network in training: what is known of its hidden matrices, and its forward pass on the training points."""

    weights: Weights
    matrices: tuple[GaussianMatrix, ...]
    drawn: tuple[Drawn, ...]
    noise: tuple[Float[Array, "looks particles"], ...]
    preactivations: tuple[Vectors, ...]
    coordinates: tuple[Float[Array, "n slots"], ...]
    left_out: Float[Array, ""]
    key: jax.Array
    step: int


def _drawing_forward(scalars: Scalars, nonlinearity: Nonlinearity, state: State, x: Any) -> State:
    """Return the state with the forward pass of its weights, new directions drawn."""
    visits: list[Visit] = []

    def times(level, vectors):
        key = jax.random.fold_in(state.key, 2 * level)
        visits.append(visit(state.matrices[level], vectors, state.drawn[level + 1], key, scalars.tolerance))
        return visits[-1].images

    states = forward(scalars, nonlinearity, state.weights, x, times)
    return state._replace(
        matrices=tuple(v.matrix for v in visits),
        drawn=(state.drawn[0], *(v.drawn for v in visits)),
        preactivations=states,
        coordinates=tuple(v.coordinates for v in visits),
        left_out=jnp.stack([state.left_out, *(v.left_out for v in visits)]).max(),
    )


def _drawing_backward(
    scalars: Scalars, nonlinearity: Nonlinearity, state: State, states: tuple[Vectors, ...], delta: Any
) -> tuple[State, tuple[Vectors, ...], list[Any]]:
    """Return the state with new directions drawn, the signals, and their coordinates of each matrix."""
    visits: list[Visit] = []

    def times(level, vectors):
        key = jax.random.fold_in(state.key, 2 * level + 1)
        matrix = state.matrices[level].transposed
        visits.insert(0, visit(matrix, vectors, state.drawn[level], key, scalars.tolerance))
        return visits[0].images

    signals = backward(scalars, nonlinearity, state.weights, states, delta, times)
    state = state._replace(
        matrices=tuple(v.matrix.transposed for v in visits),
        drawn=(*(v.drawn for v in visits), state.drawn[-1]),
        left_out=jnp.stack([state.left_out, *(v.left_out for v in visits)]).max(),
    )
    return state, signals, [v.coordinates for v in visits]


def start(
    scalars: Scalars, nonlinearity: Nonlinearity, key: jax.Array, x: Any, y: Any, *,
    slots: int, looks: int, depth: int, particles: int,
) -> State:  # fmt: skip
    """Return the network before training, its forward pass and the signals of each output drawn."""
    in_dim, out_dim, dtype = x.shape[1], y.shape[1], x.dtype
    own = in_dim + 1 + out_dim + looks
    key, *keys = jax.random.split(key, depth + 1)
    layers = [orthonormal(jax.random.normal(layer, (own, particles), dtype)) for layer in keys]
    room = jnp.zeros((2 * slots * (depth > 1), particles), dtype)
    state = State(
        weights=Weights(
            first=layers[0][:in_dim].T,
            biases=tuple(vectors[in_dim] for vectors in layers),
            readout=layers[-1][in_dim + 1 : in_dim + 1 + out_dim],
            readout_bias=jnp.zeros(out_dim, dtype),
            f0=jnp.zeros_like(y),
        ),
        matrices=tuple(GaussianMatrix.unseen(slots, particles, dtype) for _ in range(depth - 1)),
        drawn=tuple(Drawn(jnp.concatenate([vectors, room]), jnp.array(own, "int32")) for vectors in layers),
        noise=tuple(vectors[own - looks :] for vectors in layers),
        preactivations=(),
        coordinates=(),
        left_out=jnp.zeros((), dtype),
        key=key,
        step=0,
    )
    state = _drawing_forward(scalars, nonlinearity, state, x)
    repeated, delta = each_output(state.preactivations, out_dim=out_dim)
    state, _, _ = _drawing_backward(scalars, nonlinearity, state, repeated, delta)
    f0 = readout(scalars, nonlinearity, state.weights, state.preactivations[-1])
    return state._replace(weights=state.weights._replace(f0=f0))


def advance(scalars: Scalars, nonlinearity: Nonlinearity, state: State, x: Any, y: Any) -> State:
    """Return the state after a step of gradient descent; `state` cannot be used again."""
    state = state._replace(key=jax.random.fold_in(state.key, state.step), step=state.step + 1)
    states, features = state.preactivations, state.coordinates
    delta = y - readout(scalars, nonlinearity, state.weights, states[-1]) + state.weights.f0
    state, signals, coordinates = _drawing_backward(scalars, nonlinearity, state, states, delta)
    moved = state._replace(
        weights=trained(scalars, state.weights, signals, activate(nonlinearity, states[-1]), x, delta),
        matrices=tuple(
            matrix._replace(moved=trained_matrix(scalars, matrix.moved, g, p))
            for matrix, g, p in zip(state.matrices, coordinates, features, strict=True)
        ),
    )
    return _drawing_forward(scalars, nonlinearity, moved, x)
