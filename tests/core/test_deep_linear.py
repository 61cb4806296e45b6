"""Deep linear networks of infinite width: exact, so compared to many digits."""

import numpy as np
import pytest

import lazyrich as lr
from tests.core.order_parameters import linear_dynamics

RATE, STEPS = 0.1, 12
TIMES = RATE * np.arange(STEPS + 1)
# Directions shorter than 1e-7 are not drawn, and count by their squares.
EXACT = 1e-10


def dataset(rng, out_dim=1):
    x = rng.standard_normal((6, 4))
    y = rng.standard_normal((6, out_dim))
    return lr.Dataset(x_train=x[:4], y_train=y[:4], x_test=x[4:], y_test=y[4:])


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_it_solves_the_order_parameter_equations(depth, rng):
    data, richness = dataset(rng), 1.0
    net = lr.Network(depth, activation="identity", weight_var=1.3, bias_var=0.2)
    run = lr.deep_mean_field(net, data, time=TIMES, learning_rate=RATE, richness=richness)
    f, features, gradients = linear_dynamics(
        data.x_train, data.y_train[:, 0], depth, richness, RATE, STEPS, net.weight_var, net.bias_var
    )
    np.testing.assert_allclose(run.f_train[..., 0], f, atol=EXACT)
    np.testing.assert_allclose(run.feature_kernels, features.swapaxes(0, 1), atol=EXACT)
    np.testing.assert_allclose(run.gradient_kernels, gradients.swapaxes(0, 1), atol=EXACT)
    inputs = np.broadcast_to(data.x_train @ data.x_train.T / data.in_dim, features[:1].shape)
    affine = net.weight_var * np.concatenate([inputs, features]) + net.bias_var
    ntk = (affine * np.concatenate([gradients, np.ones_like(gradients[:1])])).sum(axis=0)
    np.testing.assert_allclose(run.ntk, ntk, atol=10 * EXACT)
    assert run.attrs["exact"] == 1 and run.attrs["left_out"] == 0
    assert lr.kernel_distance(run.ntk[-1], run.ntk[0]) > 0.05  # this is not lazy


def small_network(data, richness, steps):
    """f of the two-layer linear network of width D + C with first weights [1; 0] and readout [0, 1]: Yang & Hu 2021."""
    x = np.concatenate([data.x_train, data.x_test])
    n, (_, in_dim), out_dim = len(data.x_train), x.shape, data.out_dim
    first, readout = np.eye(in_dim + out_dim, in_dim), np.eye(out_dim, in_dim + out_dim, in_dim)
    result = []
    for _ in range(steps + 1):
        h = x @ first.T / np.sqrt(in_dim)
        result.append(h @ readout.T / richness)
        delta = RATE * richness / n * (data.y_train - result[-1][:n])
        first, readout = (
            first + readout.T @ delta.T @ data.x_train / np.sqrt(in_dim),
            readout + delta.T @ h[:n],
        )
    return np.array(result)


def test_one_hidden_layer_is_the_network_of_width_d_plus_c(rng):
    data = dataset(rng, out_dim=2)
    net = lr.Network(1, activation="identity", weight_var=1.0)
    for richness in (0.05, 1.0, 4.0):
        run = lr.deep_mean_field(net, data, time=TIMES, learning_rate=RATE, richness=richness)
        want = small_network(data, richness, STEPS)
        np.testing.assert_allclose(np.concatenate([run.f_train, run.f_test], axis=1), want, atol=1e-12)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_lazy_limit_is_linear_dynamics_with_an_error_of_second_order(depth, rng):
    data = dataset(rng)
    net = lr.Network(depth, activation="identity", weight_var=1.3, bias_var=0.2)
    flow = lr.LinearDynamics(
        lr.ntk(net, data.x_train),
        data.y_train,
        lr.ntk(net, data.x_test, data.x_train),
        learning_rate=RATE,
    )
    errors = []
    for richness in (0.02, 0.01):
        run = lr.deep_mean_field(net, data, time=TIMES, learning_rate=RATE, richness=richness)
        errors.append(max(np.abs(run.f_train - flow.train(TIMES)).max(), np.abs(run.f_test - flow.test(TIMES)).max()))
    assert errors[1] < 1e-3
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.05)


def test_two_layers_of_a_test_point_that_is_a_training_point_agree(rng):
    data = dataset(rng)
    same = lr.Dataset(x_train=data.x_train, y_train=data.y_train, x_test=data.x_train[::-1], y_test=data.y_train[::-1])
    net = lr.Network(2, activation="identity", weight_var=1.3, bias_var=0.2)
    run = lr.deep_mean_field(net, same, time=TIMES, learning_rate=RATE)
    np.testing.assert_allclose(run.f_test, run.f_train[:, ::-1], atol=EXACT)
    np.testing.assert_allclose(run.test_loss, run.train_loss, atol=EXACT)


def test_the_seed_and_the_particles_play_no_part(rng):
    data, net = dataset(rng), lr.Network(2, activation="identity", weight_var=1.3, bias_var=0.2)
    one, other = (
        lr.deep_mean_field(net, data, time=TIMES, learning_rate=RATE, seed=seed, particles=particles)
        for seed, particles in ((0, 10), (9, 10_000))
    )
    for name, variable in one.items():
        np.testing.assert_allclose(variable, other[name], atol=EXACT)
    assert (one.f_train_error == 0).all() and (one.f_test_error == 0).all()
