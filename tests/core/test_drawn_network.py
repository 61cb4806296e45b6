"""Networks whose hidden matrices are drawn only where they are looked at are networks like all others."""

import jax
import numpy as np
import pytest

import lazyrich as lr
from lazyrich.dynamics.drawn_network import DrawnMatrix, DrawnNetwork
from lazyrich.mlp import Params

RATE, STEPS = 0.3, 3
NTK = lr.Network(3, 40, "relu", 2.0, 0.1)
CASES = {
    "ntk": (NTK, "float64", 1e-9),
    "single_precision": (NTK, "float32", 1e-3),
    "one_hidden_layer": (lr.Network(1, 40, "relu", 2.0, 0.1), "float64", 1e-9),
    "mup_with_skip_connections": (lr.Network(3, 40, "tanh", 1.5, 0.2, "mup", 0.5, residual=0.7), "float64", 1e-9),
    "layer_norm": (lr.Network(2, 40, "gelu", 1.5, 0.0, layer_norm=True), "float64", 1e-9),
}


def drawn_to_the_end(matrix):
    """The whole matrix without what training has added."""
    matrix._moved[:] = 0
    return matrix.times(np.eye(len(matrix._moved), dtype=matrix._moved.dtype))[0].T


@pytest.mark.parametrize("net, dtype, tolerance", CASES.values(), ids=CASES)
def test_it_trains_as_the_network_with_the_same_weights_drawn_at_once(net, dtype, tolerance, rng):
    x, y, others = rng.standard_normal((3, 2)), rng.standard_normal(3), rng.standard_normal((4, 2))
    drawn, start = (DrawnNetwork(net, 2, room=40, seed=1, dtype=dtype) for _ in range(2))
    for _ in range(STEPS):
        drawn.step(x, y, RATE)
    got = drawn(others), drawn.ntk(others)

    hidden = np.array([drawn_to_the_end(matrix) for matrix in drawn._matrices]).reshape(-1, 40, 40)
    params = Params(start._first, hidden.astype(dtype), start._readout[None], start._biases, start._readout_bias)
    with jax.enable_x64(dtype == "float64"):
        slope = jax.jit(jax.grad(lambda p: ((lr.apply(net, p, x)[:, 0] - y) ** 2).sum() / 6))
        for _ in range(STEPS):
            step = RATE * net.gamma**2
            params = jax.tree.map(lambda w, g, step=step: np.asarray(w - step * g), params, slope(params))
    np.testing.assert_allclose(got[0], lr.apply(net, params, others)[:, 0], rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(got[1], lr.empirical_ntk(net, params, others), rtol=tolerance)


def test_a_matrix_that_was_looked_at_where_it_led_is_gaussian():
    """Its entries have a Gaussian's moments, and the sum of their squares scatters as it should, by chi^2."""
    width, matrices = 12, 400
    entries = np.empty((matrices, width, width))
    for seed in range(matrices):
        rng = np.random.default_rng(seed)
        matrix = DrawnMatrix(width, width, rng, "float64")
        v = rng.standard_normal((2, width))
        for _ in range(2):  # what is asked next depends on the last answer
            v = np.tanh(matrix.transposed_times(np.maximum(matrix.times(v)[0], 0))[0])
        entries[seed] = drawn_to_the_end(matrix)
    for power, moment, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs((entries**power).mean() - moment) < 4 * np.sqrt(variance / entries.size)
    squares = (entries**2).sum(axis=(1, 2))
    assert np.isclose(squares.var(ddof=1) / (2 * width**2), 1, atol=4 * np.sqrt(2 / matrices))


@pytest.mark.parametrize("depth", [1, 3])
def test_a_step_that_is_too_large_says_so(depth, rng):
    drawn = DrawnNetwork(lr.Network(depth, 40, "relu", 2.0, 0.1), 2, room=40, seed=1)
    x, y = rng.standard_normal((3, 2)), rng.standard_normal(3)
    with pytest.raises(ValueError, match="must stay finite; got infinity or NaN"):
        for _ in range(30):
            drawn.step(x, y, 1e6)
