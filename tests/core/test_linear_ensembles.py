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


def test_what_is_missing_is_asked_for(kernels):
    flow = lr.LinearDynamics(kernels["ntk"], Y)
    with pytest.raises(ValueError, match="Test points need cross_ntk"):
        flow.test(1.0)
    with pytest.raises(ValueError, match="covariance needs nngp, and on test points"):
        flow.covariance(1.0)
    flow = lr.LinearDynamics(kernels["ntk"], Y, kernels["cross_ntk"], f0=np.zeros((7, 1)))
    with pytest.raises(ValueError, match=r"f0 on the test points is needed.*f0=\(f0, f0_test\)"):
        flow.test(1.0)
