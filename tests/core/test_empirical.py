"""The empirical neural tangent kernel against plain Jacobians, and against infinite width."""

import jax
import numpy as np
import pytest

import lazyrich as lr
from lazyrich.activations import FAMILIES
from lazyrich.kernels.empirical import ntk_of_points
from lazyrich.mlp import Nonlinearity, Scales
from lazyrich.parametrizations import PARAMETRIZATIONS
from tests.core import textbook
from tests.tolerances import assert_allclose


def terms_of_jacobians(net, params, x1, x2):
    """gamma^2 times the products of Jacobians in each layer's raw weights and biases, (L + 1, n1, n2, C, C)."""
    of_layers = textbook.jacobians(net, params, np.concatenate([x1, x2]))

    def product(leaf):
        rows = leaf.reshape(*leaf.shape[:2], -1)
        return np.einsum("icp,jdp->ijcd", rows[: len(x1)], rows[len(x1) :])

    # In the standard parametrization it is W = scale w that is trained: each raw weight's rate is 1/scale^2.
    fans = [3] + [net.width] * net.depth
    rates = [(fan / net.weight_var, 1 / net.bias_var) if net.parametrization == "standard" else (1, 1) for fan in fans]
    return net.gamma**2 * np.array(
        [a * product(weights) + b * product(bias) for (weights, bias), (a, b) in zip(of_layers, rates, strict=True)]
    )


KINDS = {
    "one_hidden_layer": ("relu", 1, 1, "ntk", {}),
    "deep_with_three_outputs": ("relu", 4, 3, "ntk", {}),
    "skip_connections": ("gelu", 3, 2, "ntk", {"residual": 0.7}),
    "layer_norm": ("gelu", 3, 2, "ntk", {"layer_norm": True}),
    "both": ("gelu", 3, 2, "standard", {"residual": 1.0, "layer_norm": True}),
    **{name: ("relu", 2, 2, name, {}) for name in PARAMETRIZATIONS},
}
CASES = {activation: (activation, 2, 2, "ntk", {}) for activation in sorted(FAMILIES)} | KINDS


def network_and_kernel(rng, activation, depth, out_dim, parametrization, more):
    """A network, its weights, two sets of points, and the kernel of the first with both."""
    net = lr.Network(depth, 8, activation, 1.5, 0.2, parametrization, richness=0.7, **more)
    params = textbook.draw(net, 3, out_dim, rng)
    x1, x2 = rng.normal(size=(4, 3)), rng.normal(size=(5, 3))
    of_all = terms_of_jacobians(net, params, x1, np.concatenate([x1, x2])).sum(axis=0)
    return net, params, x1, x2, np.einsum("ijcc->ij", of_all) / out_dim


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_it_is_the_product_of_jacobians(case, rng):
    net, params, x1, x2, want = network_and_kernel(rng, *case)
    assert_allclose(lr.empirical_ntk(net, params, x1, np.concatenate([x1, x2])), want)


# A second program of each kind of network; no activation looks at how many sets there are.
@pytest.mark.parametrize("case", KINDS.values(), ids=KINDS)
def test_so_it_is_of_one_set_of_points_alone(case, rng):
    net, params, x1, _, want = network_and_kernel(rng, *case)
    assert_allclose(lr.empirical_ntk(net, params, x1), want[:, :4])


@pytest.mark.parametrize("depth, out_dim", [(1, 2), (3, 1), (3, 3)], ids=["shallow", "one_output", "three_outputs"])
def test_blocks_are_pairs_of_outputs_and_layers_are_terms_of_the_sum(depth, out_dim, rng):
    net = lr.Network(depth, 8, "tanh", 1.5, 0.2, "mup", richness=0.7)
    params = textbook.draw(net, 3, out_dim, rng)
    x1, x2 = rng.normal(size=(4, 3)), rng.normal(size=(5, 3))
    want = terms_of_jacobians(net, params, x1, x2)
    assert_allclose(lr.empirical_ntk(net, params, x1, x2, blocks=True, layers=True), want)
    assert_allclose(lr.empirical_ntk(net, params, x1, x2, blocks=True), want.sum(axis=0))
    traces = np.einsum("lijcc->lij", want) / out_dim
    assert_allclose(lr.empirical_ntk(net, params, x1, x2, layers=True), traces)


@pytest.mark.parametrize("n", [256, 603])  # from 256 rows on a symmetric product is split, from 512 its parts too
def test_equal_points_given_once_or_twice_have_one_kernel(n, rng):
    net = lr.Network(2, 4, "relu", 1.5, 0.2)
    params, x = textbook.draw(net, 3, 2, rng), rng.normal(size=(n, 3))
    once, twice = (lr.empirical_ntk(net, params, x, second, blocks=True, layers=True) for second in (None, x.copy()))
    assert_allclose(once, twice)


def test_one_program_serves_all_depths_and_scalars(rng):
    x, layers = rng.normal(size=(4, 3)).astype(np.float32), 4
    deepest = textbook.draw(lr.Network(layers, 8), 3, 2, rng, "float32")
    compiled = jax.jit(lambda *args: ntk_of_points(*args, layers=True))
    for depth in range(1, layers + 1):
        net = lr.Network(depth, 8, "relu", 1 + depth / 4, 0.1 * depth, "mup", richness=depth)
        params = deepest._replace(hidden=deepest.hidden[: depth - 1], biases=deepest.biases[:depth])
        got = compiled(Nonlinearity.of(net), Scales.of(net, 3), deepest, x)
        assert_allclose(got[: depth + 1], lr.empirical_ntk(net, params, x, layers=True))
        assert not np.any(got[depth + 1 :])
    assert compiled._cache_size() == 1


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


def test_the_kernel_has_a_derivative_where_the_readout_is_0():
    net = lr.Network(2, 6, "tanh")
    params = lr.init(net, in_dim=3, out_dim=2)
    params = params._replace(readout=np.zeros_like(params.readout))
    gradient = jax.jit(jax.grad(lambda p: lr.empirical_ntk(net, p, np.eye(3)).sum()))(params)
    assert all(np.isfinite(leaf).all() for leaf in gradient)
