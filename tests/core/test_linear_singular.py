"""Linear dynamics of kernels whose smallest eigenvalues are zero or rounding."""

import numpy as np
import pytest

import lazyrich as lr
from tests.tolerances import assert_allclose


# Duplicated inputs with targets that contradict one another.
@pytest.fixture(params=["relu", "erf", "tanh"])
def singular(request, rng):
    x, x_test = rng.normal(size=(7, 4)), rng.normal(size=(3, 4))
    x[3] = x[6] = x[2]
    net = lr.Network(depth=2, activation=request.param, bias_var=0.1)
    return lr.ntk(net, x), lr.ntk(net, x_test, x), rng.normal(size=(7, 1))


@pytest.mark.parametrize("options", [{}, {"learning_rate": 0.1}, {"learning_rate": 0.1, "momentum": 0.5}],
                         ids=["flow", "descent", "heavy_ball"])  # fmt: skip
def test_a_singular_kernel_is_the_same_at_large_times_and_at_the_end(singular, options):
    theta, cross, y = singular
    flow = lr.LinearDynamics(theta, y, cross, **options)
    for t in (1e5, 1e8, 1e12, 1e14):
        for name in ("train", "test"):
            assert_allclose(getattr(flow, name)(t), getattr(flow, name)(np.inf), relative=1e-10)


def test_a_singular_kernel_ends_in_the_least_norm_solution(singular):
    theta, cross, y = singular
    flow = lr.LinearDynamics(theta, y, cross)
    # One copy of the three, with their mean: the fit that contradicting targets have.
    kept, mean = [0, 1, 2, 4, 5], y.copy()
    mean[2] = y[[2, 3, 6]].mean()
    weights = np.linalg.solve(theta[np.ix_(kept, kept)], mean[kept])
    assert_allclose(flow.test(np.inf), cross[:, kept] @ weights, relative=1e-10)
    assert_allclose(flow.train(np.inf)[[2, 3, 6]], np.full((3, 1), mean[2]), relative=1e-10)


def test_modes_below_the_rounding_never_grow():
    # A smooth kernel on a line: its spectrum falls through rounding, some of it to negative values.
    x = np.linspace(-1, 1, 40)[:, None]
    net = lr.Network(depth=1, activation="erf", bias_var=0.1)
    flow = lr.LinearDynamics(lr.ntk(net, x), np.sin(3 * x) + 0.1 * np.cos(40 * x))
    assert flow.eigensystem.values[-1] < 0
    losses = flow.train_loss(np.append(np.logspace(0, 30, 200), np.inf))
    assert np.isfinite(losses).all() and (np.diff(losses) <= 1e-15).all()


@pytest.mark.parametrize("momentum", [None, 0.0, 0.6], ids=["flow", "descent", "heavy_ball"])
def test_a_mode_below_the_rounding_drifts_until_it_could_be_told_from_it_and_is_left_out_at_the_end(momentum):
    # The last eigenvalue is rounding, but its part of the test kernel may be as large as its root, and is not.
    values, cross, y, eta = np.array([1.0, 0.1, 1e-17]), np.array([0.5, 0.2, 3e-9]), np.array([1.0, 1.0, 1e6]), 0.5
    options = {} if momentum is None else {"learning_rate": eta, "momentum": momentum}
    flow = lr.LinearDynamics(np.diag(values), y, cross[None], **options)
    for steps in (1, 30, 3000):
        f, before = np.zeros(3), np.zeros(3)
        for _ in range(steps):
            f, before = f + eta / 3 * (y - values * f) + (momentum or 0.0) * (f - before), f
        if momentum is None:
            f = -np.expm1(-values * steps * eta / 3) / values * y
        assert_allclose(flow.test(steps * eta), cross[None, :] @ f[:, None], relative=1e-11)  # 3000 roundings
    assert_allclose(flow.test(np.inf), np.array([[0.5 + 0.2 / 0.1]]))
    if momentum is None:  # steps are counted to 2^53 only, which is before that
        assert_allclose(flow.test(1e18), flow.test(np.inf))


def test_test_outputs_are_exact_for_as_long_as_the_eigenvalue_is_known_to_be_too_small_and_least_norm_at_the_end(rng):
    # Kernels of known features: the last eigenvalue, 1e-18, is lost in the rounding of the matrix.
    values, weights, y = np.array([1.0, 0.1, 1e-18]), rng.normal(size=(2, 3)), rng.normal(size=3)
    basis = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    flow = lr.LinearDynamics(basis * values @ basis.T, y, weights * np.sqrt(values) @ basis.T)
    assert (flow.eigensystem.values[-1] < flow.eigensystem.resolution) and (flow.eigensystem.values[-1] != 1e-18)
    # What rounding the kernel of test and training points costs, 1e-16 t/n beside outputs of order 1.
    for t, digits in ((1.0, 1e-14), (1e4, 1e-11), (1e8, 1e-7), (1e11, 1e-4)):
        gain = -np.expm1(-values * t / 3) / values
        assert_allclose(flow.test(t)[:, 0], weights * np.sqrt(values) @ (gain * (basis.T @ y)), relative=digits)
    least_norm = (weights / np.sqrt(values))[:, :2] @ (basis.T @ y)[:2]
    assert_allclose(flow.test(np.inf)[:, 0], least_norm)
    assert_allclose(flow.test(1e18)[:, 0], least_norm)


@pytest.mark.parametrize("t", [0.0, 1.0, 1e5, 1e12, np.inf])
def test_mean_and_covariance_of_equal_points_agree_with_one_another_at_every_time(singular, rng, t):
    theta, cross, y = singular
    prior = rng.normal(size=(9, 9))
    prior = (prior @ prior.T)[np.ix_([0, 1, 2, 2, 3, 4, 2, 5, 6, 7], [0, 1, 2, 2, 3, 4, 2, 5, 6, 7])]
    nngp, cross_nngp, test_nngp = prior[:7, :7], prior[7:, :7], prior[7:, 7:]
    flow = lr.LinearDynamics(theta, y, cross, nngp=nngp, cross_nngp=cross_nngp, test_nngp=test_nngp)
    # Training is linear in f0: the covariance is that of the maps of each basis vector.
    maps = np.array([
        lr.LinearDynamics(theta, np.zeros(7), cross, f0=(e[:7], e[7:])).test(t)[:, 0] for e in np.eye(10)
    ]).T  # fmt: skip
    assert_allclose(flow.covariance(t), maps @ prior @ maps.T, relative=1e-10)
    on_train = lr.LinearDynamics(theta, y, theta, nngp=nngp, cross_nngp=nngp, test_nngp=nngp)
    assert np.abs(on_train.test(t) - flow.train(t)).max() < 1e-10
    assert np.abs(on_train.covariance(t) - flow.covariance(t, "train")).max() < 1e-10 * prior.max()
    assert np.linalg.eigvalsh(flow.covariance(t))[0] > -1e-12 * prior.max()
    if t == np.inf:  # all that training can remove is gone
        kept = np.eye(7) - np.linalg.pinv(theta, rcond=1e-10) @ theta
        assert np.abs(flow.covariance(t, "train") - kept @ nngp @ kept.T).max() < 1e-10 * prior.max()


def test_a_zero_kernel_learns_nothing_and_bears_any_step():
    flow = lr.LinearDynamics(np.zeros((2, 2)), [1.0, -1.0], np.zeros((3, 2)), learning_rate=1.0)
    assert flow.max_learning_rate == np.inf
    for t in (0.0, 10.0, np.inf):
        assert not flow.train(t).any() and not flow.test(t).any()
