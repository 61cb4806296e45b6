"""Step sizes above the edge are shown as they are, and what they do is said in words."""

import warnings

import numpy as np
import pytest

import lazyrich as lr
from tests.tolerances import assert_allclose

THETA, Y = np.diag([4.0, 1.0]), np.array([1.0, 1.0])


@pytest.mark.parametrize("momentum", [0.0, 0.5], ids=["descent", "heavy_ball"])
def test_a_diverging_run_is_exact_until_it_overflows_at_the_time_it_says(momentum):
    eta = 1.02 * (1 + momentum)  # the edge is 2 n (1 + beta) / 4 = 1 + beta
    flow = lr.LinearDynamics(THETA, Y, THETA, learning_rate=eta, momentum=momentum)
    verdict = flow.stability
    assert not verdict.stable
    assert_allclose(verdict.max_learning_rate, 1.0 + momentum)
    f, before, count = np.zeros(2), np.zeros(2), 0
    while abs(1 - f[0]) <= 1e150:
        f, before = f + eta / 2 * np.diag(THETA) * (Y - f) + momentum * (f - before), f
        count += 1
        if count in (1, 2, 100, 1000):
            assert_allclose(flow.train(count * eta)[:, 0], f, relative=1e-10)  # a thousand growing roundings
    assert_allclose(verdict.overflow_time, count * eta)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isfinite(flow.train_loss((count - 1) * eta))
    with pytest.warns(RuntimeWarning, match=r"diverges: the learning rate must be below .* overflow at t = .*\. Lower"):
        after = flow.train_loss(count * eta)
    assert after == np.inf


def test_after_the_overflow_everything_is_infinite_and_nothing_is_nan():
    flow = lr.LinearDynamics(THETA, [1.0, 0.0], THETA, nngp=THETA, cross_nngp=THETA, test_nngp=THETA, learning_rate=3.0)
    for t in (1e4, np.inf):
        with pytest.warns(RuntimeWarning, match="Gradient descent diverges"):
            results = [flow.train(t), flow.test(t), flow.covariance(t), flow.covariance(t, "train"),
                       flow.variance(t), flow.train_loss(t), flow.test_loss(t, Y)]  # fmt: skip
        assert all((np.asarray(result) == np.inf).all() for result in results)
        with pytest.warns(RuntimeWarning, match="Gradient descent diverges"):
            # The second mode is stable, and there is nothing of it to learn.
            assert flow.train_loss_by_mode(t).tolist() == [np.inf, 0.0] and flow.decay(t)[0] == np.inf


def test_the_verdict_is_a_sentence():
    def verdict(eta, **options):
        return str(lr.LinearDynamics(THETA, Y, learning_rate=eta, **options).stability)

    assert verdict(None) == "Stable: gradient flow converges at any speed."
    assert verdict(0.9) == "Stable: the learning rate 0.9 is below the largest stable one, 1."
    assert verdict(1.1).startswith("Gradient descent diverges: the learning rate must be below 1; got 1.1, and outputs")
    assert verdict(1.6, momentum=0.5).startswith("Heavy-ball momentum diverges: the learning rate must be below 1.5;")
    # On the edge the fastest mode alternates for ever, which is no convergence.
    assert verdict(1.0).endswith("got 1, and too slowly to overflow. Lower it.")


def test_ridge_lowers_the_edge():
    flow = lr.LinearDynamics(THETA, Y, learning_rate=0.95, ridge=0.5)
    assert_allclose(flow.max_learning_rate, 2 * 2 / (4 + 2 * 0.5))
    assert not flow.stability.stable
