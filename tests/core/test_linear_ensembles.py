"""Covariances of the ensemble."""

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


@pytest.mark.parametrize("options", [{}, {"ridge": 0.05}, {"learning_rate": 0.2, "momentum": 0.5}],
                         ids=["flow", "ridge", "heavy_ball"])  # fmt: skip
def test_both_sets_of_points_are_answered_by_one_object_and_agree_where_they_are_the_same(kernels, options):
    # The training points given as test points: there the answers come by other ways.
    theta, nngp = kernels["ntk"], kernels["nngp"]
    flow = lr.LinearDynamics(theta, Y, theta, nngp=nngp, cross_nngp=nngp, test_nngp=nngp, **options)
    alone = lr.LinearDynamics(theta, Y, nngp=nngp, **options)
    for t in (0.0, 2.0, 50.0, np.inf):
        on_train = flow.covariance(t, "train")
        assert_allclose(alone.covariance(t), on_train)
        # On test points it is what is left of a difference.
        assert np.abs(flow.covariance(t) - on_train).max() < 1e-12 * nngp.max()
        assert np.abs(flow.test(t) - flow.train(t)).max() < 1e-12


@pytest.mark.parametrize("points", ["train", "test"])
def test_variances_are_the_diagonals_of_the_covariances(kernels, points):
    flow = lr.LinearDynamics(**kernels, y=Y)
    times = [0.0, 0.3, 20.0, np.inf]
    full = flow.covariance(times, points)
    got = flow.variance(times, points)
    assert np.abs(got - np.diagonal(full, axis1=1, axis2=2)).max() < 1e-13
    assert_allclose(flow.variance(0.3, points), got[1])
    assert_allclose(flow.mean_variance(times, points), got.mean(axis=1))
    assert_allclose(flow.mean_variance(0.3, points), got[1].mean())
    assert np.abs(full - full.swapaxes(1, 2)).max() < 1e-14


def test_many_times_come_in_blocks_that_nobody_sees(kernels, monkeypatch):
    flow, times = lr.LinearDynamics(**kernels, y=Y), np.geomspace(0.1, 10, 11)
    y_test = np.ones((3, 1))

    def everything():
        return [flow.covariance(times), flow.covariance(times, "train"), flow.variance(times),
                flow.variance(times, "train"), flow.test_loss(times, y_test)]  # fmt: skip

    whole = everything()
    monkeypatch.setattr("lazyrich.dynamics.linear.ensembles._BLOCK", 90)
    for got, want in zip(everything(), whole, strict=True):
        assert_allclose(got, want)


def test_the_variance_left_on_the_training_points_is_that_of_the_modes_however_small():
    theta, nngp, t = np.diag([2.0, 1.0]), np.array([[1.0, 0.3], [0.3, 2.0]]), 60.0
    left = np.exp(-np.array([2.0, 1.0]) * t / 2)
    got = lr.LinearDynamics(theta, np.ones(2), nngp=nngp).covariance(t)
    assert_allclose(got / np.outer(left, left), nngp)


def test_a_mean_variance_that_is_a_small_difference_keeps_its_digits(kernels):
    # The training points given as test points: of their variance nothing is left.
    theta, nngp = kernels["ntk"], kernels["nngp"]
    flow = lr.LinearDynamics(theta, Y, theta, nngp=nngp, cross_nngp=nngp, test_nngp=nngp)
    slowest = len(Y) / flow.eigensystem.values[-1]
    times = slowest * np.linspace(0, 10, 41)
    want = flow.mean_variance(times, "train")
    assert want[-1] < 1e-8 * want[0]
    assert np.abs(flow.mean_variance(times, "test") - want).max() < 1e-12 * want[0]


def test_what_is_missing_is_asked_for(kernels):
    flow = lr.LinearDynamics(kernels["ntk"], Y)
    with pytest.raises(ValueError, match="Test points need cross_ntk"):
        flow.test(1.0)
    with pytest.raises(ValueError, match="covariance needs nngp, and on test points"):
        flow.covariance(1.0)
    with pytest.raises(ValueError, match="covariance needs nngp, and on test points"):
        lr.LinearDynamics(kernels["ntk"], Y, nngp=kernels["nngp"]).variance(1.0, "test")
    flow = lr.LinearDynamics(kernels["ntk"], Y, kernels["cross_ntk"], f0=np.zeros((7, 1)))
    with pytest.raises(ValueError, match=r"f0 on the test points is needed.*f0=\(f0, f0_test\)"):
        flow.test(1.0)
