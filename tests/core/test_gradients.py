"""Gradients and Hessian products against autodiff of the public network, and against the textbook step."""

import jax
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

import lazyrich as lr
from lazyrich.gradients import hessian_product, loss_gradient, rates, squared_slope
from lazyrich.mlp import Nonlinearity, Scales
from tests.core import textbook
from tests.core.hessians import dense_hessian
from tests.tolerances import assert_allclose

NETS = {
    "ntk": lr.Network(3, 5, "tanh", 1.5, 0.2),
    "mean_field_of_one_layer": lr.Network(1, 5, "erf", 1.5, 0.2, "mean_field", 0.7),
    "standard_residual_and_normalised": lr.Network(
        3, 5, "gelu", 1.5, 0.2, "standard", 0.7, residual=0.5, layer_norm=True
    ),
}
gradient = jax.jit(lambda *runtime, y: loss_gradient(*runtime, squared_slope(y)))
product = jax.jit(lambda *runtime, y, vector: hessian_product(*runtime, squared_slope(y), vector))


def runtime(net, params, x):
    return Nonlinearity.of(net), Scales.of(net, x.shape[1]), params, x


@pytest.mark.parametrize("name", ["ntk", "mean_field_of_one_layer"])
def test_a_step_along_the_gradient_is_the_textbooks(name, rng):
    net, x, y = NETS[name], rng.normal(size=(4, 3)), rng.normal(size=(4, 2))
    params = textbook.draw(net, 3, 2, rng)
    want = textbook.gradient_step(net, params, x, textbook.forward(net, params, x) - y, 0.1)
    with jax.enable_x64():
        got_gradient, rate = gradient(*runtime(net, params, x), y=y), rates(Scales.of(net, 3))
    for got, start, end, r in zip(got_gradient, params, want, rate, strict=True):
        if got.size:  # one hidden layer has no weights between hidden ones
            assert_allclose(start - 0.1 * r * np.asarray(got), end)


@pytest.mark.parametrize("name", NETS)
def test_the_hessian_times_a_vector_is_that_of_autodiff(name, rng):
    net, x, y = NETS[name], rng.normal(size=(4, 3)), rng.normal(size=(4, 2))
    params, vector = (textbook.draw(net, 3, 2, rng) for _ in range(2))
    with jax.enable_x64():
        got = ravel_pytree(product(*runtime(net, params, x), y=y, vector=vector))[0]
    assert_allclose(got, dense_hessian(net, params, x, y) @ np.concatenate([np.ravel(leaf) for leaf in vector]))


def test_spare_layers_have_no_gradient_and_change_none(rng):
    net, x, y = NETS["ntk"], rng.normal(size=(4, 3)), rng.normal(size=(4, 2))
    spare = textbook.draw(lr.Network(5, 5), 3, 2, rng)
    params = spare._replace(hidden=spare.hidden[:2], biases=spare.biases[:3])
    with jax.enable_x64():
        want, got = (gradient(*runtime(net, p, x), y=y) for p in (params, spare))
    assert_allclose(got.hidden[:2], want.hidden)
    assert_allclose(got.biases[:3], want.biases)
    assert not np.asarray(got.hidden[2:]).any() and not np.asarray(got.biases[3:]).any()
    for name in ("first", "readout", "readout_bias"):
        assert_allclose(getattr(got, name), getattr(want, name))
