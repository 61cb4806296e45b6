"""Momentum in continuous time against the matrix exponential, an ODE solver, its own steps and its limits."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

import lazyrich as lr
from lazyrich.dynamics.linear.oscillator import oscillator
from tests.tolerances import assert_allclose


def by_matrix_exponential(rate, time, mass, friction):
    """r and s = (1 - r)/rate of m r'' + c r' + rate r = 0, r(0) = 1; s obeys the same equation with 1 on the right."""
    drift = np.array([[0, 1, 0], [-rate, -friction, 1], [0, 0, 0]]) / np.array([[1], [mass], [1]])
    power = expm(drift * time)
    return power[0, 0], power[0, 2]


CRITICAL = 0.3**2 / (4 * 0.2)  # the rate at which m = 0.2 and c = 0.3 are critical


RATES = {
    "zero": 0.0, "rounding": 1e-12, "slow": 1e-6, "overdamped": 0.01, "overdamped_a_little": 0.8 * CRITICAL,
    "just_below": CRITICAL * (1 - 1e-13), "critical": CRITICAL, "just_above": CRITICAL * (1 + 1e-7),
    "underdamped_a_little": 1.2 * CRITICAL, "underdamped": 50.0,
}  # fmt: skip


@pytest.mark.parametrize("rate", RATES.values(), ids=RATES)
def test_an_oscillator_is_the_exponential_of_its_matrix_without_cancellation(rate):
    for time in (0.0, 1e-7, 1e-3, 0.5, 1.2, 1.5, 4.0, 15.0):
        got = oscillator(np.array([[rate]]), np.array([[time]]), 0.2, 0.3)
        want = by_matrix_exponential(rate, time, 0.2, 0.3)
        # The exponential's own rounding: absolute in r, and in s relative, as that is where it would cancel.
        assert abs(got[0].item() - want[0]) <= 1e-14 * (1 + rate * time)
        assert_allclose(got[1].item(), want[1], relative=1e-11)


@pytest.fixture
def problem(rng):
    x, x_test = rng.normal(size=(7, 4)), rng.normal(size=(3, 4))
    net = lr.Network(depth=2, activation="erf", weight_var=1.5, bias_var=0.1)
    f0 = rng.normal(size=(7, 2)), rng.normal(size=(3, 2))
    return lr.ntk(net, x), lr.ntk(net, x_test, x), rng.normal(size=(7, 2)), f0


@pytest.mark.parametrize("ridge", [0.0, 0.05], ids=["no_ridge", "ridge"])
def test_momentum_flow_is_the_solution_of_its_differential_equation(problem, ridge):
    theta, cross, y, f0 = problem
    both, start, eta, beta = np.concatenate([theta, cross]), np.concatenate(f0), 0.3, 0.9

    def velocity(_, state):
        f, v = state.reshape(2, *start.shape)
        gradient = both @ (f[:7] - y) / 7 + ridge * (f - start)
        return np.concatenate([v.ravel(), ((-gradient - (1 - beta) * v) / eta).ravel()])

    times = np.array([0.0, 0.5, 3.0, 30.0])
    state = np.concatenate([start.ravel(), np.zeros(start.size)])
    solved = solve_ivp(velocity, (0, 30), state, t_eval=times, rtol=1e-12, atol=1e-13, method="DOP853").y
    want = solved[: start.size].T.reshape(4, *start.shape)
    flow = lr.LinearDynamics(theta, y, cross, f0=f0, learning_rate=eta, momentum=beta, ridge=ridge, continuous=True)
    got = np.concatenate([flow.train(times), flow.test(times)], axis=1)
    assert_allclose(got, want, relative=1e-9)  # the solver's own accuracy


def test_heavy_ball_steps_approach_the_flow_with_their_size(problem):
    # The flow of one mass, by steps of a tenth of it each time: m = eta, so the momentum comes nearer to 1.
    theta, cross, y, f0 = problem
    mass, friction, times = 1.0, 0.5, np.array([2.0, 6.0])

    def error(step):
        # Steps of size h in the flow's time t sqrt(m / eta): eta = h^2 / m and 1 - beta = friction h / m.
        steps = lr.LinearDynamics(
            theta, y, cross, f0=f0, learning_rate=step**2 / mass, momentum=1 - friction * step / mass
        )
        flow = lr.LinearDynamics(theta, y, cross, f0=f0, learning_rate=mass, momentum=1 - friction, continuous=True)
        return np.abs(steps.test(times * step / mass) - flow.test(times)).max()

    assert error(1e-3) < 0.12 * error(1e-2) < 0.12**2 * error(1e-1) * 1.2


def test_without_mass_it_is_gradient_flow_sped_up_by_the_friction(problem):
    theta, cross, y, f0 = problem
    flow = lr.LinearDynamics(theta, y, cross, f0=f0)
    light = lr.LinearDynamics(theta, y, cross, f0=f0, learning_rate=1e-9, momentum=0.8, continuous=True)
    times = np.array([0.3, 3.0, np.inf])
    assert_allclose(light.test(times), flow.test(times / (1 - 0.8)), relative=1e-7)  # the next order in the mass


def test_it_converges_at_any_step_size_and_says_so(problem):
    theta, cross, y, _ = problem
    flow = lr.LinearDynamics(theta, y, cross, learning_rate=1e6, momentum=0.5, continuous=True)
    assert flow.stability.stable and flow.stability.overflow_time == np.inf
    assert str(flow.stability) == "Stable: momentum in continuous time converges at any speed."
    assert_allclose(flow.train(np.inf), y)
    assert_allclose(flow.train(1e9), y, relative=1e-10)
