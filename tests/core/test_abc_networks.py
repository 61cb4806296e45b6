"""Networks of any width exponents against their definition, and what has no limit."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lazyrich as lr
from tests.tolerances import assert_allclose

OWN = lr.ABC((0.1, 0.3, 0.3, 0.6), (0.2, 0.15, 0.15, -0.1), 0.4)
NTK = lr.abc("ntk", 3)


def by_definition(net, params, x, y, eta, steps):
    """The outputs after steps eta N^-c of w^l, with W^l = N^-a_l w^l and w^l ~ N(0, N^-2b_l)."""
    (a, b, c), n = dataclasses.astuple(net.parametrization), net.width
    raw = [params.first, *params.hidden, params.readout]
    w = [n**-power * jnp.asarray(u, jnp.float64) for power, u in zip(b, raw, strict=True)]
    root = np.sqrt(net.weight_var)

    def f(w):
        h = root / np.sqrt(x.shape[1]) * x @ (n ** -a[0] * w[0]).T
        for power, weights in zip(a[1:], w[1:], strict=True):
            h = root * jnp.tanh(h) @ (n**-power * weights).T
        return h / net.richness

    slope = jax.jit(jax.grad(lambda w: ((f(w) - y) ** 2).sum() / (2 * len(x))))
    for _ in range(steps):
        w = [u - eta * net.richness**2 * n**-c * g for u, g in zip(w, slope(w), strict=True)]
    return np.asarray(f(w))


def test_a_network_of_any_exponents_trains_as_they_say():
    data = lr.load_data("circle", n_train=5, n_test=2)
    net = lr.Network(3, 16, "tanh", 1.5, 0.0, OWN, 0.7)
    run = lr.train(net, data, time=[0.0, 2.0], learning_rate=0.4, seeds=1, seed=3)
    start = lr.init(net, 2, 1, seed=3)
    with jax.enable_x64():
        want = [by_definition(net, start, data.x_train, data.y_train, 0.4, steps) for steps in (0, 5)]
    assert np.abs(want[1] - want[0]).max() > 0.1 * np.abs(want[0]).max()
    assert_allclose(run.f_train.values[0], np.array(want), relative=1e-4)  # float32 through five steps


def test_its_tangent_kernel_is_the_rate_at_which_its_outputs_move(rng):
    net, x, y = lr.Network(3, 8, "tanh", 1.5, 0.0, OWN, 0.7), rng.normal(size=(4, 3)), rng.normal(size=(4, 1))
    params, eta = lr.init(net, 3, 1, dtype="float64"), 1e-6
    with jax.enable_x64():
        before, after = (by_definition(net, params, x, y, eta, steps) for steps in (0, 1))
    want = -lr.empirical_ntk(net, params, x) @ (before - y) / 4
    # The difference's own error: the step, and rounding over the step.
    assert_allclose((after - before) / eta, want, relative=1e-5)


def test_exponents_of_ntk_have_its_kernels(rng):
    x = rng.normal(size=(4, 3))
    shifted = lr.ABC(tuple(a + 0.5 for a in NTK.a), tuple(b - 0.5 for b in NTK.b), NTK.c - 1)
    for exponents in (NTK, shifted):
        nets = [lr.Network(3, 16, "erf", parametrization=p) for p in ("ntk", exponents)]
        for kernel in (lr.nngp, lr.ntk):
            assert (kernel(nets[0], x) == kernel(nets[1], x)).all()


@pytest.mark.parametrize("kernel", [lr.ntk, lr.nngp, lr.tiled_kernel], ids=["ntk", "nngp", "tiled"])
def test_activations_that_grow_or_vanish_with_the_width_have_no_kernel(kernel):
    net = lr.Network(3, parametrization=OWN)
    with pytest.raises(ValueError, match="need preactivations that keep their size as the width grows"):
        kernel(net, np.ones((2, 3)))


def test_rates_that_depend_on_the_width_have_an_nngp_kernel_and_no_tangent_kernel(rng):
    x, net = rng.normal(size=(4, 3)), lr.Network(3, parametrization=lr.abc("standard", 3))
    assert (lr.nngp(net, x) == lr.nngp(lr.Network(3), x)).all()
    for kernel in (lr.ntk, lr.nngp_and_ntk, lr.ntk_by_layer, lr.kernels_by_depth):
        with pytest.raises(ValueError, match="needs a learning rate of every layer that does not depend on the width"):
            kernel(net, x)
    data = lr.load_data("circle", n_train=3, n_test=2)
    with pytest.raises(ValueError, match="a learning_rate of your own"):
        lr.train(net, data, time=1.0)


@pytest.mark.parametrize(
    "exponents, text",
    [
        (lr.abc("mup", 2), r"each of the L \+ 1 = 4 layers; got 3"),
        (lr.ABC((0, 0.5, 0.4, 0.5), (0, 0, 0.1, 0), 0), "hidden layers must share their exponents"),
        (lr.ABC((0, 0.5, 0.5, 50), (0, 0, 0, 0), 0), "at most 10 in size; got 50"),
        (lr.ABC((0, 0.5, 0.5, np.nan), (0, 0, 0, 0), 0), "a must be a finite number"),
    ],
    ids=["depth", "hidden", "large", "nan"],
)
@pytest.mark.usefixtures("production")
def test_exponents_that_make_no_network_are_refused(exponents, text):
    with pytest.raises(ValueError, match=text):
        lr.Network(3, parametrization=exponents)
