"""Movement of parameters and activations, and the network beside its linearisation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lazyrich as lr
from lazyrich.diagnostics.linearised import distances_to_linearised
from lazyrich.diagnostics.movement import activation_distances, parameter_distances
from lazyrich.mlp import Nonlinearity, Scales, hidden_states
from tests.core import textbook
from tests.tolerances import assert_allclose

NET = lr.Network(3, 5, "tanh", 1.5, 0.2, "mup", 0.7)


@pytest.fixture
def start(rng):
    return textbook.draw(NET, 3, 2, rng)


@pytest.fixture
def moved(rng, start):
    return lr.Params(*(w + 0.1 * rng.normal(size=w.shape) for w in start))


def layers(params, biases=True):
    """The raw parameters of each layer, in a vector each."""
    weights = [params.first, *params.hidden, params.readout]
    offsets = [*params.biases, params.readout_bias]
    return [np.concatenate([w.ravel(), b.ravel() * biases]) for w, b in zip(weights, offsets, strict=True)]


@pytest.mark.parametrize("bias_var", [0.2, 0.0], ids=["biases", "no_biases"])
def test_the_parameters_movement_is_relative_to_where_they_started(bias_var, start, moved):
    net = lr.Network(3, 5, "tanh", 1.5, bias_var)
    pairs = list(zip(layers(moved, bias_var > 0), layers(start, bias_var > 0), strict=True))
    got = lr.parameter_movement(net, moved, start)
    norm = np.linalg.norm
    assert_allclose(got.layers, [norm(now - then) / norm(then) for now, then in pairs])
    now, then = (np.concatenate(part) for part in zip(*pairs, strict=True))
    assert_allclose(got.whole, norm(now - then) / norm(then))


def test_the_activations_movement_is_that_of_the_textbooks_preactivations(start, moved, rng):
    x = rng.normal(size=(4, 3))
    now, then = (np.array(textbook._preactivations(NET, params, x)) for params in (moved, start))
    got = lr.activation_movement(NET, moved, start, x)
    assert_allclose(got.rms, np.sqrt(((now - then) ** 2).mean(axis=(1, 2))))
    assert_allclose(got.relative, got.rms / np.sqrt((then**2).mean(axis=(1, 2))))


def test_the_linearised_output_is_that_of_the_jacobian(start, moved, rng):
    x = rng.normal(size=(4, 3))
    with jax.enable_x64():
        jacobian = jax.jit(jax.jacobian(lambda params: lr.apply(NET, params, x)))(start)
    want = lr.apply(NET, start, x) + sum(
        np.tensordot(np.asarray(j), now - then, axes=now.ndim)
        for j, now, then in zip(jacobian, moved, start, strict=True)
    )
    assert_allclose(lr.linearised_output(NET, moved, start, x), want)
    want = np.sqrt(((lr.apply(NET, moved, x) - want) ** 2).mean())
    assert_allclose(lr.distance_to_linearised(NET, moved, start, x), want)


def test_the_distance_to_the_linearised_network_is_quadratic_in_the_movement(start, moved, rng):
    x = rng.normal(size=(4, 3))

    def distance(share):
        at = lr.Params(*(then + share * (now - then) for now, then in zip(moved, start, strict=True)))
        return lr.distance_to_linearised(NET, at, start, x)

    assert lr.distance_to_linearised(NET, start, start, x) == 0
    # What is left over is of the next order, of the size of the movement: a tenth of a thousandth.
    assert_allclose(distance(1e-3) / distance(5e-4), 4.0, relative=1e-3)


def test_spare_layers_do_not_count(rng):
    long = lr.Network(5, 5)
    start, moved = (textbook.draw(long, 3, 2, rng) for _ in range(2))
    short = [p._replace(hidden=p.hidden[:2], biases=p.biases[:3]) for p in (moved, start)]
    x, nonlinearity, scales = rng.normal(size=(4, 3)), Nonlinearity.of(NET), Scales.of(NET, 3)
    with jax.enable_x64():
        distances = jax.jit(parameter_distances)(scales, moved, start)
        states = [jax.jit(hidden_states)(nonlinearity, scales, p, x) for p in (moved, start)]
        activations = activation_distances(*states)
        lag = jax.jit(distances_to_linearised)(nonlinearity, scales, moved, start, x)
    want = lr.parameter_movement(NET, *short)
    assert_allclose(distances.layers, [*want.layers, 0, 0])
    assert_allclose(distances.whole, want.whole)
    assert_allclose(activations.relative, [*lr.activation_movement(NET, *short, x).relative, 0, 0])
    assert_allclose(lag, lr.distance_to_linearised(NET, *short, x))


def test_they_can_be_differentiated(start, moved, rng):
    x, step = rng.normal(size=(4, 3)), 1e-6

    def total(share):
        at = lr.Params(*(then + share * (now - then) for now, then in zip(moved, start, strict=True)))
        return (
            lr.parameter_movement(NET, at, start).whole
            + lr.activation_movement(NET, at, start, x).relative.sum()
            + lr.distance_to_linearised(NET, at, start, x)
        )

    with jax.enable_x64():
        got = jax.jit(jax.grad(total))(jnp.asarray(1.0))
    # The difference's own error: rounding over the step.
    assert_allclose((total(1 + step) - total(1 - step)) / (2 * step), np.asarray(got), relative=1e-8)


def test_weights_that_do_not_belong_together_are_refused(start):
    other = lr.init(lr.Network(2, 5), 3, 2)
    with pytest.raises(ValueError, match=r"params must have the \(width, depth\) of net, \(5, 3\); got \(5, 2\)"):
        lr.parameter_movement(NET, other, start)
    with pytest.raises(ValueError, match=r"start must have the \(width, depth\) of net, \(5, 3\); got \(5, 2\)"):
        lr.parameter_movement(NET, start, other)
    with pytest.raises(ValueError, match=r"start must have the \(in_dim, out_dim\) of params, \(3, 2\); got \(3, 1\)"):
        lr.linearised_output(NET, start, lr.init(NET, 3, 1), np.ones((2, 3)))
