"""Infinite-width kernels of every kind of network: skip connections, layer normalisation, other parametrizations."""

import dataclasses

import numpy as np
import pytest

import lazyrich as lr
from tests.core import textbook
from tests.core.points import special_points
from tests.tolerances import assert_allclose

VARIANTS = {
    "skip": {"residual": 0.7},
    "full_skip": {"residual": 1.0, "bias_var": 0.2},
    "layer_norm": {"layer_norm": True, "bias_var": 0.2},
    "both": {"residual": 0.7, "layer_norm": True},
    "standard": {"parametrization": "standard", "bias_var": 0.2, "width": 5},
    "standard_without_bias": {"parametrization": "standard", "width": 5, "residual": 0.5},
}


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize("activation", ["relu", "erf"])
def test_every_depth_and_layer_of_every_kind_of_network_agrees_with_a_scalar_recursion(activation, variant, rng):
    net = lr.Network(3, activation=activation, weight_var=1.7, **{"width": 4, **variant})
    x1, x2 = special_points(rng)[:6], rng.normal(size=(2, 3))
    for first, second in ((x1, None), (x1, x2)):
        points = first, first if second is None else second
        nngp, terms = textbook.kernel_and_terms(net, *points)
        got = lr.nngp_and_ntk(net, first, second)
        assert_allclose(got.nngp, nngp, 1e-11)
        assert_allclose(got.ntk, terms.sum(axis=0), 1e-11)
        assert_allclose(lr.ntk_by_layer(net, first, second), terms, 1e-11)
        by_depth = lr.kernels_by_depth(net, first, second)
        for depth in (1, 2, 3):
            want = textbook.kernels(dataclasses.replace(net, depth=depth), *points)
            for kernels, one in zip(by_depth, want, strict=True):
                assert_allclose(kernels[depth - 1], one, 1e-11)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_a_wide_network_of_every_kind_has_the_kernels_within_its_error(activation, rng):
    x, seeds = rng.normal(size=(4, 3)), 32
    for variant in VARIANTS.values():
        net = lr.Network(2, activation=activation, weight_var=1.5, **{**variant, "width": 512})
        kernels = [lr.empirical_ntk(net, textbook.draw(net, 3, 1, rng, "float32"), x) for _ in range(seeds)]
        error = np.std(kernels, axis=0, ddof=1) / np.sqrt(seeds)
        theta = lr.ntk(net, x)
        # Five standard errors, and the bias of order 1/N that a mean over seeds keeps.
        assert (np.abs(np.mean(kernels, axis=0) - theta) < 5 * error + 5 / net.width * np.abs(theta).max()).all()
