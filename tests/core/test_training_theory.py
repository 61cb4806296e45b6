"""Finite networks against infinite width: lazy where theory says lazy, rich where it says rich."""

import itertools

import numpy as np
import pytest

import lazyrich as lr


@pytest.fixture(scope="module")
def data():
    return lr.load_data("circle", n_train=7, n_test=3, seed=1)


def test_wide_networks_follow_the_linear_dynamics_within_their_sampling_error(data):
    net, seeds = lr.Network(2, 1024, "erf", 1.5, 0.1), 12
    run = lr.train(net, data, time=15.0, seeds=seeds, centred=True, checkpoints=8)
    flow = lr.LinearDynamics(
        lr.ntk(net, data.x_train),
        data.y_train,
        lr.ntk(net, data.x_test, data.x_train),
        learning_rate=run.attrs["learning_rate"],
    )
    times = run.time.values[1:]
    for name, theory in (("f_train", flow.train(times)), ("f_test", flow.test(times))):
        outputs = run[name].values[:, 1:]
        error = outputs.std(axis=0, ddof=1) / np.sqrt(seeds)
        scores = (outputs.mean(axis=0) - theory) / error
        # Student's t with 11 degrees of freedom: rms 1.1, though points and times go together.
        assert np.sqrt((scores**2).mean()) < 1.7
        assert np.abs(scores).max() < 5
        # and the error is small enough to notice a wrong theory
        assert error.max() < 0.02 * np.abs(theory).max()


def test_the_spread_of_networks_that_are_not_centred_is_the_covariance_of_the_ensemble(data):
    net, seeds = lr.Network(1, 128, "erf", 1.5, 0.1), 200
    kernels = [
        lr.nngp_and_ntk(net, *points) for points in ((data.x_train,), (data.x_test, data.x_train), (data.x_test,))
    ]
    flow = lr.LinearDynamics(kernels[0].ntk, data.y_train, kernels[1].ntk, *(kernel.nngp for kernel in kernels))
    run = lr.train(net, data, time=[0.0, 3.0, 30.0], seeds=seeds, record=("outputs",))
    for i, t in enumerate(run.time.values):
        f = run.f_test.values[:, i, :, 0]
        ratio = f.var(axis=0, ddof=1) / np.diag(flow.covariance(t))
        # Five standard errors of a variance of 200, which is wider than the finite width's share.
        assert np.abs(ratio - 1).max() < 5 * np.sqrt(2 / seeds)


NARROW, WIDE = 32, 256


def movement(data, width, parametrization, richness=1.0):
    """How far each of 16 seeds' kernels has moved by the end of training."""
    net = lr.Network(2, width, "tanh", 1.5, 0.1, parametrization, richness)
    run = lr.train(net, data, time=30.0, seeds=16, record=("loss", "ntk"), checkpoints=3, centred=True)
    assert (run.train_loss[:, -1] < 0.5 * run.train_loss[:, 0]).all()
    return np.array([lr.kernel_distance(ntk[-1], ntk[0]) for ntk in run.ntk.values])


def test_a_richer_network_moves_its_kernel_more(data):
    moved = [movement(data, NARROW, "mup", richness) for richness in (0.1, 0.5, 2.0)]
    for less, more in itertools.pairwise(moved):
        assert (more > 1.5 * less).all()


def test_the_kernels_movement_falls_with_the_width_in_ntk_and_stays_in_mup(data):
    def slope(parametrization):
        narrow, wide = (np.log(movement(data, width, parametrization)) for width in (NARROW, WIDE))
        slopes = (wide - narrow) / np.log(WIDE / NARROW)
        return slopes.mean(), slopes.std(ddof=1) / np.sqrt(slopes.size)

    ntk, error = slope("ntk")
    # At least the -1/2 of the general bound, at most the -1 of the leading correction.
    assert -1 - 3 * error < ntk < -1 / 2 + 3 * error and error < 0.1
    mup, error = slope("mup")
    assert abs(mup) < 0.1 + 3 * error and error < 0.1
