"""Signals through the layers: the kernels' own diagonal, closed forms, and random networks around them."""

import numpy as np
import pytest

import lazyrich as lr

COSINES = (0.9, 0.0, -1.0)


@pytest.mark.parametrize("activation", ["relu", "tanh", "elu"])
def test_it_is_the_nngp_kernel_of_ever_deeper_networks(activation):
    net = lr.Network(depth=4, activation=activation, weight_var=1.4, bias_var=0.1)
    got = lr.signal_propagation(net, COSINES, layers=5)
    x = np.sqrt(2) * np.array([[1.0, 0.0], *([c, np.sqrt(1 - c * c)] for c in COSINES)])
    kernels = lr.kernels_by_depth(net, x[:1], x).nngp[:, 0]
    np.testing.assert_allclose(got.variance[1:], kernels[:, 0], rtol=1e-10)
    np.testing.assert_allclose(got.correlation[1:], kernels[:, 1:] / kernels[:, :1], rtol=1e-10, atol=1e-12)
    assert float(got.variance[0]) == pytest.approx(1.5)
    np.testing.assert_allclose(got.correlation[0], (1.4 * np.array(COSINES) + 0.1) / 1.5, rtol=1e-12)


def test_a_linear_network_with_skip_connections_multiplies_the_variance_and_keeps_the_angle():
    net = lr.Network(activation="identity", weight_var=0.5, residual=0.5)
    got = lr.signal_propagation(net, 0.3, layers=6)
    np.testing.assert_allclose(got.variance, 0.5 * 0.75 ** np.arange(6), rtol=1e-12)
    np.testing.assert_allclose(got.correlation[:, 0], 0.3, rtol=1e-12)


def test_layers_beyond_the_range_of_float64_are_left_out():
    got = lr.signal_propagation(lr.Network(activation="exp", weight_var=2.0), 0.5, layers=10)
    assert 1 < got.sizes["layer"] < 10
    assert np.isfinite(got.variance).all() and np.isfinite(got.correlation).all()


def test_a_variance_whose_square_is_beyond_float64_still_has_a_correlation():
    got = lr.signal_propagation(lr.Network(weight_var=1e15), 1.0, layers=15)
    assert got.sizes["layer"] == 15
    np.testing.assert_allclose(got.correlation, 1.0, rtol=1e-12)


@pytest.mark.parametrize(
    "fields", [{"weight_var": 1.5, "bias_var": 0.1}, {"layer_norm": True}, {"residual": 0.5}], ids=str
)
def test_random_networks_lie_around_it(fields):
    net = lr.Network(width=128, activation="tanh", **fields)
    theory = lr.signal_propagation(net, [0.9, 0.0], layers=6)
    measured = lr.measured_signal_propagation(net, [0.9, 0.0], layers=6, networks=24)
    for name in ("variance", "correlation"):
        values = measured[name].values
        error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
        off = np.abs(values.mean(axis=0) - theory[name].values)
        # Fluctuations, and the bias of order depth over width that finite networks have.
        assert (off <= 4 * error + 6 / 128 * theory.variance.values.max()).all(), name
        assert (values.std(axis=0) > 0).all()


def test_networks_are_named_by_their_seeds():
    net = lr.Network(width=8)
    both = lr.measured_signal_propagation(net, 0.5, layers=3, networks=2, seed=5)
    second = lr.measured_signal_propagation(net, 0.5, layers=3, networks=1, seed=6)
    assert list(both.seed) == [5, 6]
    np.testing.assert_array_equal(both.variance[1], second.variance[0])


def test_a_verdict_survives_a_file(tmp_path):
    run = lr.measured_signal_propagation(lr.Network(width=8), 0.5, layers=3, networks=2)
    assert lr.load(lr.save(run, tmp_path / "signals.nc")).identical(run)
