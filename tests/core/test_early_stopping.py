"""The best time to stop against a dense search and against closed forms."""

import numpy as np
import pytest

import lazyrich as lr
from tests.tolerances import assert_allclose


@pytest.fixture
def noisy(rng):
    """A smooth function seen through noise: worth learning, and worth stopping."""
    x, x_test = np.linspace(-1, 1, 20)[:, None], np.linspace(-0.95, 0.95, 15)[:, None]
    net = lr.Network(depth=2, activation="relu", bias_var=0.3)
    y, y_test = np.sin(3 * x), np.sin(3 * x_test)
    return (lr.ntk(net, x), y + 0.7 * rng.normal(size=y.shape), lr.ntk(net, x_test, x)), y_test


OPTIONS = [{}, {"ridge": 1e-4}, {"learning_rate": 0.05, "momentum": 0.5, "continuous": True}]


@pytest.mark.parametrize("options", OPTIONS, ids=["flow", "ridge", "momentum_flow"])
def test_no_time_of_a_dense_search_is_better_and_its_neighbours_are_worse(noisy, options):
    arguments, y_test = noisy
    flow = lr.LinearDynamics(*arguments, **options)
    stop = flow.early_stopping(y_test)
    assert 0 < stop.time < np.inf and "stop there" in stop.status
    assert_allclose(stop.test_loss, flow.test_loss(stop.time, y_test))
    dense = flow.test_loss(np.append(np.geomspace(1e-4, 1e8, 20_000), [0.0, np.inf]), y_test)
    assert stop.test_loss <= dense.min()
    assert flow.test_loss(stop.time * 0.999, y_test) > stop.test_loss < flow.test_loss(stop.time * 1.001, y_test)


def test_gradient_descent_stops_at_the_best_whole_step(noisy):
    arguments, y_test = noisy
    eta = 0.05
    flow = lr.LinearDynamics(*arguments, learning_rate=eta)
    losses = flow.test_loss(eta * np.arange(200_000), y_test)
    stop = flow.early_stopping(y_test)
    assert_allclose(stop.time / eta, float(losses.argmin()))
    assert_allclose(stop.test_loss, losses.min())


def test_one_mode_stops_where_its_output_passes_the_target():
    # f(t) = 1 - exp(-2 t) passes 0.3 at this time.
    stop = lr.LinearDynamics([[2.0]], [1.0], [[2.0]]).early_stopping([0.3])
    assert_allclose(stop.time, -np.log(0.7) / 2, relative=1e-7)  # the loss is flat to the root of rounding
    assert stop.test_loss < 1e-15


def test_a_minimum_at_the_start_or_at_the_end_is_said_to_be_there(noisy):
    (theta, _, cross), _ = noisy
    against = lr.LinearDynamics(theta, np.ones(20), cross).early_stopping(-np.ones(15))
    assert against.time == 0 and against.test_loss == 0.5 and "before training, at t = 0" in against.status
    with_it = lr.LinearDynamics(theta, np.ones(20), theta).early_stopping(np.ones(20))
    assert with_it.time == np.inf and with_it.test_loss < 1e-25 and "at infinity" in with_it.status


def test_a_diverging_run_is_stopped_before_it_diverges(noisy):
    arguments, y_test = noisy
    flow = lr.LinearDynamics(*arguments)
    flow = lr.LinearDynamics(*arguments, learning_rate=1.001 * flow.max_learning_rate)
    stop = flow.early_stopping(y_test)
    assert 0 < stop.time < flow.stability.overflow_time and np.isfinite(stop.test_loss)


def test_a_kernel_of_zero_is_best_stopped_at_once():
    stop = lr.LinearDynamics(np.zeros((2, 2)), [1.0, -1.0], np.zeros((3, 2))).early_stopping(np.ones(3))
    assert stop.time == 0 and stop.test_loss == 0.5
