"""Networks as values, and the scale that each parametrization gives to the output."""

import dataclasses

import numpy as np
import pytest

import lazyrich as lr
from lazyrich.parametrizations import PARAMETRIZATIONS
from tests.tolerances import assert_allclose


def test_networks_with_equal_fields_are_equal_and_interchangeable_as_keys(production):
    one = lr.Network(depth=2, weight_var=2, activation="leaky_relu")
    same = lr.Network(depth=2.0, weight_var=2.0, activation=lr.activation("leaky_relu"))
    assert one == same and hash(one) == hash(same) and repr(one) == repr(same)
    assert one != lr.Network(depth=3, weight_var=2, activation="leaky_relu")


def test_a_network_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        lr.Network().depth = 4


def test_numbers_come_out_as_plain_ones_whatever_they_were(production):
    net = lr.Network(np.int64(2), np.int32(8), weight_var=np.float32(0.5), richness=np.float64(2))
    assert [type(value) for value in (net.depth, net.width)] == [int, int]
    assert [type(value) for value in (net.weight_var, net.richness)] == [float, float]


def test_a_negative_zero_is_a_zero():
    assert repr(lr.Network(bias_var=-0.0)) == repr(lr.Network(bias_var=0.0))


@pytest.mark.parametrize("name", PARAMETRIZATIONS)
def test_the_output_scale_grows_with_the_root_of_the_width_where_features_are_to_move(name):
    gammas = [lr.Network(width=n, richness=0.3, parametrization=name).gamma for n in (16, 64)]
    want = {"standard": [0.3, 0.3], "ntk": [0.3, 0.3], "mup": [1.2, 2.4], "mean_field": [1.2, 2.4]}[name]
    assert_allclose(gammas, want)
