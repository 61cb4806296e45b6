r"""Gradient descent of a muP network so wide that its hidden matrices are drawn only where training looks.

With S particles a layer and g the backward signal $\sqrt S\gamma\, \partial f/\partial h$, of order 1, in terms of the
raw hidden matrices divided by $\sqrt S$ (`GaussianMatrix`),

$$h^{l+1} = s_w W^l \phi(h^l) + s_b b^l + \alpha h^l, \quad g^l = \phi'(h^l) * (s_w W^{lT} g^{l+1}) + \alpha g^{l+1}, \quad
f = \frac{s_w}{\gamma_0} \langle w \phi(h^L)\rangle,$$
$$W^l \mathrel{+}= \frac{\eta\gamma_0}{n} s_w \sum_\nu \Delta_\nu\, g^{l+1}_\nu \phi(h^l_\nu)^T / S, \qquad \Delta = y - f,$$

and likewise for the first weights, the biases and the readout: `mlp` with $\gamma = \gamma_0\sqrt S$ and the rate
$\eta\gamma^2$.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..mlp import Nonlinearity
from .gaussian_matrix import Drawn, GaussianMatrix, Side, Vectors, Visit, inner, look, orthonormal, visit


class Scalars(NamedTuple):
    """The runtime values: s_w / sqrt(D), s_w, s_b, alpha, gamma_0, eta / n and the tolerance of new directions."""

    first: Any
    hidden: Any
    bias: Any
    residual: Any
    richness: Any
    rate: Any
    tolerance: Any


class State(NamedTuple):
    """Weights, what is known of the hidden matrices, and the forward pass on the training points."""

    first: Float[Array, "particles in_dim"]
    biases: Float[Array, "layers particles"]
    readout: Float[Array, "out_dim particles"]
    readout_bias: Float[Array, " out_dim"]  # its share of f
    matrices: tuple[GaussianMatrix, ...]
    drawn: tuple[Drawn, ...]
    noise: Float[Array, "layers looks particles"]
    preactivations: tuple[Vectors, ...]
    coordinates: tuple[Float[Array, "n slots"], ...]
    f0: Float[Array, "n out_dim"]
    left_out: Float[Array, ""]
    key: jax.Array
    step: Int[Array, ""]


def forward(scalars: Scalars, nonlinearity: Nonlinearity, state: State, x: Any, times: Any) -> tuple[Vectors, ...]:
    """Return h^1 ... h^L, where `times(l, p)` multiplies p by hidden matrix l."""
    states = [scalars.first * x @ state.first.T + scalars.bias * state.biases[0][None, :]]
    for level in range(len(state.matrices)):
        image = scalars.hidden * times(level, nonlinearity(states[-1]))
        states.append(image + scalars.bias * state.biases[level + 1][None, :] + scalars.residual * states[-1])
    return tuple(states)


def backward(
    scalars: Scalars, nonlinearity: Nonlinearity, state: State, states: tuple[Vectors, ...], delta: Any, times: Any
) -> tuple[Vectors, ...]:
    """Return g^1 ... g^L of sum_c delta_c f_c, where `times(l, g)` multiplies g by the transpose of matrix l."""
    signals = [nonlinearity.pull_back(states[-1], scalars.hidden * (delta @ state.readout))]
    for level in reversed(range(len(state.matrices))):
        below = nonlinearity.pull_back(states[level], scalars.hidden * times(level, signals[0]))
        signals.insert(0, below + scalars.residual * signals[0])
    return tuple(signals)


def readout(scalars: Scalars, nonlinearity: Nonlinearity, state: State, last: Vectors) -> Float[Array, "n out_dim"]:
    """Return f, before it is centred, from h^L."""
    f = scalars.hidden / scalars.richness * inner(nonlinearity(last), state.readout)
    return f + state.readout_bias[None, :]


def _each_output(states: tuple[Vectors, ...], out_dim: int) -> tuple[tuple[Vectors, ...], Any]:
    """Return the states once for every output, and the `delta` that picks it."""
    delta = jnp.repeat(jnp.eye(out_dim, dtype=states[0].dtype), len(states[0]), axis=0)
    return tuple(jnp.tile(h, (out_dim, 1)) for h in states), delta


def _advance_forward(scalars: Scalars, nonlinearity: Nonlinearity, state: State, x: Any) -> State:
    """Return the state with the forward pass of its weights, new directions drawn."""
    visits: list[Visit] = []

    def times(level, vectors):
        key = jax.random.fold_in(state.key, 2 * level)
        visits.append(visit(state.matrices[level], vectors, state.drawn[level + 1], key, scalars.tolerance))
        return visits[-1].images

    states = forward(scalars, nonlinearity, state, x, times)
    return state._replace(
        matrices=tuple(v.matrix for v in visits),
        drawn=(state.drawn[0], *(v.drawn for v in visits)),
        preactivations=states,
        coordinates=tuple(v.coordinates for v in visits),
        left_out=jnp.stack([state.left_out, *(v.left_out for v in visits)]).max(),
    )


def _advance_backward(
    scalars: Scalars, nonlinearity: Nonlinearity, state: State, states: tuple[Vectors, ...], delta: Any
) -> tuple[State, tuple[Vectors, ...], list[Any]]:
    """Return the state with new directions drawn, the signals, and their coordinates of each matrix."""
    visits: list[Visit] = []

    def times(level, vectors):
        key = jax.random.fold_in(state.key, 2 * level + 1)
        visits.insert(0, visit(state.matrices[level].transposed, vectors, state.drawn[level], key, scalars.tolerance))
        return visits[0].images

    signals = backward(scalars, nonlinearity, state, states, delta, times)
    state = state._replace(
        matrices=tuple(v.matrix.transposed for v in visits),
        drawn=(*(v.drawn for v in visits), state.drawn[-1]),
        left_out=jnp.stack([state.left_out, *(v.left_out for v in visits)]).max(),
    )
    return state, signals, [v.coordinates for v in visits]


@partial(jax.jit, static_argnames=("slots", "looks", "depth", "particles"))
def start(scalars, nonlinearity, key, x, y, *, slots: int, looks: int, depth: int, particles: int) -> State:
    """Return the network before training: what it is made of, its forward pass and its signals drawn."""
    (n, in_dim), out_dim, dtype = x.shape, y.shape[1], x.dtype
    own = in_dim + 1 + out_dim + looks
    key, first_key = jax.random.split(key)
    layers = jax.vmap(orthonormal)(jax.random.normal(first_key, (depth, own, particles), dtype))
    room = 2 * slots * (depth > 1)
    padded = jnp.concatenate([layers, jnp.zeros((depth, room, particles), dtype)], axis=1)
    state = State(
        first=layers[0, :in_dim].T,
        biases=layers[:, in_dim],
        readout=layers[-1, in_dim + 1 : in_dim + 1 + out_dim],
        readout_bias=jnp.zeros(out_dim, dtype),
        matrices=tuple(GaussianMatrix.unseen(slots, particles, dtype) for _ in range(depth - 1)),
        drawn=tuple(Drawn(vectors, jnp.int32(own)) for vectors in padded),
        noise=layers[:, own - looks :],
        preactivations=(),
        coordinates=(),
        f0=jnp.zeros_like(y),
        left_out=jnp.zeros((), dtype),
        key=key,
        step=jnp.int32(0),
    )
    state = _advance_forward(scalars, nonlinearity, state, x)
    state, _, _ = _advance_backward(scalars, nonlinearity, state, *_each_output(state.preactivations, out_dim))
    return state._replace(f0=readout(scalars, nonlinearity, state, state.preactivations[-1]))


def _step(scalars: Scalars, nonlinearity: Nonlinearity, state: State, x: Any, y: Any) -> State:
    """Return the state after a step of gradient descent."""
    state = state._replace(key=jax.random.fold_in(state.key, state.step), step=state.step + 1)
    states = state.preactivations
    delta = y - readout(scalars, nonlinearity, state, states[-1]) + state.f0
    state, signals, coordinates = _advance_backward(scalars, nonlinearity, state, states, delta)
    rate = scalars.rate * scalars.richness
    moved = state._replace(
        first=state.first + rate * scalars.first * signals[0].T @ x,
        biases=state.biases + rate * scalars.bias * jnp.stack([g.sum(axis=0) for g in signals]),
        readout=state.readout + rate * scalars.hidden * delta.T @ nonlinearity(states[-1]),
        readout_bias=state.readout_bias + scalars.rate * scalars.bias**2 * delta.sum(axis=0),
        matrices=tuple(
            matrix._replace(moved=matrix.moved + rate * scalars.hidden * g.T @ p)
            for matrix, g, p in zip(state.matrices, coordinates, state.coordinates, strict=True)
        ),
    )
    return _advance_forward(scalars, nonlinearity, moved, x)


def _has_room(state: State) -> Any:
    """Whether another step will find room for its new directions."""
    n, counts = len(state.f0), [s.count for m in state.matrices for s in (m.inputs, m.outputs)]
    slots = state.matrices[0].moved.shape[0] if state.matrices else 2 * n
    return jnp.stack([jnp.int32(0), *counts]).max() <= slots - 2 * n


@jax.jit
def advance(scalars: Scalars, nonlinearity: Nonlinearity, state: State, x: Any, y: Any, until: Any, full: Any) -> State:
    """Return the state after step `until`, or when it lacks room (`full` says that it will get no more)."""

    def goes_on(state):
        return (state.step < until) & (full | _has_room(state))

    return jax.lax.while_loop(goes_on, lambda state: _step(scalars, nonlinearity, state, x, y), state)


def enlarged(state: State, slots: int) -> State:
    """Return the state with room for `slots` directions of each matrix, more than it has."""

    def rows(array: Any, more: int) -> Any:
        return jnp.concatenate([array, jnp.zeros((more, array.shape[1]), array.dtype)])

    def side(old: Side) -> Side:
        return old._replace(basis=rows(old.basis, more), images=rows(old.images, more))

    more = slots - state.matrices[0].moved.shape[0]
    return state._replace(
        matrices=tuple(
            GaussianMatrix(side(m.inputs), side(m.outputs), jnp.pad(m.moved, (0, more))) for m in state.matrices
        ),
        drawn=tuple(d._replace(vectors=rows(d.vectors, 2 * more)) for d in state.drawn),
    )


class Measured(NamedTuple):
    """What is looked at: outputs before they are centred, and kernels on the training points."""

    f_train: Float[Array, "n out_dim"]
    f_test: Float[Array, "n_test out_dim"]
    ntk: Float[Array, "n n"]
    feature_kernels: Float[Array, "layers n n"]
    gradient_kernels: Float[Array, "layers n n"]


@jax.jit
def measure(scalars: Scalars, nonlinearity: Nonlinearity, state: State, x: Any, x_test: Any) -> Measured:
    """Return outputs and kernels, and leave the state as it is."""
    n, out_dim, states = len(x), len(state.readout), state.preactivations

    def onwards(level, vectors):
        return look(state.matrices[level], vectors, state.noise[level + 1, : len(vectors)])

    def back(level, vectors):
        return look(state.matrices[level].transposed, vectors, state.noise[level, : len(vectors)])

    of_test = forward(scalars, nonlinearity, state, x_test, onwards)
    signals = backward(scalars, nonlinearity, state, *_each_output(states, out_dim), back)
    features = jnp.stack([inner(p, p) for p in (nonlinearity(h) for h in states)])
    split = jnp.stack([g.reshape(out_dim, n, -1) for g in signals])
    gradients = jnp.einsum("lcis,lcjs->lij", split, split) / (out_dim * split.shape[-1])
    weights = jnp.concatenate([scalars.first**2 * (x @ x.T)[None], scalars.hidden**2 * features]) + scalars.bias**2
    ntk = (weights * jnp.concatenate([gradients, jnp.ones_like(gradients[:1])])).sum(axis=0)
    f, f_test = (readout(scalars, nonlinearity, state, last) for last in (states[-1], of_test[-1]))
    return Measured(f, f_test, ntk, features, gradients)
