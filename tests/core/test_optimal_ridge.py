"""The optimal ridge and fitting ratio against exact answers, brute force and one another."""

import jax
import numpy as np
import pytest
from scipy.optimize import minimize_scalar

import lazyrich as lr

SPECTRUM = np.arange(1, 201.0) ** -1.5
SIZES = np.array([3.0, 50.0, 200.0, 900.0])
GRID = np.geomspace(1e-8, 1e4, 2401)  # steps of 1.2 %


@pytest.mark.parametrize("noise", [1e-3, 0.1, 5.0])
def test_on_a_target_of_the_prior_it_is_the_noise(noise):
    ridge = lr.optimal_ridge(SPECTRUM, np.sqrt(SPECTRUM), n=SIZES, noise=noise)
    # Bayes: ridge regression with the noise for a ridge is the mean of the posterior.
    np.testing.assert_allclose(ridge, np.full(4, noise), rtol=1e-7)


def test_no_ridge_of_a_fine_grid_is_better():
    coefficients = SPECTRUM**0.3
    n, k, noise = np.array([30, 60, 500, 60]), np.array([60, 60, 40, np.inf]), np.array([0.1, 0.0, 0.3, 0.1])
    best = lr.optimal_ridge(SPECTRUM, coefficients, n=n, noise=noise, k=k)
    risk = lr.random_feature_risk(SPECTRUM, coefficients, n=n, k=k, ridge=best, noise=noise).test
    for case in range(4):
        settings = {"n": n[case], "k": k[case], "noise": noise[case]}
        risks = lr.random_feature_risk(SPECTRUM, coefficients, ridge=GRID, **settings).test
        assert risk[case] <= risks.min() * (1 + 1e-12)
        assert best[case] == pytest.approx(GRID[risks.argmin()], rel=0.02)


def test_it_is_zero_or_infinite_where_that_is_best():
    smooth = SPECTRUM**2
    assert lr.optimal_ridge(SPECTRUM, smooth, n=SIZES).tolist() == [0.0] * 4
    risks = lr.kernel_regression_risk(SPECTRUM, smooth, n=50, ridge=GRID).test
    assert lr.kernel_regression_risk(SPECTRUM, smooth, n=50).test < risks.min()
    assert lr.optimal_ridge(SPECTRUM, 0 * SPECTRUM, n=SIZES, noise=0.1).tolist() == [np.inf] * 4
    assert lr.optimal_ridge(SPECTRUM, 0 * SPECTRUM, n=SIZES).tolist() == [0.0] * 4


def test_the_better_of_two_minima_is_found():
    # With two groups of modes the risk has a minimum for each; which is lower depends on the power of the second.
    eigenvalues = np.r_[np.ones(50), np.full(150, 1e-6)]
    found = []
    for rest in (0.0, 1.0, 30.0):
        coefficients = np.sqrt(np.r_[np.ones(50), np.full(150, rest)])
        best = lr.optimal_ridge(eigenvalues, coefficients, n=SIZES, noise=1.0)
        risk = lr.kernel_regression_risk(eigenvalues, coefficients, n=SIZES, ridge=best, noise=1.0).test
        for n, lowest in zip(SIZES, risk, strict=True):
            risks = lr.kernel_regression_risk(eigenvalues, coefficients, n=n, ridge=GRID, noise=1.0).test
            assert lowest <= risks.min() * (1 + 1e-12)
        found.append(best[-1])
    assert found[0] > 1e3 * found[-1]


def test_it_is_differentiable():
    noise, k = np.array([0.05, 0.1, 0.2, 0.4]), np.array([30.0, 80.0, 300.0, np.inf])

    def ridges(noise):
        return lr.optimal_ridge(SPECTRUM, SPECTRUM**0.3, n=50.0, noise=noise, k=k)

    with jax.enable_x64(True):
        derivative = jax.jit(jax.grad(lambda noise: ridges(noise).sum()))(noise)
    difference = (ridges(noise + 1e-4) - ridges(noise - 1e-4)) / 2e-4
    np.testing.assert_allclose(derivative, difference, rtol=1e-5)  # second order in 1e-4 of a noise of 0.05 or more


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


def test_the_optimal_ridge_of_finite_sums_has_the_fitting_ratio():
    i, s = np.arange(1, 20_001.0), np.array([0.2, 4.0])
    spectrum = i**-2.5, i**-1.5
    free = lr.kernel_regression_risk(*spectrum, n=np.full(2, 200.0))
    noise = s * ((1 - free.learnability) ** 2 * i[None, :] ** -3.0).sum(axis=1)
    ridge = lr.optimal_ridge(*spectrum, n=200, noise=noise)
    risk = lr.kernel_regression_risk(*spectrum, n=200, ridge=ridge, noise=noise)
    assert (ridge == 0).tolist() == [True, False]  # the noise is below or above (b - a)/(a - 1) = 1/3
    want = lr.optimal_fitting_ratio(2.5, 3.0, s)
    np.testing.assert_allclose(risk.train / risk.test, want, rtol=0.02)  # sums differ from integrals by order 1/n
