"""Covariances of the ensemble, and kernels whose smallest eigenvalues are rounding."""

import numpy as np
import pytest

import lazyrich as lr
from tests.tolerances import assert_allclose


@pytest.fixture
def kernels(rng):
    x, x_test = rng.normal(size=(7, 4)), rng.normal(size=(3, 4))
    net = lr.Network(depth=2, activation="gelu", weight_var=1.5, bias_var=0.1)
    (nngp, ntk), (cross_nngp, cross_ntk), (test_nngp, _) = (
        lr.nngp_and_ntk(net, *points) for points in ((x,), (x_test, x), (x_test,))
    )
    return {
        "ntk": ntk, "cross_ntk": cross_ntk,
        "nngp": nngp, "cross_nngp": cross_nngp, "test_nngp": test_nngp,
    }  # fmt: skip


Y = np.ones(7)


@pytest.mark.parametrize("ridge", [0.0, 0.05], ids=["no_ridge", "ridge"])
def test_the_covariance_is_that_of_trained_samples_of_the_prior(kernels, ridge):
    # Training is linear in f0: train each basis vector of f0 and put the maps around K.
    full = np.block([[kernels["nngp"], kernels["cross_nngp"].T], [kernels["cross_nngp"], kernels["test_nngp"]]])
    for t in (0.0, 2.0, 50.0, np.inf):
        columns = [
            lr.LinearDynamics(kernels["ntk"], np.zeros(7), kernels["cross_ntk"], f0=(e[:7], e[7:]), ridge=ridge).test(
                t
            )[:, 0]
            for e in np.eye(10)
        ]
        move = np.array(columns).T
        flow = lr.LinearDynamics(**kernels, y=Y, ridge=ridge)
        assert_allclose(flow.covariance(t), move @ full @ move.T)


def test_the_covariance_before_training_is_the_prior(kernels):
    assert_allclose(lr.LinearDynamics(**kernels, y=Y).covariance(0.0), kernels["test_nngp"])


def test_training_the_readout_alone_ends_in_the_posterior_of_a_gaussian_process(kernels):
    kernels |= {"ntk": kernels["nngp"], "cross_ntk": kernels["cross_nngp"]}
    flow = lr.LinearDynamics(**kernels, y=Y)
    gain = np.linalg.solve(kernels["nngp"], kernels["cross_nngp"].T).T
    assert_allclose(flow.test(np.inf)[:, 0], gain @ Y)
    posterior = kernels["test_nngp"] - gain @ kernels["cross_nngp"].T
    # What is left of a difference of nearly equal kernels.
    assert_allclose(flow.covariance(np.inf), posterior, relative=1e-10)


def test_no_variance_is_left_on_the_training_points_at_the_end(kernels):
    flow = lr.LinearDynamics(kernels["ntk"], Y, nngp=kernels["nngp"])
    assert np.abs(flow.covariance(np.inf)).max() < 1e-12 * kernels["nngp"].max()


# Duplicated inputs with targets that contradict one another.
@pytest.fixture(params=["relu", "erf", "tanh"])
def singular(request, rng):
    x, x_test = rng.normal(size=(7, 4)), rng.normal(size=(3, 4))
    x[3] = x[6] = x[2]
    net = lr.Network(depth=2, activation=request.param, bias_var=0.1)
    return lr.ntk(net, x), lr.ntk(net, x_test, x), rng.normal(size=(7, 1))


@pytest.mark.parametrize("options", [{}, {"learning_rate": 0.1}, {"learning_rate": 0.1, "momentum": 0.5}],
                         ids=["flow", "descent", "heavy_ball"])  # fmt: skip
def test_a_singular_kernel_is_the_same_at_large_times_and_at_the_end(singular, options):
    theta, cross, y = singular
    flow = lr.LinearDynamics(theta, y, cross, **options)
    for t in (1e5, 1e8, 1e12, 1e14):
        for name in ("train", "test"):
            assert_allclose(getattr(flow, name)(t), getattr(flow, name)(np.inf), relative=1e-10)


def test_a_singular_kernel_ends_in_the_least_norm_solution(singular):
    theta, cross, y = singular
    flow = lr.LinearDynamics(theta, y, cross)
    # One copy of the three, with their mean: the fit that contradicting targets have.
    kept, mean = [0, 1, 2, 4, 5], y.copy()
    mean[2] = y[[2, 3, 6]].mean()
    weights = np.linalg.solve(theta[np.ix_(kept, kept)], mean[kept])
    assert_allclose(flow.test(np.inf), cross[:, kept] @ weights, relative=1e-10)
    assert_allclose(flow.train(np.inf)[[2, 3, 6]], np.full((3, 1), mean[2]), relative=1e-10)


def test_modes_below_the_rounding_keep_their_slow_drift_and_never_grow():
    # A smooth kernel on a line: its spectrum falls through rounding, some of it to negative values.
    x = np.linspace(-1, 1, 40)[:, None]
    net = lr.Network(depth=1, activation="erf", bias_var=0.1)
    flow = lr.LinearDynamics(lr.ntk(net, x), np.sin(3 * x) + 0.1 * np.cos(40 * x))
    assert flow.eigensystem.values[-1] < 0
    losses = flow.train_loss(np.append(np.logspace(0, 30, 200), np.inf))
    assert np.isfinite(losses).all() and (np.diff(losses) <= 1e-15).all()


def test_a_zero_kernel_learns_nothing_and_bears_any_step():
    flow = lr.LinearDynamics(np.zeros((2, 2)), [1.0, -1.0], np.zeros((3, 2)), learning_rate=1.0)
    assert flow.max_learning_rate == np.inf
    for t in (0.0, 10.0, np.inf):
        assert not flow.train(t).any() and not flow.test(t).any()


def test_what_is_missing_is_asked_for(kernels):
    flow = lr.LinearDynamics(kernels["ntk"], Y)
    with pytest.raises(ValueError, match="Test points need cross_ntk"):
        flow.test(1.0)
    with pytest.raises(ValueError, match="covariance needs nngp, and on test points"):
        flow.covariance(1.0)
    flow = lr.LinearDynamics(kernels["ntk"], Y, kernels["cross_ntk"], f0=np.zeros((7, 1)))
    with pytest.raises(ValueError, match=r"f0 on the test points is needed.*f0=\(f0, f0_test\)"):
        flow.test(1.0)
