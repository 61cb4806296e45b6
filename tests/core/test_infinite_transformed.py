"""Infinite-width kernels under JAX's transformations: gradients and compiled calls."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lazyrich as lr
from tests.core.points import special_points
from tests.tolerances import assert_allclose


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_gradients_agree_with_finite_differences_at_a_coincident_point_too(activation, rng):
    points = rng.normal(size=(7, 3))
    points[2] = points[0]
    net = lr.Network(depth=2, activation=activation, bias_var=0.1)
    direction, step = rng.normal(size=(1, 3)), 1e-5

    def along(s):
        return lr.nngp(net, points[:1] + s * direction, points[1:]).sum()

    difference = (along(step) - along(-step)) / (2 * step)
    with jax.enable_x64(True):
        derivative = jax.jit(jax.grad(along))(0.0)
    # The error of a central difference is about step^2.
    assert_allclose(derivative, difference, relative=1e-8)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_gradients_of_the_tangent_kernel_are_finite_at_coincident_and_zero_points(activation, rng):
    net, x = lr.Network(depth=2, activation=activation), special_points(rng)
    with jax.enable_x64(True):
        gradient = jax.jit(jax.grad(lambda x: lr.ntk(net, x).sum()))(x)
    assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0


def test_kernels_under_jit_are_those_outside(rng):
    net, x = lr.Network(depth=2, activation="erf"), rng.normal(size=(7, 3))
    with jax.enable_x64(True):
        traced = jax.jit(lambda x: lr.nngp_and_ntk(net, x))(x)
    for one, other in zip(traced, lr.nngp_and_ntk(net, x), strict=True):
        assert_allclose(one, other)


def test_a_kernel_with_kinks_is_differentiated_in_what_its_activation_takes_from_around_it(rng):
    def total(slope, x):
        act = lr.activation(lambda z: jnp.where(z > 0, z, slope * jnp.expm1(jnp.minimum(z, 0))), kinks=(0.0,))
        return lr.ntk(lr.Network(depth=2, activation=act), x).sum()

    x, step = rng.normal(size=(3, 2)), 1e-4
    with jax.enable_x64(True):
        derivative = jax.jit(jax.grad(total))(0.7, x)
    # Second order in the step.
    assert_allclose(derivative, (total(0.7 + step, x) - total(0.7 - step, x)) / (2 * step), relative=1e-6)
