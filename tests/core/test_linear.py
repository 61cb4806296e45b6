"""Linear dynamics against explicit steps, an ODE solver, textbook inverses and limits."""

from fractions import Fraction

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import lazyrich as lr
from tests.tolerances import assert_allclose

N, N_TEST, C = 7, 3, 2


@pytest.fixture
def problem(rng):
    """Kernels of a true network, targets of two outputs, and outputs before training."""
    x, x_test = rng.normal(size=(N, 4)), rng.normal(size=(N_TEST, 4))
    net = lr.Network(depth=2, activation="erf", weight_var=1.5, bias_var=0.1)
    kernels = {
        "ntk": lr.ntk(net, x), "cross_ntk": lr.ntk(net, x_test, x), "nngp": lr.nngp(net, x),
        "cross_nngp": lr.nngp(net, x_test, x), "test_nngp": lr.nngp(net, x_test),
    }  # fmt: skip
    y, f0 = rng.normal(size=(N, C)), (rng.normal(size=(N, C)), rng.normal(size=(N_TEST, C)))
    return kernels, y, f0


def steps_by_hand(kernels, y, f0, eta, count, momentum=0.0, ridge=0.0):
    """Heavy-ball steps of f on training and test points: what a very wide network does."""
    both = np.concatenate([kernels["ntk"], kernels["cross_ntk"]])
    start = np.concatenate(f0)
    f, before = start, start
    for _ in range(count):
        gradient = both @ (f[:N] - y) / N + ridge * (f - start)
        f, before = f - eta * gradient + momentum * (f - before), f
    return f[:N], f[N:]


@pytest.mark.parametrize("ridge", [0.0, 0.05], ids=["no_ridge", "ridge"])
@pytest.mark.parametrize("momentum", [0.0, 0.6], ids=["plain", "heavy_ball"])
@pytest.mark.parametrize("eta", [0.3, 1.7], ids=["small_steps", "oscillating_steps"])
def test_gradient_descent_is_the_same_as_taking_every_step(problem, eta, momentum, ridge):
    kernels, y, f0 = problem
    flow = lr.LinearDynamics(
        kernels["ntk"], y, kernels["cross_ntk"], f0=f0, learning_rate=eta, momentum=momentum, ridge=ridge
    )
    assert eta < flow.max_learning_rate
    counts = [0, 1, 2, 7, 40]
    train, test = flow.train(eta * np.array(counts)), flow.test(eta * np.array(counts))
    for i, count in enumerate(counts):
        want = steps_by_hand(kernels, y, f0, eta, count, momentum, ridge)
        for got, expected in zip((train[i], test[i]), want, strict=True):
            assert_allclose(got, expected, relative=1e-11)  # 40 steps' rounding


@pytest.mark.parametrize("ridge", [0.0, 0.05], ids=["no_ridge", "ridge"])
def test_gradient_flow_is_the_solution_of_its_differential_equation(problem, ridge):
    kernels, y, f0 = problem
    both = np.concatenate([kernels["ntk"], kernels["cross_ntk"]])
    start = np.concatenate(f0)

    def velocity(_, f):
        f = f.reshape(start.shape)
        return (-both @ (f[:N] - y) / N - ridge * (f - start)).ravel()

    times = np.array([0.0, 0.5, 3.0, 30.0])
    solution = solve_ivp(
        velocity, (0, 30), start.ravel(), t_eval=times, rtol=1e-11, atol=1e-12, method="DOP853"
    ).y.T.reshape(len(times), *start.shape)
    flow = lr.LinearDynamics(kernels["ntk"], y, kernels["cross_ntk"], f0=f0, ridge=ridge)
    got = np.concatenate([flow.train(times), flow.test(times)], axis=1)
    assert_allclose(got, solution, relative=1e-9)  # the solver's own accuracy


def test_nothing_has_moved_at_time_zero_and_the_first_motion_is_the_kernel_gradient(problem):
    kernels, y, f0 = problem
    flow = lr.LinearDynamics(kernels["ntk"], y, kernels["cross_ntk"], f0=f0)
    assert_allclose(flow.train(0.0), f0[0])
    assert_allclose(flow.test(0.0), f0[1])
    t = 1e-7
    want = kernels["cross_ntk"] @ (y - f0[0]) / N
    assert_allclose((flow.test(t) - f0[1]) / t, want, relative=1e-6)  # the next order in t


def test_the_end_of_training_is_kernel_regression(problem):
    kernels, y, f0 = problem
    flow = lr.LinearDynamics(kernels["ntk"], y, kernels["cross_ntk"], f0=f0)
    want = f0[1] + kernels["cross_ntk"] @ np.linalg.solve(kernels["ntk"], y - f0[0])
    assert_allclose(flow.train(np.inf), y)
    # The condition number of the kernel, about 100, times rounding.
    assert_allclose(flow.test(np.inf), want)
    assert_allclose(flow.test(1e6), flow.test(np.inf))


def test_the_end_of_training_with_ridge_is_ridge_regression_on_both_sets(problem):
    kernels, y, _ = problem
    flow = lr.LinearDynamics(kernels["ntk"], y, kernels["cross_ntk"], ridge=0.05)
    weights = np.linalg.solve(kernels["ntk"] + N * 0.05 * np.eye(N), y)
    assert_allclose(flow.train(np.inf), kernels["ntk"] @ weights)
    assert_allclose(flow.test(np.inf), kernels["cross_ntk"] @ weights)


def test_one_mode_decays_exponentially():
    flow = lr.LinearDynamics([[3.0]], [2.0], f0=0.5)
    t = np.array([0.0, 0.1, 1.0, 5.0])
    assert_allclose(flow.train(t)[:, 0, 0], 2 - 1.5 * np.exp(-3 * t))
    assert_allclose(flow.decay(t)[:, 0], np.exp(-3 * t))
    assert_allclose(flow.train_loss(t), 1.5**2 * np.exp(-6 * t) / 2)


def test_losses_are_means_over_points_and_sums_over_outputs(problem, rng):
    kernels, y, f0 = problem
    flow = lr.LinearDynamics(kernels["ntk"], y, kernels["cross_ntk"], f0=f0)
    y_test, t = rng.normal(size=(N_TEST, C)), np.array([0.0, 2.0, np.inf])
    train, test = flow.train(t) - y, flow.test(t) - y_test
    assert_allclose(flow.train_loss(t), (train**2).sum(axis=(1, 2)) / (2 * N))
    assert_allclose(flow.test_loss(t, y_test), (test**2).sum(axis=(1, 2)) / (2 * N_TEST))
    assert type(flow.train_loss(2.0)) is float and type(flow.test_loss(2.0, y_test)) is float


def test_one_time_is_a_row_of_many_and_an_eigensystem_stands_for_its_kernel(problem):
    kernels, y, _ = problem
    flow = lr.LinearDynamics(lr.eigensystem(kernels["ntk"]), y, **_others(kernels))
    same = lr.LinearDynamics(**kernels, y=y)
    for name in ("train", "test", "covariance", "decay"):
        rows = getattr(flow, name)([0.5, np.inf])
        for row, t in zip(rows, (0.5, np.inf), strict=True):
            assert_allclose(getattr(same, name)(t), row)


def _others(kernels):
    return {name: kernel for name, kernel in kernels.items() if name != "ntk"}


@pytest.mark.parametrize("momentum, factor", [(0.0, 1.0), (0.5, 1.5)], ids=["plain", "heavy_ball"])
def test_steps_below_the_largest_learning_rate_converge_and_above_it_diverge(problem, momentum, factor):
    kernels, y, _ = problem
    flow = lr.LinearDynamics(kernels["ntk"], y)
    largest = 2 * N * factor / np.linalg.eigvalsh(kernels["ntk"])[-1]

    def loss(eta):
        flow = lr.LinearDynamics(kernels["ntk"], y, learning_rate=eta, momentum=momentum)
        assert_allclose(flow.max_learning_rate, largest)
        return flow.train_loss(4000 * eta) / flow.train_loss(0.0)

    assert flow.max_learning_rate == 2 * N / flow.eigensystem.values[0]
    assert loss(0.99 * largest) < 1e-3 and loss(1.01 * largest) > 1e3
    below, above = (
        lr.LinearDynamics(kernels["ntk"], y, learning_rate=s * largest, momentum=momentum) for s in (0.99, 1.01)
    )
    assert_allclose(below.train(np.inf), y)
    for t in (1e6, np.inf):
        with pytest.warns(RuntimeWarning, match=r"diverges: the learning rate must be below \d"):
            assert above.train_loss(t) == np.inf


@pytest.mark.parametrize("momentum", [0.0, 0.5], ids=["plain", "heavy_ball"])
def test_a_mode_too_slow_for_floating_point_steps_is_learned_at_its_rate(momentum):
    # 1 - a in float64 has three digits of a = 5e-13 left; the exact answer is that of fractions.
    flow = lr.LinearDynamics(np.diag([1.0, 1e-11]), [1.0, 1.0], learning_rate=0.1, momentum=momentum)
    a, beta = Fraction(0.1) * Fraction(1e-11) / 2, Fraction(momentum)
    left, before = Fraction(1), Fraction(1)
    for _ in range(60):
        left, before = (1 + beta - a) * left - beta * before, left
    assert_allclose(flow.train(60 * 0.1)[1, 0], float(1 - left))


def test_each_modes_share_of_the_loss_adds_up_and_is_exact_however_small(problem):
    kernels, y, f0 = problem
    for options in ({}, {"ridge": 0.05}, {"learning_rate": 0.3, "momentum": 0.6}):
        flow = lr.LinearDynamics(kernels["ntk"], y, f0=f0[0], **options)
        times = np.array([0.0, 2.0, 30.0])
        shares = flow.train_loss_by_mode(times)
        assert_allclose(shares.sum(axis=1), flow.train_loss(times))
        residual = flow.eigensystem.vectors.T @ (flow.train(times) - y)
        assert_allclose(shares, (residual**2).sum(axis=2) / (2 * N))
    late = lr.LinearDynamics(np.diag([2.0, 1.0]), [1.0, 1.0]).train_loss_by_mode(300.0)
    assert_allclose(late / np.exp([-600.0, -300.0]), np.full(2, 0.25))


def test_the_losses_at_many_times_are_those_at_each(problem, rng):
    # Many are a quadratic form, few are not; one that cancels must not be taken.
    kernels, y, _ = problem
    times = np.append(np.geomspace(0.01, 1e6, 50), [0.0, np.inf])
    for y_test, cross in ((rng.normal(size=(N_TEST, C)), kernels["cross_ntk"]), (y, kernels["ntk"])):
        flow = lr.LinearDynamics(kernels["ntk"], y, cross)
        together = flow.test_loss(times, y_test)
        alone = np.array([flow.test_loss(t, y_test) for t in times])
        assert (np.abs(together - alone) <= 1e-11 * alone + 1e-29).all()


def test_a_kernel_that_is_not_symmetric_is_refused(problem):
    kernels, y, _ = problem
    with pytest.raises(ValueError, match="kernel must be symmetric"):
        lr.LinearDynamics(np.triu(kernels["ntk"]), y)


def test_more_outputs_than_points_work():
    rng = np.random.default_rng(0)
    y = rng.normal(size=(2, 5))
    flow = lr.LinearDynamics(np.diag([2.0, 1.0]), y, np.ones((1, 2)))
    assert_allclose(flow.train(3.0), (1 - np.exp(-np.array([[2.0], [1.0]]) * 1.5)) * y)
    assert flow.test(3.0).shape == (1, 5)


def test_everything_is_labelled_and_comes_back_from_a_file(problem, rng, tmp_path):
    kernels, y, f0 = problem
    y_test, times = rng.normal(size=(N_TEST, C)), [0.0, 1.5, np.inf]
    flow = lr.LinearDynamics(**kernels, y=y, f0=f0, learning_rate=0.3, momentum=0.5, ridge=0.01)
    result = flow.dataset(times, y_test)
    assert result.time.values.tolist() == times
    assert_allclose(result.train_loss.values, flow.train_loss(times))
    assert_allclose(result.test_loss.values, flow.test_loss(times, y_test))
    assert_allclose(result.f_test.sel(time=1.5).values, flow.test(1.5))
    assert_allclose(result.f_train.values, flow.train(times))
    assert_allclose(result.train_loss_by_mode.sum("mode").values, flow.train_loss(times))
    assert_allclose(result.variance_train.values, flow.variance(times, "train"))
    assert_allclose(result.variance_test.values, flow.variance(times))
    assert result.f_test.dims == ("time", "test_point", "output")
    assert result.attrs == {
        "dynamics": "heavy-ball momentum", "stability": str(flow.stability), "learning_rate": 0.3, "momentum": 0.5,
        "ridge": 0.01,
    }  # fmt: skip
    assert lr.load(lr.save(result, tmp_path / "flow.nc")).identical(result)
    only = lr.LinearDynamics(kernels["ntk"], y).dataset(2.0)
    assert set(only.data_vars) == {"train_loss", "train_loss_by_mode", "f_train"}
    assert only.attrs["dynamics"] == "gradient flow" and "learning_rate" not in only.attrs
