"""The empirical neural tangent kernel against a plain Jacobian, and against infinite width."""

import jax
import numpy as np
import pytest

import lazyrich as lr
from lazyrich.activations import FAMILIES
from tests.core import textbook
from tests.tolerances import assert_allclose


def kernel_of_jacobians(net, params, x1, x2):
    """gamma^2 times the product of Jacobians in the raw weights, averaged over outputs."""
    with jax.enable_x64(True):
        both = np.concatenate([x1, x2])
        leaves = jax.tree.leaves(jax.jit(jax.jacrev(lambda p: lr.apply(net, p, both)))(params))
    j = np.concatenate([np.reshape(leaf, (*leaf.shape[:2], -1)) for leaf in leaves], axis=2)
    return net.gamma**2 * np.einsum("acp,bcp->ab", j[: len(x1)], j[len(x1) :]) / j.shape[1]


CASES = {activation: (activation, 2, 2, "ntk") for activation in sorted(FAMILIES)}
CASES |= {
    "one_hidden_layer": ("relu", 1, 1, "ntk"),
    "deep_with_three_outputs": ("relu", 4, 3, "ntk"),
    "mup": ("relu", 2, 2, "mup"),
}


@pytest.mark.parametrize("activation, depth, out_dim, parametrization", CASES.values(), ids=CASES)
def test_it_is_the_product_of_jacobians(activation, depth, out_dim, parametrization, rng):
    net = lr.Network(depth, 8, activation, 1.5, 0.2, parametrization, richness=0.7)
    params = textbook.draw(net, 3, out_dim, rng)
    x1, x2 = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    for second in (x2, None):
        want = kernel_of_jacobians(net, params, x1, x1 if second is None else second)
        assert_allclose(lr.empirical_ntk(net, params, x1, second), want)


def test_it_has_the_precision_of_the_weights(rng):
    net, x = lr.Network(depth=2, width=8), rng.normal(size=(4, 3))
    single, double = (
        lr.empirical_ntk(net, textbook.draw(net, 3, 2, rng, dtype), x) for dtype in ("float32", "float64")
    )
    assert single.dtype == np.float32 and double.dtype == np.float64


def test_its_error_falls_as_the_root_of_the_width(rng):
    x, widths, seeds = rng.normal(size=(7, 4)), np.array([16, 64, 256]), 64
    theta = lr.ntk(lr.Network(2, 1, "relu", 1.5, 0.1), x)

    def log_errors(width):
        net = lr.Network(2, int(width), "relu", 1.5, 0.1)
        kernels = [lr.empirical_ntk(net, textbook.draw(net, 4, 1, rng, "float32"), x) for _ in range(seeds)]
        return [np.log(np.linalg.norm(kernel - theta)) for kernel in kernels]

    errors = np.array([log_errors(width) for width in widths])
    log_width = np.log(widths) - np.log(widths).mean()
    # One slope for each seed: their mean, and its standard error.
    slopes = log_width @ errors / (log_width @ log_width)
    error = slopes.std(ddof=1) / np.sqrt(seeds)
    assert error < 0.05
    assert abs(slopes.mean() + 1 / 2) < 3 * error
