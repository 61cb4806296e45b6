r"""One run of a very wide network: how much it may hold, its march through the steps, and what is measured of it."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._float64 import to_numpy
from ..activations import activation
from ..data import Dataset
from ..mlp import Nonlinearity
from ..networks import Network
from .gaussian_matrix import GaussianMatrix, Side, Vectors, inner, look
from .wide_layers import Scalars, activate, backward, each_output, forward, readout
from .wide_network import State, advance, start

# Directions shorter than this, relative to the first vectors, are not drawn: their images are taken at their mean.
_TOLERANCE = {"float32": 5e-3, "float64": 1e-7}
# Rooms for directions that are compiled; a run moves to the next when it has filled one.
_ROOMS = (128, 256, 512, 1024)
_PARTICLES_PER_DIRECTION = 16
_EXACT_DIRECTIONS = 512
_MOST_BYTES = 4e9


class Plan(NamedTuple):
    """The shapes of a run: vectors of noise for what is only looked at, and the rooms for a matrix's directions."""

    exact: bool
    dtype: str
    particles: int
    looks: int
    rooms: tuple[int, ...]


class Measured(NamedTuple):
    """Outputs before they are centred, kernels on the training points, and how much has been drawn."""

    f_train: Float[Array, "n out_dim"]
    f_test: Float[Array, "n_test out_dim"]
    ntk: Float[Array, "n n"]
    feature_kernels: Float[Array, "layers n n"]
    gradient_kernels: Float[Array, "layers n n"]
    directions: int  # the most of a matrix
    left_out: float  # the relative norm of the largest that found no room


def plan(net: Network, data: Dataset, particles: int, steps: int) -> Plan:
    """Return the shapes of a run of `steps` steps, or say what does not fit.

    Raises:
        ValueError: too few particles for the points, or more numbers than the memory is meant to hold.
    """
    n, n_test, out_dim = len(data.x_train), len(data.x_test), data.out_dim
    looks = max(n_test, n * out_dim)
    own = min(data.in_dim, n + n_test) + 1 + out_dim + looks
    first, most = 2 * n * (out_dim + 1), n * (out_dim + 2 + steps)
    exact = net.phi == activation("identity") and not net.layer_norm and not net.residual
    if exact:
        directions, dtype = max(first, min(most, _EXACT_DIRECTIONS)), "float64"
        # Twice the dimensions that are filled, so that fresh vectors are no remainder of rounding errors.
        particles = 2 * (own + 2 * directions)
    else:
        least = max(4 * own, _PARTICLES_PER_DIRECTION * first * (net.depth > 1))
        if particles < least:
            raise ValueError(
                f"particles must be at least {least:,} for {n} training and {n_test} test points with {out_dim} "
                f"outputs; got {particles:,}. Raise particles, or use fewer points."
            )
        directions, dtype = max(first, min(most, particles // _PARTICLES_PER_DIRECTION, _ROOMS[-1])), "float32"
    numbers = particles * (net.depth * (own + 2 * directions) + (net.depth - 1) * 4 * directions)
    if (size := np.dtype(dtype).itemsize * numbers) > _MOST_BYTES:
        raise ValueError(
            f"A run must fit into {_MOST_BYTES / 1e9:g} GB; got {size / 1e9:.1f} GB for {particles:,} particles, depth "
            f"{net.depth} and {directions} directions a matrix. Lower particles or depth, or use fewer points."
        )
    rooms = tuple(room for room in _ROOMS if first <= room < directions)
    return Plan(exact, dtype, particles, looks, (*rooms, directions))


def _directions(state: State) -> int:
    """Return how many directions have been drawn of the matrix that has most."""
    return max((int(s.count) for matrix in state.matrices for s in (matrix.inputs, matrix.outputs)), default=0)


def _has_room(state: State) -> bool:
    """Whether another step will find room for its new directions; a visit needs n rows, and n that stay free."""
    return not state.matrices or _directions(state) + 2 * len(state.weights.f0) <= state.matrices[0].moved.shape[0]


def _enlarged(state: State, slots: int) -> State:
    """Return the state with room for `slots` directions of each matrix, more than it has."""
    more = slots - state.matrices[0].moved.shape[0]

    def rows(array: Any, count: int) -> Any:
        return jnp.concatenate([array, jnp.zeros((count, array.shape[1]), array.dtype)])

    def side(old: Side) -> Side:
        return old._replace(basis=rows(old.basis, more), images=rows(old.images, more))

    return state._replace(
        matrices=tuple(
            GaussianMatrix(side(m.inputs), side(m.outputs), jnp.pad(m.moved, (0, more))) for m in state.matrices
        ),
        drawn=tuple(d._replace(vectors=rows(d.vectors, 2 * more)) for d in state.drawn),
        coordinates=tuple(jnp.pad(c, ((0, 0), (0, more))) for c in state.coordinates),
    )


@jax.jit
def _kernels(
    scalars: Scalars, x: Any, features: tuple[Vectors, ...], signals: tuple[Float[Array, "rows particles"], ...]
) -> tuple[Any, Any, Any]:
    r"""Return Theta, Phi^1 ... Phi^L and G^1 ... G^L from phi(h^l) and the g^l of one output after the other.

    $\Theta = \sum_{l=0}^L G^{l+1} * (s_w^2 \Phi^l + s_b^2)$ with $\Phi^0 = x \cdot x'/D$ and $G^{L+1} = 1$.
    """
    n, rows, particles = len(x), *signals[0].shape
    phi = jnp.stack([inner(p, p) for p in features])
    split = jnp.stack(signals).reshape(len(signals), rows // n, n, particles)
    g = jnp.einsum("lcis,lcjs->lij", split, split) / (rows // n * particles)
    affine = jnp.concatenate([scalars.first**2 * (x @ x.T)[None], scalars.hidden**2 * phi]) + scalars.bias**2
    return (affine * jnp.concatenate([g, jnp.ones_like(g[:1])])).sum(axis=0), phi, g


def measure(scalars: Scalars, nonlinearity: Nonlinearity, state: State, x: Any, x_test: Any) -> Measured:
    """Return outputs and kernels, and leave the state as it is."""

    def onwards(level, vectors):
        return look(state.matrices[level], vectors, state.noise[level + 1][: len(vectors)])

    def back(level, vectors):
        return look(state.matrices[level].transposed, vectors, state.noise[level][: len(vectors)])

    states = state.preactivations
    of_test = forward(scalars, nonlinearity, state.weights, x_test, onwards)
    repeated, delta = each_output(states, out_dim=len(state.weights.readout))
    signals = backward(scalars, nonlinearity, state.weights, repeated, delta, back)
    theta, phi, g = _kernels(scalars, x, tuple(activate(nonlinearity, h) for h in states), signals)
    f, f_test = (readout(scalars, nonlinearity, state.weights, last) for last in (states[-1], of_test[-1]))
    return Measured(f, f_test, theta, phi, g, _directions(state), float(state.left_out))


def _points(data: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs of at most as many dimensions as there are points: only inner products matter."""
    points = np.concatenate([data.x_train, data.x_test])
    if data.in_dim > len(points):
        points = np.linalg.qr(points.T)[1].T
    return points[: len(data.x_train)], points[len(data.x_train) :]


def march(
    net: Network, data: Dataset, plan: Plan, richness: float, learning_rate: float, steps: np.ndarray, seed: int
) -> Iterator[Measured]:
    """Yield what is measured at each of `steps`."""
    x, x_test, y = (jnp.asarray(a, plan.dtype) for a in (*_points(data), data.y_train))
    nonlinearity, (room, *rooms) = Nonlinearity.of(net), plan.rooms
    scalars = Scalars(
        first=math.sqrt(net.weight_var / data.in_dim),
        hidden=math.sqrt(net.weight_var),
        bias=math.sqrt(net.bias_var),
        residual=net.residual,
        richness=richness,
        rate=learning_rate / len(x),
        tolerance=_TOLERANCE[plan.dtype],
    )
    shapes = {"slots": room, "looks": plan.looks, "depth": net.depth, "particles": plan.particles}
    state = start(scalars, nonlinearity, jax.random.key(seed), x, y, **shapes)
    for step in steps:
        while state.step < step:
            if rooms and not _has_room(state):
                state = _enlarged(state, rooms.pop(0))
            state = advance(scalars, nonlinearity, state, x, y)
        yield to_numpy(measure(scalars, nonlinearity, state, x, x_test))
