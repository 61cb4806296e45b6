"""The ensemble's mean and covariance against those of 512 trained networks of width 1,024, with error bars."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lazyrich as lr

NETWORKS, WIDTH, STEPS = 512, 1024, (0, 3, 20, 100)
WEIGHT_VAR, BIAS_VAR = 1.5, 0.1


def output(params, x):
    """A network with one hidden layer in the NTK parametrization, written out; (points,)."""
    first, bias, readout, last = params
    hidden = jax.lax.erf(x @ first * np.sqrt(WEIGHT_VAR / x.shape[1]) + bias[None, :] * np.sqrt(BIAS_VAR))
    return hidden @ readout * np.sqrt(WEIGHT_VAR / WIDTH) + last * np.sqrt(BIAS_VAR)


@jax.jit
def outputs_of_networks(x, y, x_test, eta):
    """The outputs of 512 networks on all points after 0, 1, ... steps of gradient descent, (networks, step, points)."""
    both = jnp.concatenate([x, x_test])

    def train(key):
        shapes = ((x.shape[1], WIDTH), (WIDTH,), (WIDTH,), ())
        params = [jax.random.normal(k, shape) for k, shape in zip(jax.random.split(key, 4), shapes, strict=True)]

        def step(params, _):
            slopes = jax.grad(lambda params: ((output(params, x) - y) ** 2).sum() / (2 * len(x)))(params)
            return [p - eta * slope for p, slope in zip(params, slopes, strict=True)], output(params, both)

        return jax.lax.scan(step, params, None, length=STEPS[-1] + 1)[1]

    return jax.vmap(train)(jax.random.split(jax.random.key(0), NETWORKS))


@pytest.fixture(scope="module")
def trained():
    """Outputs of the networks by set of points, (networks, time, points), the theory of their steps, and the times."""
    rng = np.random.default_rng(5)
    x, x_test, y = rng.normal(size=(5, 3)), rng.normal(size=(3, 3)), rng.normal(size=5)
    net = lr.Network(depth=1, activation="erf", weight_var=WEIGHT_VAR, bias_var=BIAS_VAR)
    theta, cross = lr.ntk(net, x), lr.ntk(net, x_test, x)
    nngp = lr.nngp(net, x), lr.nngp(net, x_test, x), lr.nngp(net, x_test)
    eta = 0.25 * lr.LinearDynamics(theta, y).max_learning_rate
    flow = lr.LinearDynamics(theta, y, cross, *nngp, learning_rate=eta)
    single = (np.float32(array) for array in (x, y, x_test, eta))
    outputs = np.asarray(outputs_of_networks(*single), float)[:, STEPS]
    return {"train": outputs[..., :5], "test": outputs[..., 5:]}, flow, eta * np.array(STEPS)


@pytest.mark.slow
@pytest.mark.parametrize("points", ["train", "test"])
def test_the_mean_is_that_of_the_networks_within_four_standard_errors(trained, points):
    outputs, flow, times = trained
    mean = getattr(flow, points)(times)[..., 0]
    # The error of a mean of 512, and what is seen at the end on training points: 2.4/N, which is finite width.
    error = np.sqrt(flow.variance(times, points) / NETWORKS) + 1 / WIDTH
    assert (np.abs(outputs[points].mean(axis=0) - mean) < 4 * error).all()


@pytest.mark.slow
@pytest.mark.parametrize("points", ["train", "test"])
def test_the_covariance_is_that_of_the_networks_within_four_standard_errors(trained, points):
    outputs, flow, times = trained
    for step, want in enumerate(flow.covariance(times, points)):
        got = np.cov(outputs[points][:, step].T)
        variances = want.diagonal()
        # The standard error of a Gaussian's sample covariance (Wishart 1928), and again finite width: 0.12/N is seen.
        error = np.sqrt((np.outer(variances, variances) + want**2) / (NETWORKS - 1)) + 0.1 / WIDTH
        assert (np.abs(got - want) < 4 * error).all()


@pytest.mark.slow
@pytest.mark.parametrize("points", ["train", "test"])
def test_the_loss_of_a_network_is_the_expected_one_within_four_standard_errors(trained, points):
    outputs, flow, times = trained
    y = {"train": flow.y, "test": np.zeros((3, 1))}
    losses = ((outputs[points] - y[points][:, 0]) ** 2).mean(axis=2) / 2
    want = getattr(lr.expected_losses(flow, times, y["test"]), points)
    error = losses.std(axis=0, ddof=1) / np.sqrt(NETWORKS) + 1 / WIDTH
    assert (np.abs(losses.mean(axis=0) - want) < 4 * error).all()
