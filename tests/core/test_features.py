"""The empirical NNGP kernel against its definition and its limit."""

import numpy as np
import pytest

import lazyrich as lr
from tests.core import textbook
from tests.tolerances import assert_allclose


def test_each_layers_kernel_is_that_of_its_features(rng):
    net, x1, x2 = lr.Network(3, 5, "tanh", 1.5, 0.2), rng.normal(size=(4, 3)), rng.normal(size=(2, 3))
    params = textbook.draw(net, 3, 2, rng)
    features = [[np.tanh(h) for h in textbook._preactivations(net, params, x)] for x in (x1, x2)]
    want = [1.5 * a @ b.T / 5 + 0.2 for a, b in zip(*features, strict=True)]
    assert_allclose(lr.empirical_nngp(net, params, x1, x2, layers=True), want)
    assert_allclose(lr.empirical_nngp(net, params, x1, x2), want[-1])
    assert_allclose(lr.empirical_nngp(net, params, x1), 1.5 * features[0][-1] @ features[0][-1].T / 5 + 0.2)


def test_the_last_layers_kernel_is_the_readouts_term_of_the_tangent_kernel(rng):
    net, x = lr.Network(2, 8, "gelu", 1.5, 0.1, "mup", layer_norm=True, residual=0.5), rng.normal(size=(4, 3))
    params = lr.init(net, 3, 2, dtype="float64")
    assert_allclose(lr.empirical_nngp(net, params, x), lr.empirical_ntk(net, params, x, layers=True)[-1])


def test_wide_networks_approach_the_kernels_of_every_depth(rng):
    x, seeds = rng.normal(size=(4, 3)), 20
    net = lr.Network(3, 512, "relu", 1.5, 0.2)
    want = lr.kernels_by_depth(net, x).nngp
    got = np.stack([lr.empirical_nngp(net, lr.init(net, 3, 1, seed=s), x, layers=True) for s in range(seeds)])
    # The means are off by 1/N and by their standard error.
    error = got.std(axis=0, ddof=1) / np.sqrt(seeds)
    assert (np.abs(got.mean(axis=0) - want) < 4 * error + want / 512).all()
    assert error.max() < 0.03 * want.max()


@pytest.mark.usefixtures("production")
def test_an_option_that_is_neither_true_nor_false_is_refused():
    net = lr.Network(1, 4)
    with pytest.raises(ValueError, match="layers must be True or False"):
        lr.empirical_nngp(net, lr.init(net, 2, 1), np.ones((2, 2)), layers=None)  # pyright: ignore
