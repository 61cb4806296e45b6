"""Learning curves against their check values, simulation, limits and conservation laws."""

import numpy as np
import pytest

import lazyrich as lr

POWER = np.arange(1, 1001.0) ** -1.5


def simulated_kernel_risk(eigenvalues, coefficients, n, ridge, noise, rng, trials):
    """Test and train error of ridge regression on Gaussian features with the given spectrum, one row a trial."""
    results = []
    for _ in range(trials):
        features = rng.standard_normal((n, len(eigenvalues)))
        y = features @ coefficients + np.sqrt(noise) * rng.standard_normal(n)
        weighted = features * eigenvalues
        alpha = np.linalg.solve(weighted @ features.T + ridge * np.eye(n), y)
        left = coefficients - weighted.T @ alpha
        results.append((left @ left + noise, np.mean((ridge * alpha) ** 2)))
    return np.array(results)


@pytest.mark.parametrize(
    ("n", "k", "ridge", "expected"), [(64, 30, 0.01, 1.971), (64, 64, 0.01, 3.357), (200, 100, 0.1, 1.158)]
)
def test_random_feature_risk_has_the_check_values(n, k, ridge, expected):
    risk = lr.random_feature_risk(POWER, np.sqrt(POWER), n=n, k=k, ridge=ridge, noise=0.5)
    assert risk.test == pytest.approx(expected, abs=5e-4)  # the values are given to three decimals


@pytest.mark.parametrize(("ridge", "noise"), [(0.0, 0.0), (0.0, 0.3), (0.05, 0.3)])
def test_kernel_risk_is_what_gaussian_features_give(rng, ridge, noise):
    eigenvalues = np.arange(1, 301.0) ** -1.5
    coefficients = eigenvalues**0.5
    risk = lr.kernel_regression_risk(eigenvalues, coefficients, n=60, ridge=ridge, noise=noise)
    trials = simulated_kernel_risk(eigenvalues, coefficients, 60, ridge, noise, rng, trials=200)
    mean, error = trials.mean(axis=0), trials.std(axis=0, ddof=1) / np.sqrt(len(trials))
    # Four standard errors, and the 1/n correction to a prediction for large n, of order 1/60.
    assert abs(risk.test - mean[0]) < 4 * error[0] + 0.02 * mean[0]
    assert abs(risk.train - mean[1]) < 4 * error[1] + 0.02 * mean[1] + 1e-12


@pytest.mark.parametrize("n", [10, 1000, 5000])
def test_learnabilities_and_ridge_add_up_to_n_on_a_steep_spectrum(n):
    eigenvalues = np.arange(1, 20_001.0) ** -5
    for ridge in (0.0, 1e-12, 1e-3):
        risk = lr.kernel_regression_risk(eigenvalues, np.sqrt(eigenvalues), n=n, ridge=ridge)
        assert risk.learnability.sum() + ridge / risk.kappa == pytest.approx(n, rel=1e-10)


def test_more_points_than_modes_leave_noise_alone():
    risk = lr.kernel_regression_risk(np.ones(20), np.ones(20), n=50, noise=0.3)
    # Ordinary least squares: test error sigma^2 n/(n - M), training error sigma^2 (n - M)/n.
    assert risk.test == pytest.approx(0.3 * 50 / 30)
    assert risk.train == pytest.approx(0.3 * 30 / 50)
    assert risk.kappa == 0


def test_many_features_are_the_kernel():
    kernel = lr.kernel_regression_risk(POWER, np.sqrt(POWER), n=64, ridge=0.01, noise=0.5)
    features = lr.random_feature_risk(POWER, np.sqrt(POWER), n=64, k=1e9, ridge=0.01, noise=0.5)
    assert features.test == pytest.approx(kernel.test, rel=1e-6)  # what is left falls as n/k
    assert features.train == pytest.approx(kernel.train, rel=1e-6)


@pytest.mark.parametrize(("n", "k"), [(30, 60), (30, 700), (100, 2000)])
def test_points_and_features_are_dual_without_ridge_and_noise(n, k):
    forward = lr.random_feature_risk(POWER, np.sqrt(POWER), n=n, k=k)
    backward = lr.random_feature_risk(POWER, np.sqrt(POWER), n=k, k=n)
    assert forward.test == pytest.approx(backward.test, rel=1e-10)


def test_the_ridgeless_limit_is_approached_from_above():
    for n, k in ((60, 30), (30, 60)):
        limit = lr.random_feature_risk(POWER, np.sqrt(POWER), n=n, k=k, noise=0.2)
        small = lr.random_feature_risk(POWER, np.sqrt(POWER), n=n, k=k, noise=0.2, ridge=1e-9)
        assert small.test == pytest.approx(limit.test, rel=1e-6)  # the ridge is 1e-9 of the largest eigenvalue
        assert small.train == pytest.approx(limit.train, rel=1e-5, abs=1e-9)


def test_several_outputs_add_their_power():
    two = np.stack([np.sqrt(POWER), 2 * np.sqrt(POWER)], axis=1)
    one = lr.kernel_regression_risk(POWER, np.sqrt(5 * POWER), n=64)
    assert lr.kernel_regression_risk(POWER, two, n=64).test == pytest.approx(one.test)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"eigenvalues": [1.0, -1.0], "coefficients": [1, 1], "n": 5}, "eigenvalues must be a vector of positive"),
        ({"eigenvalues": [], "coefficients": [], "n": 5}, "eigenvalues must be a vector of positive"),
        ({"eigenvalues": [1.0, 0.5], "coefficients": [1], "n": 5}, "one row for each of the 2 eigenvalues"),
        ({"eigenvalues": [1.0, np.nan], "coefficients": [1, 1], "n": 5}, "eigenvalues must be finite"),
        ({"eigenvalues": [1.0], "coefficients": [1], "n": 0}, "n must be a finite number above 0"),
        ({"eigenvalues": [1.0], "coefficients": [1], "n": 5, "ridge": -1}, "ridge must be"),
        ({"eigenvalues": [1.0], "coefficients": [1], "n": 5, "noise": np.inf}, "noise must be"),
        ({"eigenvalues": [1.0, 0.5], "coefficients": [1, 1], "n": 2}, "Without ridge, n must differ"),
    ],
)
def test_bad_input_of_the_kernel_risk_gets_a_sentence(arguments, message):
    with pytest.raises(ValueError, match=message):
        lr.kernel_regression_risk(**arguments)


@pytest.mark.parametrize(("n", "k"), [(64, 64), (1000, 1000), (1000, 2000)])
def test_the_ridgeless_peak_is_refused(n, k):
    with pytest.raises(ValueError, match="the risk diverges there"):
        lr.random_feature_risk(POWER, np.sqrt(POWER), n=n, k=k, noise=0.1)
