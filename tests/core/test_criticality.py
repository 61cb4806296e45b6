"""Criticality: the published critical points, closed forms, and what iterating the layers by hand leads to."""

import jax
import numpy as np
import pytest

import lazyrich as lr
from lazyrich.theory import variances_with


def at(activation, weight_var, bias_var=0.0, **fields):
    return lr.Network(activation=activation, weight_var=weight_var, bias_var=bias_var, **fields)


def test_gelu_is_critical_where_the_principles_of_deep_learning_theory_say():
    got = lr.criticality(at("gelu", 1.98305826, 0.17292239), variance=(3 + np.sqrt(17)) / 2)
    # Both variances are given to eight digits.
    assert got.parallel == pytest.approx(1.0, abs=1e-7)
    assert got.perpendicular == pytest.approx(1.0, abs=1e-7)


def test_selu_keeps_a_variance_of_one_but_is_chaotic():
    got = lr.criticality(at("selu", 1.0))
    assert got.variance == pytest.approx(1.0, abs=1e-9)
    assert got.parallel == pytest.approx(0.78265, abs=1e-5)
    assert got.perpendicular == pytest.approx(1.0716, abs=1e-4)


@pytest.mark.parametrize("activation", ["tanh", "erf", "sin"])
def test_an_odd_activation_without_bias_is_critical_where_its_slope_at_zero_is_one(activation):
    slope = float(jax.grad(lr.activation(activation).phi)(0.0))
    got = lr.criticality(at(activation, slope**-2))
    assert got.variance < 1e-6
    assert (got.parallel, got.perpendicular) == (pytest.approx(1.0, abs=1e-6), pytest.approx(1.0, abs=1e-6))


@pytest.mark.parametrize(
    ("weight_var", "bias_var", "variance"),
    [(2.0, 0.0, 2.0), (1.5, 0.1, 0.4), (1.0, 0.0, 0.0), (2.0, 0.1, np.inf), (2.5, 0.0, np.inf), (0.0, 0.0, 0.0)],
)
def test_relu_in_closed_form(weight_var, bias_var, variance):
    """Its variance goes by q -> sw^2 q/2 + sb^2, and both susceptibilities are sw^2/2."""
    got = lr.criticality(at("relu", weight_var, bias_var))
    assert got.variance == pytest.approx(variance, rel=1e-9, abs=1e-12)
    assert (got.parallel, got.perpendicular) == (pytest.approx(weight_var / 2),) * 2


@pytest.mark.parametrize("fields", [{}, {"residual": 0.3}, {"layer_norm": True, "residual": 0.5}], ids=str)
@pytest.mark.parametrize("activation", ["tanh", "elu", "erf"])
def test_the_fixed_point_and_both_susceptibilities_are_those_of_the_layers_themselves(activation, fields):
    """Deep in a network the variance is the fixed point, and chi_perpendicular the rate at which angles change."""
    net = at(activation, 1.3, 0.2, **fields)
    got = lr.criticality(net)
    angle = 1e-3
    signals = lr.signal_propagation(net, np.cos(angle), layers=100)
    assert got.variance == pytest.approx(float(signals.variance[-1]), rel=1e-6)
    # In layer l + 1 over layer l the difference 1 - c is multiplied by chi once the variance is at rest.
    apart = 1 - signals.correlation.values[:, 0]
    settled = 60 if fields else 40
    assert apart[settled + 1] / apart[settled] == pytest.approx(float(got.perpendicular), rel=2e-2)


def test_the_parallel_susceptibility_is_the_derivative_of_the_map_of_variances():
    net, q, step = at("softplus", 0.7, 0.1), 1.3, 1e-5

    def after(q):
        x, w = np.polynomial.hermite_e.hermegauss(80)
        return net.weight_var * (w @ np.logaddexp(0, np.sqrt(q) * x) ** 2) / w.sum() + net.bias_var

    slope = (after(q + step) - after(q - step)) / (2 * step)
    assert lr.criticality(net, variance=q).parallel == pytest.approx(slope, rel=1e-7)


def test_a_whole_plane_is_one_call_and_agrees_with_single_networks():
    weight_vars, bias_vars = np.array([0.5, 1.0, 3.0]), np.array([0.05, 0.5])
    plane = lr.criticality(at("tanh", 1.0), weight_var=weight_vars[None, :], bias_var=bias_vars[:, None])
    assert plane.perpendicular.shape == (2, 3)
    one = lr.criticality(at("tanh", 3.0, 0.5))
    assert plane.perpendicular[1, 2] == pytest.approx(float(one.perpendicular), rel=1e-10)
    assert plane.variance[1, 2] == pytest.approx(float(one.variance), rel=1e-9)


def test_a_variance_that_explodes_is_infinite_and_not_nan():
    got = lr.criticality(at("exp", 2.0))
    assert got.variance == np.inf
    assert not np.isnan(got.perpendicular)


@pytest.mark.parametrize("options", [{}, {"residual": 0.5}, {"layer_norm": True}], ids=str)
def test_the_variances_with_a_susceptibility_have_it_at_the_fixed_point_asked_for(options):
    net = lr.Network(activation="erf", **options)
    fixed = np.geomspace(0.01, 0.3, 5)
    weight_var, bias_var = variances_with(net, fixed, perpendicular=0.8)
    assert (bias_var > 0).all()
    there = lr.criticality(net, weight_var=weight_var, bias_var=bias_var, variance=fixed)
    np.testing.assert_allclose(there.perpendicular, 0.8, rtol=1e-10)
    # Below 1, both susceptibilities make the fixed point the only one that inputs may lead to.
    np.testing.assert_allclose(lr.criticality(net, weight_var=weight_var, bias_var=bias_var).variance, fixed, rtol=1e-6)


def test_the_variances_at_which_a_fixed_point_goes_have_a_parallel_susceptibility_of_one():
    net, fixed = lr.Network(activation="gelu"), np.geomspace(0.01, 0.5, 5)
    weight_var, _ = variances_with(net, fixed, parallel=1.0)
    there = lr.criticality(net, weight_var=weight_var, bias_var=0.0, variance=fixed)
    np.testing.assert_allclose(there.parallel, 1.0, rtol=1e-10)


@pytest.mark.parametrize("given", [{}, {"perpendicular": 1.0, "parallel": 1.0}], ids=["none", "both"])
def test_one_susceptibility_is_given(given):
    with pytest.raises(ValueError, match="One susceptibility must be given"):
        variances_with(lr.Network(), np.ones(1), **given)
