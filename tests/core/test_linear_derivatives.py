"""Linear dynamics under jax.grad, jax.vmap and jax.jit, against differences and against one call after the other."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lazyrich as lr
from tests.tolerances import assert_allclose

N, N_TEST, C = 5, 2, 2


def kernels_of(x, x_test):
    net = lr.Network(depth=2, activation="erf", weight_var=1.5, bias_var=0.1)
    return {
        "ntk": lr.ntk(net, x), "cross_ntk": lr.ntk(net, x_test, x), "nngp": lr.nngp(net, x),
        "cross_nngp": lr.nngp(net, x_test, x), "test_nngp": lr.nngp(net, x_test),
    }  # fmt: skip


@pytest.fixture
def problem(rng):
    kernels = kernels_of(rng.normal(size=(N, 4)), rng.normal(size=(N_TEST, 4)))
    return {**kernels, "y": rng.normal(size=(N, C)), "f0": 0.3, "ridge": 0.05}, rng.normal(size=(N_TEST, C))


def losses(flow, t, y_test):
    return flow.test_loss(t, y_test) + 2 * flow.train_loss(t)


def outputs(flow, t, _):
    return (flow.train(t)[:, 0] * flow.test(t)[:, 1]).sum(axis=1) + flow.decay(t)[:, -1]


def variances(flow, t, _):
    full = flow.covariance(t)[:, 0, 1] * flow.covariance(t, "train")[:, 2, 3]
    each = flow.variance(t).sum(axis=1) + 3 * flow.variance(t, "train").sum(axis=1)
    return full + each + flow.mean_variance(t) + 2 * flow.mean_variance(t, "train")


def differences(function, value, step=1e-5):
    """Central differences of `function` at `value`, one entry after the other: (*results, *shape of `value`)."""
    value = np.asarray(value, float)
    slopes = []
    for i in np.ndindex(value.shape):
        move = np.zeros_like(value)
        move[i] = step
        up, down = (np.asarray(function(v if v.ndim else float(v))) for v in (value + move, value - move))
        slopes.append((up - down) / (2 * step))
    return np.moveaxis(np.array(slopes), 0, -1).reshape((*slopes[0].shape, *value.shape))


@functools.cache
def jacobian(function):
    """The derivatives of all results in one program, as compiling is what takes the time."""
    return jax.jit(jax.jacrev(lambda arguments, given: function(**arguments, **given)))


def check(function, arguments, given=()):
    """Compare the derivatives of each result of `function`, a vector, in all `arguments` with differences."""
    with jax.enable_x64(True):
        got = jax.tree.map(np.asarray, jacobian(function)(arguments, dict(given)))
    for name, value in arguments.items():

        def at(value, name=name):
            # Only symmetric matrices are kernels.
            value = (value + value.T) / 2 if name == "ntk" else value
            return function(**{**arguments, name: value}, **dict(given))

        for one, want in zip(got[name], differences(at, value), strict=True):
            assert_allclose(one, want, relative=1e-6)  # of differences


OPTIMIZERS = {
    "flow": {},
    "descent": {"learning_rate": 0.3},
    "heavy_ball": {"learning_rate": 0.3, "momentum": 0.6},
    "momentum_flow": {"learning_rate": 0.3, "momentum": 0.6, "continuous": True},
}


@pytest.mark.parametrize(
    "optimizer, results",
    [("flow", (losses, outputs, variances)), ("descent", (losses,)), ("heavy_ball", (losses,)),
     ("momentum_flow", (losses,))],
    ids=OPTIMIZERS,
)  # fmt: skip
def test_gradients_in_every_argument_are_those_of_differences(problem, results, optimizer):
    arguments, y_test = problem
    options = OPTIMIZERS[optimizer]
    continuous = options.get("continuous", False)
    numbers = {name: value for name, value in options.items() if name != "continuous"}

    def totals(**arguments):
        flow = lr.LinearDynamics(**arguments, **static, continuous=continuous)
        each = [result(flow, [2.0, np.inf], y_test).sum() for result in results]
        return jnp.stack(each) if isinstance(each[0], jax.Array) else np.stack(each)

    unused = () if variances in results else ("nngp", "cross_nngp", "test_nngp")
    static = {name: arguments.pop(name) for name in unused}
    check(totals, {**arguments, **numbers})


@pytest.mark.parametrize("name", ["flow", "momentum_flow"])
def test_gradients_in_time_are_those_of_differences(problem, name):
    arguments, y_test = problem
    flow = lr.LinearDynamics(**arguments, **OPTIMIZERS[name])
    check(lambda t: losses(flow, t, y_test).sum()[None], {"t": np.array([0.0005, 0.5, 20.0])})


def loss_of_points(x, x_test, y, y_test):
    def kernel(x1, x2):
        return jnp.exp(-((x1[:, None] - x2[None]) ** 2).sum(axis=2) / 2)

    with jax.enable_x64(True):
        theta, cross = kernel(x, x), kernel(x_test, x)
    flow = lr.LinearDynamics(theta, y, cross, nngp=theta)
    return (flow.test_loss(9.0, y_test) + flow.train_loss(9.0) + flow.variance(9.0, "train").sum())[None]


@pytest.mark.parametrize("points", ["circle", "duplicates"])
def test_gradients_in_points_exist_where_eigenvalues_are_equal_or_zero(rng, points):
    # Points around a circle have pairs of equal eigenvalues, whose eigenvectors have no derivatives.
    angles = 2 * np.pi * np.arange(N) / N
    x = np.stack([np.cos(angles), np.sin(angles)], axis=1) if points == "circle" else rng.normal(size=(N, 2))
    if points == "duplicates":
        x[1] = x[0]
    x_test, y, y_test = rng.normal(size=(N_TEST, 2)), rng.normal(size=(N, C)), rng.normal(size=(N_TEST, C))
    check(loss_of_points, {"x": x}, {"x_test": x_test, "y": y, "y_test": y_test})


def test_second_derivatives_in_a_kernel_are_those_of_differences():
    def loss(scale):
        return lr.LinearDynamics(np.diag([1.0, 0.5, 0.2]) * scale, np.ones(3)).train_loss(2.0)

    with jax.enable_x64(True):
        second = float(jax.jit(jax.grad(jax.grad(loss)))(1.0))
    assert_allclose(second, differences(lambda s: differences(loss, s, 1e-3).item(), 1.0, 1e-3).item(), relative=1e-5)


@pytest.mark.parametrize("options", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_vmapped_calls_are_one_call_after_the_other(problem, rng, options):
    arguments, y_test = problem
    targets, times, ridges = (
        rng.normal(size=(4, N, C)),
        np.array([0.0, 0.7, 9.0, np.inf]),
        np.array([0.0, 0.1, 0.2, 0.3]),
    )

    def loss(y, t, ridge):
        return lr.LinearDynamics(**{**arguments, "y": y, "ridge": ridge}, **options).test_loss(t, y_test)

    with jax.enable_x64(True):
        got = np.asarray(jax.jit(jax.vmap(loss))(targets, times, ridges))
    assert_allclose(got, np.array([loss(*call) for call in zip(targets, times, ridges.tolist(), strict=True)]))


def test_an_eigensystem_is_shared_by_targets_under_vmap(problem, rng):
    arguments, y_test = problem
    system, cross, times = lr.eigensystem(arguments["ntk"]), arguments["cross_ntk"], np.array([0.5, np.inf])
    targets = rng.normal(size=(6, N, C))
    with jax.enable_x64(True):
        got = np.asarray(jax.vmap(lambda y: lr.LinearDynamics(system, y, cross).test_loss(times, y_test))(targets))
    assert_allclose(got, np.array([lr.LinearDynamics(system, y, cross).test_loss(times, y_test) for y in targets]))


def test_a_jitted_call_without_64_bit_types_is_right_to_single_precision(problem):
    arguments, _ = problem
    kernel, y = np.float32(arguments["ntk"]), np.float32(arguments["y"])
    got = jax.jit(lambda kernel, y: lr.LinearDynamics(kernel, y).train(jnp.array([1.0, 5.0])))(kernel, y)
    assert_allclose(got, lr.LinearDynamics(arguments["ntk"], arguments["y"]).train([1.0, 5.0]), 1e-5)  # the inputs'


def test_an_unstable_step_is_infinite_under_jit_too():
    with jax.enable_x64(True):
        loss = jax.jit(lambda eta: lr.LinearDynamics(np.eye(2), np.ones(2), learning_rate=eta).train_loss(1e5))
        assert loss(5.0) == np.inf and loss(1.0) < 1e-20
