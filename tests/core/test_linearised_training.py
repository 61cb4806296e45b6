"""The trained linearised network in closed form, against gradient descent on it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

import lazyrich as lr
from tests.core import textbook
from tests.core.hessians import learning_rates
from tests.tolerances import assert_allclose

NETS = {
    "ntk": lr.Network(2, 6, "tanh", 1.5, 0.1),
    "mup": lr.Network(2, 6, "tanh", 1.5, 0.1, "mup", 0.7),
    "standard": lr.Network(2, 6, "tanh", 1.5, 0.1, "standard"),
}


@pytest.mark.parametrize("centred", [False, True], ids=["f", "centred"])
@pytest.mark.parametrize("name", NETS)
def test_it_is_gradient_descent_on_the_linearised_network(name, centred, rng):
    net, (x, x_test), eta, steps = NETS[name], rng.normal(size=(2, 4, 3)), 0.02, 25
    y, y_test = rng.normal(size=(2, 4, 2))
    params = lr.init(net, 3, 2, seed=3, dtype="float64")
    both = np.concatenate([x, x_test])
    with jax.enable_x64():
        flat, unravel = ravel_pytree(params)
        jacobian = jax.jit(jax.jacobian(lambda v: lr.apply(net, unravel(v), both)))(flat)
    jacobian, f0 = np.asarray(jacobian), 0.0 if centred else lr.apply(net, params, both)
    change, rate = np.zeros(len(flat)), learning_rates(net, params)
    for _ in range(steps):
        residual = (f0 + jacobian @ change)[:4] - y
        change -= eta * rate * np.tensordot(residual, jacobian[:4], axes=2) / 4
    want = f0 + jacobian @ change
    got = lr.LinearisedTraining(net, params, x, y, x_test, learning_rate=eta, centred=centred)
    t = eta * steps
    assert_allclose(got.train(t), want[:4])
    assert_allclose(got.test([0.0, t])[1], want[4:])
    assert_allclose(got.train_loss(t), ((want[:4] - y) ** 2).sum() / 8)
    assert_allclose(got.test_loss(t, y_test), ((want[4:] - y_test) ** 2).sum() / 8)


def test_at_infinity_it_is_kernel_regression_with_the_kernel_at_initialisation(rng):
    net, (x, x_test), y = NETS["mup"], rng.normal(size=(2, 4, 3)), rng.normal(size=4)
    params = lr.init(net, 3, 1, dtype="float64")
    kernel, cross = lr.empirical_ntk(net, params, x), lr.empirical_ntk(net, params, x_test, x)
    got = lr.LinearisedTraining(net, params, x, y, x_test, centred=True)
    # The condition number of the kernel times rounding.
    relative = 1e-15 * np.linalg.cond(kernel) + 1e-12
    assert_allclose(got.test(np.inf), cross @ np.linalg.solve(kernel, y[:, None]), relative=relative)
    assert got.train_loss(np.inf) < 1e-20


def test_a_lazy_network_trains_like_its_linearisation_and_a_rich_one_does_not(rng):
    x, y, eta, steps = rng.normal(size=(4, 3)), rng.normal(size=(4, 2)), 0.05, 100

    def gap(richness):
        net = lr.Network(2, 6, "tanh", 1.5, 0.1, "ntk", richness)
        params = start = lr.init(net, 3, 2, seed=3, dtype="float64")
        f0 = textbook.forward(net, start, x)
        for _ in range(steps):
            params = textbook.gradient_step(net, params, x, textbook.forward(net, params, x) - f0 - y, eta)
        linear = lr.LinearisedTraining(net, start, x, y, learning_rate=eta, centred=True)
        return np.abs(textbook.forward(net, params, x) - f0 - linear.train(eta * steps)).max()

    # The gap is of first order in the richness.
    assert_allclose(gap(1e-4) / gap(1e-5), 10.0, relative=1e-2)
    assert gap(1e-4) < 1e-4 < 0.02 < gap(1.0)


def test_it_can_be_compiled_and_differentiated(rng):
    net, x, y, step = NETS["mup"], rng.normal(size=(4, 3)), rng.normal(size=(4, 2)), 1e-6
    params = lr.init(net, 3, 2, dtype="float64")

    def loss(scale):
        moved = params._replace(readout=scale * params.readout)
        flow = lr.LinearisedTraining(net, moved, x, y, x, learning_rate=0.1)
        return flow.test_loss(3.0, y)

    with jax.enable_x64():
        value, derivative = jax.jit(jax.value_and_grad(loss))(jnp.asarray(1.0))
    assert_allclose(np.asarray(value), loss(1.0))
    # The difference's own error: rounding over the step.
    assert_allclose(np.asarray(derivative), (loss(1 + step) - loss(1 - step)) / (2 * step), relative=1e-8)


@pytest.mark.parametrize(
    "arguments, text",
    [
        ({"y": np.ones((4, 3))}, "as many outputs as the network, 2; got 3"),
        ({"y": np.ones((3, 2))}, "one row for each of the 4 points; got 3"),
        ({"centred": 1}, "centred must be True or False"),
        ({"learning_rate": 0.0}, "learning_rate must be a finite number above 0"),
    ],
    ids=["outputs", "points", "centred", "rate"],
)
@pytest.mark.usefixtures("production")
def test_what_does_not_fit_is_refused(arguments, text):
    net = NETS["ntk"]
    good = {"net": net, "params": lr.init(net, 3, 2), "x": np.ones((4, 3)), "y": np.ones((4, 2))}
    with pytest.raises(ValueError, match=text):
        lr.LinearisedTraining(**{**good, **arguments})
