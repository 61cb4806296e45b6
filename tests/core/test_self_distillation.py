"""Rounds of self-distillation, against published values and a loop."""

import jax
import numpy as np
import pytest

import lazyrich as lr
from lazyrich.theory import self_distillation
from tests.tolerances import assert_allclose

X = np.arange(11) / 10
Y = np.array([0.384766, 1.233397, 1.332322, 0.692016, -0.297561, -0.241893, -0.796449, -0.961648, -0.496725,
              -0.346907, 0.558951])  # fmt: skip
X_TEST = np.arange(101) / 100


def gaussian(a, b):
    return np.exp(-80 * (a[:, None] - b[None, :]) ** 2)


K, CROSS = gaussian(X, X), gaussian(X_TEST, X)


@pytest.mark.parametrize(
    "weight, errors",
    [
        (0.0, [0.16477, 0.15076, 0.14915, 0.15561, 0.16735, 0.18251]),
        (0.25, [0.16477, 0.15309, 0.14958, 0.14903, 0.14946, 0.15011]),
    ],
    ids=["without_targets", "with_targets"],
)
def test_the_test_errors_are_the_known_ones_to_five_digits(weight, errors):
    result = self_distillation(K, Y, rounds=6, ridge=0.2, target_weight=weight, cross_kernel=CROSS)
    truth = np.sin(2 * np.pi * X_TEST)[None, :, None]
    assert_allclose(((result.test - truth) ** 2).mean(axis=(1, 2)), np.array(errors), relative=5.1e-6 / 0.149)
    if weight:
        assert ((result.test_limit - truth[0]) ** 2).mean() == pytest.approx(0.15250, abs=5.1e-6)


def test_each_round_is_a_ridge_regression_on_the_mixture(rng):
    y, f = rng.normal(size=(11, 2)), None
    result = self_distillation(K, y, rounds=5, ridge=0.3, target_weight=0.4, cross_kernel=CROSS)
    for train, test in zip(result.train, result.test, strict=True):
        targets = y if f is None else 0.4 * y + 0.6 * f
        w = np.linalg.inv(K + 0.3 * np.eye(11)) @ targets
        f = K @ w
        assert_allclose(train, f)
        assert_allclose(test, CROSS @ w)


def test_the_limit_is_where_many_rounds_go_and_a_ridge_regression():
    result = self_distillation(K, Y, rounds=200, ridge=0.2, target_weight=0.25, cross_kernel=CROSS)
    assert_allclose(result.train[-1], result.train_limit)
    assert_allclose(result.test[-1], result.test_limit)
    ridge = self_distillation(K, Y, rounds=1, ridge=0.2 / 0.25, cross_kernel=CROSS)
    assert_allclose(result.train_limit, ridge.train[0])
    assert_allclose(result.test_limit, ridge.test[0])
    forgotten = self_distillation(K, Y, rounds=1, ridge=0.2)
    assert (forgotten.train_limit == 0).all()
    assert forgotten.test is None
    assert forgotten.test_limit is None


def test_the_true_targets_alone_are_ridge_regression_in_every_round():
    result = self_distillation(K, Y, rounds=3, ridge=0.2, target_weight=1.0)
    for train in result.train:
        assert_allclose(train, result.train_limit)


def test_derivatives_are_those_of_finite_differences(rng):
    direction = rng.normal(size=(11, 11))
    direction = direction + direction.T

    def value(ridge, weight, move):
        result = self_distillation(
            K + move * direction, Y, rounds=4, ridge=ridge, target_weight=weight, cross_kernel=CROSS
        )
        return (result.test[-1] ** 2).sum() + (result.train_limit**2).sum()

    at, h = (0.3, 0.4, 0.0), 1e-6
    with jax.enable_x64(True):
        slopes = jax.jit(jax.grad(value, argnums=(0, 1, 2)))(*at)
        batch = jax.jit(jax.vmap(value, in_axes=(0, None, None)))(np.array([0.3, 0.5]), 0.4, 0.0)
    for i, slope in enumerate(slopes):
        up, down = ([x + sign * h * (i == j) for j, x in enumerate(at)] for sign in (1, -1))
        # Of order h^2, and rounding over h; moved by 1e-6 the kernel is still positive to the ridge.
        with jax.enable_x64(True):
            want = (jax.jit(value)(*up) - jax.jit(value)(*down)) / (2 * h)
        assert_allclose(slope, want, relative=1e-7)
    assert_allclose(batch, np.array([value(0.3, 0.4, 0.0), value(0.5, 0.4, 0.0)]))


def test_duplicates_are_fine_with_a_ridge_and_refused_at_the_level_of_rounding():
    x = np.append(X, X[0])
    y = np.append(Y, Y[0])
    assert np.isfinite(self_distillation(gaussian(x, x), y, rounds=2, ridge=1e-6).train).all()
    with pytest.raises(ValueError, match=r"kernel \+ ridge I must be positive definite .*; got the ridge 1e-18"):
        self_distillation(gaussian(x, x), y, rounds=2, ridge=1e-18)


def test_it_runs_on_a_network_s_kernel():
    data = lr.load_data("circle", n_train=8, n_test=5)
    net = lr.Network(2)
    kernel, cross = lr.ntk(net, data.x_train), lr.ntk(net, data.x_test, data.x_train)
    got = self_distillation(kernel, data.y_train, rounds=1, ridge=0.1, cross_kernel=cross)
    want = lr.LinearDynamics(kernel, data.y_train, cross, ridge=0.1 / 8).test(np.inf)
    assert_allclose(got.test[0], want)
