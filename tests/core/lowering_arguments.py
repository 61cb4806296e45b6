"""Small arguments of every kind that the core's compiled functions are called with."""

import jax
import jax.numpy as jnp
import numpy as np

import lazyrich as lr
from lazyrich import mlp
from lazyrich.dynamics import drawn_network, gaussian_matrix, wide_layers, wide_run
from lazyrich.dynamics.grokking.problem import Problem as GrokkingProblem
from lazyrich.dynamics.losses import gradient_flow, point_losses
from lazyrich.dynamics.training import descent
from lazyrich.dynamics.training.optimizers import Optimizer
from lazyrich.kernels import recursion

N, DIM, OUT, WIDTH, LAYERS, SEEDS = 4, 3, 2, 8, 4, 2


def finite_network(seeds=()):
    """Activation, scales, weights and points as training gives them to compiled functions."""
    net = lr.Network(3, WIDTH, "tanh", residual=0.5, layer_norm=True)
    params = lr.init(lr.Network(LAYERS, WIDTH), DIM, OUT)
    params = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (*seeds, *leaf.shape)), params)
    return mlp.Nonlinearity.of(net), mlp.Scales.of(net, DIM), params, jnp.ones((N, DIM), jnp.float32)


def kernel_arguments(activation, part="both", **fields):
    """What a pass is compiled for, and the moments of a tile."""
    act, part = lr.activation(activation), recursion.Part(part)
    net = lr.Network(3, activation=act, **fields)
    q, k = jnp.full(N, 1.0, jnp.float64), jnp.eye(N, dtype=jnp.float64)
    inputs = recursion.Inputs(q, q, k, 2 - 2 * k if act.needs_distance else None)
    return {"activation": act, "scalars": recursion.Scalars.of(net, DIM), "inputs": inputs,
            "recursion": recursion.Recursion.of(net, part)}  # fmt: skip


def jacobian_rows():
    """Jacobian rows of two points in the weights of two outputs."""
    return {"w": jnp.ones((2, OUT, OUT, DIM), jnp.float32)}


def linear_dynamics(theta, y, times):
    """Everything at once, from a kernel."""
    flow = lr.LinearDynamics(theta, y, theta, theta, theta, theta, learning_rate=0.1, momentum=0.5)
    variances = flow.variance(times), flow.mean_variance(times), flow.covariance(times, "train")
    return flow.train(times), flow.test_loss(times, y), *variances


def two_networks():
    """Activation, scales, two sets of weights and points."""
    nonlinearity, scales, params, x = finite_network()
    return nonlinearity, scales, params, params, x


def loss_arguments():
    return (*finite_network(), jnp.ones((N, OUT), jnp.float32), jax.random.key(0))


def network_in_training(optimizer="adam"):
    """Activation, scales, optimizer, loss, task, and the state before the first step."""
    nonlinearity, scales, params, x = finite_network()
    move, loss = Optimizer.of(optimizer, 0.0), point_losses.Loss.of("huber", 1.0).value
    task = descent.Task(x, jnp.ones((N, OUT), jnp.float32), jnp.zeros((N, OUT), jnp.float32))
    params = params._replace(hidden=tuple(params.hidden))
    return nonlinearity, scales, move, loss, task, descent.start(move, np.uint32(0), params)


def training_arguments(optimizer):
    *settings, task, state = network_in_training(optimizer)
    return (*settings, task, state, 0.1, 0, 5)


def weights_in_training():
    nonlinearity, scales, *_, state = network_in_training()
    return nonlinearity, scales, state.params


def hessian_arguments():
    nonlinearity, scales, _, loss, task, _ = network_in_training()
    offsets = jnp.zeros((SEEDS, N, OUT), jnp.float32)
    return nonlinearity, scales, loss, task.x, task.y, offsets, finite_network((SEEDS,))[2]


def trained_and_start():
    """Scales, and twice what moves: weights and preactivations."""
    _, scales, params, _ = finite_network((SEEDS,))
    pair = params, jnp.ones((SEEDS, LAYERS, N, WIDTH), jnp.float32)
    return scales, pair, pair


def minibatch_arguments(exact):
    """Vectors, values, learning rate, noise factor, mean residuals and covariance of two pairs of outputs."""
    residuals = jnp.ones((2, N))
    return jnp.eye(N), jnp.ones(N), 0.1, 0.5, residuals, residuals, jnp.zeros((2, N, N) if exact else (2, N))


def flow_arguments():
    """A problem of the Huber loss, which has a parameter, its times and tolerances."""
    loss, matrix, y = point_losses.Loss.of("huber", 1.0).value, jnp.eye(N), jnp.ones((N, OUT))
    problem = gradient_flow.Problem(loss, matrix, matrix, 0 * y, y, 0.1, 1.0, 1.0)
    return problem, jnp.arange(3.0), jnp.full(2, 1e-6)


def risk_arguments():
    """Spectrum, power, n, k, ridge and noise."""
    spectrum = jnp.arange(N, 0.0, -1.0)
    return (spectrum, spectrum, *(jnp.full(SEEDS, value) for value in (2.0, jnp.inf, 0.1, 0.1)))


def wide_network():
    """Scalars, activation, weights and vectors of the pieces of a very wide network."""
    vectors, particles = jnp.ones((N, WIDTH), jnp.float32), jnp.ones(WIDTH, jnp.float32)
    weights = wide_layers.Weights(
        vectors[:DIM].T, (particles,) * 2, vectors[:OUT], particles[:OUT], jnp.ones((N, OUT), jnp.float32)
    )
    scalars = wide_layers.Scalars(*(0.1 for _ in wide_layers.Scalars._fields))
    return scalars, mlp.Nonlinearity.of(lr.Network(2, WIDTH, "tanh")), weights, vectors


def pieces_of_a_wide_network():
    """Each piece with its arguments, by name."""
    scalars, nonlinearity, weights, vectors = wide_network()
    x, delta, slots = jnp.ones((N, DIM), jnp.float32), weights.f0, jnp.ones((N, LAYERS), jnp.float32)
    matrix = gaussian_matrix.GaussianMatrix.unseen(3 * N, WIDTH, "float32")
    drawn = gaussian_matrix.Drawn(jnp.zeros((6 * N, WIDTH), jnp.float32), jnp.array(0, "int32"))
    return {
        "visit": (gaussian_matrix.visit, (matrix, vectors, drawn, jax.random.key(0), 0.1)),
        "look": (gaussian_matrix.look, (matrix, vectors, vectors)),
        "orthonormal": (gaussian_matrix.orthonormal, (vectors,)),
        "each_output": (jax.jit(lambda states: wide_layers.each_output(states, out_dim=OUT)), ((vectors,) * 2,)),
        "kernels": (wide_run._kernels, (scalars, x, (vectors,) * 2, (jnp.tile(vectors, (OUT, 1)),) * 2)),
        "activate": (wide_layers.activate, (nonlinearity, vectors)),
        "pull_back": (drawn_network._pull_back, (nonlinearity, vectors, vectors)),
        "readout": (wide_layers.readout, (scalars, nonlinearity, weights, vectors)),
        "first": (wide_layers._first, (scalars, weights, x)),
        "next": (wide_layers._next, (scalars, vectors, weights.biases[0], vectors)),
        "last": (wide_layers._last, (scalars, nonlinearity, weights, vectors, delta)),
        "previous": (wide_layers._previous, (scalars, nonlinearity, vectors, vectors, vectors)),
        "trained": (wide_layers.trained, (scalars, weights, (vectors,) * 2, vectors, x, delta)),
        "trained_matrix": (wide_layers.trained_matrix, (scalars, jnp.ones((LAYERS, LAYERS)), slots, slots)),
    }


def grokking_problem():
    """A problem, and its weights at three times, in double precision."""
    problem = GrokkingProblem.of(lr.GrokkingSpec(DIM, N, N, WIDTH))
    return problem, jnp.broadcast_to(problem.weights, (3, *problem.weights.shape))
