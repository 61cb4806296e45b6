"""Activations as functions and as values."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lazyrich as lr
from lazyrich.activations import FAMILIES
from tests.core import textbook
from tests.tolerances import assert_allclose

Z = np.array([-30.0, -2.0, -0.3, 0.2, 1.0, 4.0, 30.0])


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_phi_and_its_derivative_are_the_textbook_ones(name):
    phi, *derivative = textbook.phi_and_derivative(name)
    with jax.enable_x64(True):
        act = lr.activation(name)
        assert_allclose(act.phi(jnp.asarray(Z)), phi(Z))
        if derivative:
            assert_allclose(act.derivative(jnp.asarray(Z)), derivative[0](Z))
        assert bool(derivative) == act.has_tangent


def test_a_parameter_changes_the_function_and_what_is_left_out_keeps_its_default():
    assert float(lr.activation("leaky_relu", slope=0.25).phi(jnp.asarray(-2.0))) == -0.5
    assert lr.activation("leaky_relu") == lr.activation("leaky_relu", slope=0.01)


def test_an_activation_is_a_value():
    one, same, other = (lr.activation("leaky_relu", slope=s) for s in (0.1, 0.1, 0.2))
    assert one == same and hash(one) == hash(same) and one != other
    assert str(one) == "leaky_relu(slope=0.1)" and str(lr.activation("tanh")) == "tanh"


def test_parameters_given_beside_an_activation_replace_its_own():
    act = lr.activation("leaky_relu", slope=0.1)
    assert lr.activation(act) == act
    assert lr.activation(act, slope=0.4) == lr.activation("leaky_relu", slope=0.4)


def test_parameters_are_leaves_of_a_pytree_and_can_be_differentiated():
    slope = jax.grad(lambda act: act.phi(jnp.asarray(-3.0)))(lr.activation("leaky_relu", slope=0.5))
    assert dict(slope.parameters)["slope"] == -3.0
