"""Finite networks: their weights and their output."""

import dataclasses

import jax
import numpy as np
import pytest

import lazyrich as lr
from lazyrich.activations import FAMILIES
from tests.core import textbook
from tests.tolerances import assert_allclose


@pytest.mark.parametrize("activation", sorted(FAMILIES))
def test_the_output_is_that_of_the_definition_for_every_activation(activation, rng):
    net, x = lr.Network(2, 8, activation, 1.5, 0.2), rng.normal(size=(4, 3))
    params = lr.init(net, 3, 2, seed=1, dtype="float64")
    assert_allclose(lr.apply(net, params, x), textbook.forward(net, params, x))


@pytest.mark.parametrize("parametrization", ["ntk", "mup", "mean_field"])
@pytest.mark.parametrize("depth", [1, 4])
def test_the_output_is_that_of_the_definition_at_every_depth(depth, parametrization, rng):
    net = lr.Network(depth, 8, "relu", 1.5, 0.2, parametrization, richness=0.7)
    params, x = lr.init(net, 3, 2, seed=1), rng.normal(size=(4, 3))
    assert lr.apply(net, params, x).dtype == np.float32
    assert_allclose(lr.apply(net, params, x), textbook.forward(net, params, x))


def test_weights_have_the_shapes_that_are_documented():
    params = lr.init(lr.Network(depth=4, width=8), in_dim=3, out_dim=2)
    assert [np.shape(array) for array in params] == [(8, 3), (3, 8, 8), (2, 8), (4, 8), (2,)]
    assert all(array.dtype == np.float32 for array in params)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    net = lr.Network(depth=4, width=8)
    one, same, other = (lr.init(net, 3, 2, seed=seed) for seed in (5, 5, 6))
    for a, b, c in zip(one, same, other, strict=True):
        assert (a == b).all() and (a != c).all()


def test_a_deeper_network_of_the_same_seed_begins_with_the_same_layers():
    net = lr.Network(depth=2, width=8)
    shallow, deep = (lr.init(dataclasses.replace(net, depth=depth), 3, 2) for depth in (2, 4))
    assert (deep.first == shallow.first).all() and (deep.readout == shallow.readout).all()
    assert (deep.hidden[:1] == shallow.hidden).all() and (deep.biases[:2] == shallow.biases).all()


def test_weights_are_independent_standard_normal_numbers():
    params = lr.init(lr.Network(depth=3, width=60), 60, 60, seed=2)
    values = np.concatenate([np.ravel(array) for array in params]).astype(np.float64)
    # Five standard errors of a mean, a variance and a fourth moment of normal numbers.
    for power, mean, variance in ((1, 0, 1), (2, 1, 2), (4, 3, 96)):
        assert abs((values**power).mean() - mean) < 5 * np.sqrt(variance / len(values))
    first, second = params.hidden.reshape(2, -1).astype(np.float64)
    assert abs((first * second).mean()) < 5 / np.sqrt(len(first))


def test_the_ensembles_covariance_at_initialisation_is_the_nngp_kernel(rng):
    net, x, seeds = lr.Network(2, 64, "relu", 1.5, 0.1), rng.normal(size=(3, 4)), 300
    f = np.stack([lr.apply(net, lr.init(net, 4, 2, seed=s), x) for s in range(seeds)])
    f = f.transpose(0, 2, 1).reshape(-1, 3)  # the two outputs are independent at infinite width
    covariance, nngp = f.T @ f / len(f), lr.nngp(net, x)
    # The standard error of a covariance of Gaussians; finite width adds a few per cent to it.
    error = np.sqrt((nngp**2 + np.outer(np.diag(nngp), np.diag(nngp))) / len(f))
    assert (np.abs(covariance - nngp) < 4 * error).all()
    assert error.max() < 0.1 * nngp.max()


def test_the_output_can_be_compiled_and_differentiated(rng):
    net, x = lr.Network(2, 8, "tanh", 1.5, 0.2), rng.normal(size=(4, 3))
    params = lr.init(net, 3, 2, dtype="float64")
    with jax.enable_x64(True):
        assert_allclose(jax.jit(lambda p: lr.apply(net, p, x))(params), lr.apply(net, params, x))
        gradient = jax.jit(jax.grad(lambda p: lr.apply(net, p, x)[0, 0]))(params)
    gradient, step = jax.tree.map(np.asarray, gradient), 1e-6
    ahead, behind = (
        lr.apply(net, jax.tree.map(lambda p, g: p + sign * step * g, params, gradient), x)[0, 0]  # noqa: B023
        for sign in (1, -1)
    )
    # The error of a central difference: the step's square, and rounding over the step.
    length = sum((leaf**2).sum() for leaf in gradient)
    assert_allclose((ahead - behind) / (2 * step), length, relative=1e-8)
