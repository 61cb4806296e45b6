"""What is random before training, against networks that are drawn, and its share of the loss against its definition."""

import numpy as np
import pytest

import lazyrich as lr
from tests.tolerances import assert_allclose

Y, Y_TEST = np.array([[1.0, 0.5], [-1.0, 0.0], [0.3, 0.2]]), np.array([[0.5, 1.0], [0.1, -1.0]])


@pytest.fixture
def points(rng):
    return rng.normal(size=(3, 4)), rng.normal(size=(2, 4))


@pytest.mark.parametrize("parametrization", ["ntk", "mup", "standard"])
def test_the_covariance_is_that_of_networks_drawn(points, parametrization):
    net = lr.Network(2, 64, "erf", 1.5, 0.2, parametrization=parametrization, richness=0.5)
    x, x_test = points
    outputs = np.concatenate(
        [lr.apply(net, lr.init(net, 4, 64, seed=seed), np.concatenate(points)) for seed in range(32)], axis=1
    )
    kernels = lr.initial_covariance(net, x, x_test)
    cross = kernels["cross_nngp"]
    want = np.block([[kernels["nngp"], cross.T], [cross, kernels["test_nngp"]]])
    # Outputs of one network share its hidden layers, so errors are those of 32 draws of kernels of width 64, and of
    # 2,048 Gaussians.
    scale = np.sqrt(np.outer(want.diagonal(), want.diagonal()))
    error = scale * (np.sqrt(2 / outputs.shape[1]) + np.sqrt(4 / (32 * 64)))
    assert (np.abs(outputs @ outputs.T / outputs.shape[1] - want) < 4 * error).all()


def test_it_vanishes_with_the_width_in_mup_and_stays_in_ntk(points):
    kernels = {
        (name, width): lr.initial_covariance(lr.Network(width=width, parametrization=name), points[0])["nngp"]
        for name in ("ntk", "mup") for width in (10, 1000)
    }  # fmt: skip
    assert_allclose(kernels["mup", 1000], kernels["mup", 10] / 100)
    assert_allclose(kernels["ntk", 1000], kernels["ntk", 10])


def test_expected_losses_are_those_of_the_mean_and_half_the_variance_of_each_output(points):
    net, (x, x_test) = lr.Network(2, activation="erf"), points
    theta, cross = lr.ntk(net, x), lr.ntk(net, x_test, x)
    flow = lr.LinearDynamics(theta, Y, cross, **lr.initial_covariance(net, x, x_test))
    for t in (0.0, 0.5, 3.0):
        got = lr.expected_losses(flow, t, Y_TEST)
        for loss, f, y, part in ((got.train, flow.train(t), Y, "train"), (got.test, flow.test(t), Y_TEST, "test")):
            squares = ((f - y) ** 2).sum(axis=1) + 2 * flow.variance(t, part)  # of two outputs
            assert_allclose(loss, squares.mean() / 2)


def test_without_randomness_the_loss_is_that_of_the_mean(points):
    x, x_test = points
    flow = lr.LinearDynamics(lr.ntk(lr.Network(), x), Y, lr.ntk(lr.Network(), x_test, x))
    times = [0.0, 1.0]
    got = lr.expected_losses(flow, times, Y_TEST)
    assert (got.train == flow.train_loss(times)).all() and (got.test == flow.test_loss(times, Y_TEST)).all()
    assert lr.expected_losses(flow, times).test is None


def test_kernels_of_the_training_points_alone_are_not_enough_for_the_test_loss(points):
    x, x_test = points
    net = lr.Network()
    flow = lr.LinearDynamics(lr.ntk(net, x), Y, lr.ntk(net, x_test, x), **lr.initial_covariance(net, x))
    with pytest.raises(ValueError, match="covariance needs nngp, and on test points"):
        lr.expected_losses(flow, 1.0, Y_TEST)


def test_outputs_that_would_be_infinite_are_refused_in_a_sentence(points):
    with pytest.raises(ValueError, match=r"gamma must be above 1e-100, .*; got 1e-200. Raise the richness."):
        lr.initial_covariance(lr.Network(richness=1e-200), points[0])
