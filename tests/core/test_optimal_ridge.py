"""The optimal ridge and fitting ratio against exact answers, brute force and one another."""

import jax
import numpy as np
import pytest
from scipy.optimize import minimize_scalar

import lazyrich as lr

SPECTRUM = np.arange(1, 201.0) ** -1.5


def test_on_a_target_of_the_prior_it_is_the_noise():
    n, noise = np.array([3.0, 50.0, 200.0, 900.0]), np.array([[1e-3], [0.1], [5.0]])
    ridge = lr.optimal_ridge(SPECTRUM, np.sqrt(SPECTRUM), n=n, noise=noise)
    # Bayes: ridge regression with the noise for a ridge is the mean of the posterior.
    np.testing.assert_allclose(ridge, np.broadcast_to(noise, (3, 4)), rtol=1e-7)


@pytest.mark.parametrize(("n", "k", "noise"), [(30.0, 60.0, 0.1), (60.0, 60.0, 0.0), (500.0, 40.0, 0.3)])
def test_no_ridge_of_a_fine_grid_is_better(n, k, noise):
    coefficients = SPECTRUM**0.3
    best = lr.optimal_ridge(SPECTRUM, coefficients, n=n, noise=noise, k=k)
    grid = np.geomspace(1e-6, 1e3, 2001)
    risks = lr.random_feature_risk(SPECTRUM, coefficients, n=n, k=k, ridge=grid, noise=noise).test
    risk = lr.random_feature_risk(SPECTRUM, coefficients, n=n, k=k, ridge=best, noise=noise).test
    assert risk <= risks.min() * (1 + 1e-12)
    assert best == pytest.approx(grid[risks.argmin()], rel=0.02)  # the grid's spacing is 1 %


def test_it_is_zero_or_infinite_where_that_is_best():
    smooth = SPECTRUM**2
    ridge = lr.optimal_ridge(SPECTRUM, smooth, n=np.array([10.0, 50.0, 200.0, 500.0]))
    assert ridge.tolist() == [0.0] * 4
    assert lr.kernel_regression_risk(SPECTRUM, smooth, n=50).test < min(
        lr.kernel_regression_risk(SPECTRUM, smooth, n=50, ridge=small).test for small in (1e-6, 1e-3, 1.0)
    )
    assert lr.optimal_ridge(SPECTRUM, 0 * SPECTRUM, n=50, noise=0.1) == np.inf
    assert lr.optimal_ridge(SPECTRUM, 0 * SPECTRUM, n=50) == 0


def test_the_better_of_two_minima_is_found():
    eigenvalues = np.r_[np.ones(50), np.full(150, 1e-6)]
    for power in (np.r_[np.ones(50), np.zeros(150)], np.r_[np.ones(50), np.full(150, 1.0)]):
        best = lr.optimal_ridge(eigenvalues, np.sqrt(power), n=100, noise=1.0)
        grid = np.geomspace(1e-8, 1e4, 2001)
        risks = lr.kernel_regression_risk(eigenvalues, np.sqrt(power), n=100, ridge=grid, noise=1.0).test
        best_risk = lr.kernel_regression_risk(eigenvalues, np.sqrt(power), n=100, ridge=best, noise=1.0).test
        assert best_risk <= risks.min() * (1 + 1e-12)


def test_it_is_differentiable():
    def ridge(noise):
        return lr.optimal_ridge(SPECTRUM, SPECTRUM**0.3, n=50.0, noise=noise, k=80.0)

    with jax.enable_x64(True):
        derivative = jax.grad(ridge)(0.1)
        one = jax.grad(lambda s: lr.optimal_ridge(SPECTRUM, np.sqrt(SPECTRUM), n=50.0, noise=s))(0.1)
    assert derivative == pytest.approx((ridge(0.1 + 1e-4) - ridge(0.1 - 1e-4)) / 2e-4, rel=1e-5)
    assert one == pytest.approx(1, rel=1e-6)


def test_the_fitting_ratio_has_its_check_values():
    # For a = 1.5, b = 2 and s = 4 the equation is 2 x^2 - 5 x + 3/2 = 0 in x = sqrt(R).
    want = [0.0, ((5 - np.sqrt(13)) / 4) ** 2]
    np.testing.assert_allclose(lr.optimal_fitting_ratio(1.5, 2.0, [0.8, 4.0]), want, rtol=1e-12)


@pytest.mark.parametrize(("a", "b", "s"), [(1.5, 2.0, 4.0), (2.5, 1.5, 0.0), (2.0, 3.0, 1.2), (2.0, 3.0, 0.9)])
def test_the_fitting_ratio_is_the_minimum_of_the_sums_as_integrals(a, b, s):
    def error(x):
        return ((1 - x) ** (1 - b) + s) / (1 - (1 - 1 / a) * (1 - x))

    best = minimize_scalar(error, bounds=(0, 0.99), method="bounded", options={"xatol": 1e-12}).x
    assert lr.optimal_fitting_ratio(a, b, s) == pytest.approx(best**2, abs=1e-5)


@pytest.mark.parametrize("s", [0.2, 4.0])
def test_the_optimal_ridge_of_finite_sums_has_the_fitting_ratio(s):
    i = np.arange(1, 20_001.0)
    spectrum, n = (i**-2.5, i**-1.5), 200
    free = lr.kernel_regression_risk(*spectrum, n=n)
    noise = s * ((1 - free.learnability) ** 2 * i**-3.0).sum()
    ridge = lr.optimal_ridge(*spectrum, n=n, noise=noise)
    risk = lr.kernel_regression_risk(*spectrum, n=n, ridge=ridge, noise=noise)
    # Sums differ from integrals by 1/n.
    assert risk.train / risk.test == pytest.approx(lr.optimal_fitting_ratio(2.5, 3.0, s), rel=0.02, abs=1e-12)
    assert (ridge == 0) == (s < 0.5 / 1.5)
