"""Critical points: the published ones, those in closed form, and none where there is none."""

import numpy as np
import pytest

import lazyrich as lr


def test_gelu_is_where_the_principles_of_deep_learning_theory_have_it():
    got = lr.critical_point("gelu")
    # Both variances are given to eight digits.
    assert got.weight_var == pytest.approx(1.98305826, abs=1e-8)
    assert got.bias_var == pytest.approx(0.17292239, abs=1e-8)
    assert got.variance == pytest.approx((3 + np.sqrt(17)) / 2, rel=1e-8)


@pytest.mark.parametrize(
    ("activation", "weight_var"),
    [("relu", 2.0), (lr.activation("leaky_relu", slope=0.5), 2 / 1.25), ("identity", 1.0)],
    ids=["relu", "leaky_relu", "identity"],
)
def test_activations_that_scale_are_critical_at_every_variance(activation, weight_var):
    got = lr.critical_point(activation)
    assert got[:2] == (pytest.approx(weight_var, rel=1e-9), 0.0)
    assert np.isnan(got.variance)


@pytest.mark.parametrize(
    ("activation", "weight_var"),
    [("erf", np.pi / 4), ("selu", 2 / 1.0507009873554805**2 / (1 + 1.6732632423543772**2))],
)
def test_activations_with_slopes_at_zero_that_bend_down_are_critical_in_the_limit_of_no_variance(
    activation, weight_var
):
    """C_W is one over the mean of the squared slopes on both sides of 0."""
    got = lr.critical_point(activation)
    assert got == (pytest.approx(weight_var, rel=1e-9), 0.0, 0.0)


def test_at_a_critical_point_of_a_quadrature_both_susceptibilities_are_one_and_the_variance_stays():
    got = lr.critical_point("silu")
    net = lr.Network(activation="silu", weight_var=got.weight_var, bias_var=got.bias_var)
    at = lr.criticality(net, variance=got.variance)
    assert got.bias_var > 0
    assert (at.parallel, at.perpendicular) == (pytest.approx(1.0, abs=1e-9), pytest.approx(1.0, abs=1e-9))
    assert lr.criticality(net).variance == pytest.approx(got.variance, rel=1e-4)


@pytest.mark.parametrize("activation", ["cos", "exp", "quadratic"])
def test_what_cannot_be_critical_is_said_so(activation):
    with pytest.raises(ValueError, match="has none"):
        lr.critical_point(activation)
