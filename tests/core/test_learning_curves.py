"""Learning curves against their check values, simulation, limits and conservation laws."""

import numpy as np
import pytest
from scipy.optimize import brentq

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


def textbook_kernel_risk(eigenvalues, power, n, ridge, noise):
    """Test, train and kappa for one n below the number of modes, by root-finding in log kappa, formula by formula."""

    def excess(log_kappa):
        kappa = np.exp(log_kappa)
        return (eigenvalues / (eigenvalues + kappa)).sum() + ridge / kappa - n

    kappa = np.exp(brentq(excess, np.log(eigenvalues.min() / 1e6), 50.0, xtol=1e-15, rtol=1e-15))
    learned = eigenvalues / (eigenvalues + kappa)
    test = n / (n - (learned**2).sum()) * (((1 - learned) ** 2 * power).sum() + noise)
    return test, (ridge / (n * kappa)) ** 2 * test, kappa


def textbook_random_feature_risk(eigenvalues, power, n, k, ridge, noise):
    """Test and train error for one n, k and a ridge above 0, from kappa and gamma as the paper writes them."""

    def left_over(log_g):
        g = np.exp(log_g)
        z = (eigenvalues / (eigenvalues + g)).sum()
        return (n - z) * g * (k - z) / k - ridge if z < min(n, k) else -ridge

    g = np.exp(brentq(left_over, -60.0, 50.0, xtol=1e-15, rtol=1e-15))
    z, q = ((eigenvalues / (eigenvalues + g)) ** order for order in (1, 2))
    z, q, kappa = z.sum(), q.sum(), g * (k - z.sum()) / k
    weights = g / (eigenvalues + g) - kappa * eigenvalues / (eigenvalues + g) ** 2 * k / (k - q)
    test = ((weights * power).sum() + noise) / (1 - (q * (k - 2 * z) + z**2) / (n * (k - q)))
    return test, (ridge / (n * kappa)) ** 2 * test


@pytest.mark.parametrize("ridge", [0.0, 1e-9, 0.3])
def test_a_curve_of_the_kernel_is_the_textbook_formula_point_by_point(ridge):
    n = np.geomspace(1.5, 900, 7)
    curve = lr.kernel_regression_risk(POWER, np.sqrt(POWER), n=n, ridge=ridge, noise=0.2)
    want = np.array([textbook_kernel_risk(POWER, POWER, size, ridge, 0.2) for size in n])
    # The textbook subtracts sums of up to 1,000 terms of order 1.
    np.testing.assert_allclose(curve.test, want[:, 0], rtol=1e-10)
    np.testing.assert_allclose(curve.train, want[:, 1], rtol=1e-10, atol=1e-25)
    np.testing.assert_allclose(curve.kappa, want[:, 2], rtol=1e-10)
    assert curve.learnability.shape == (7, 1000)


def test_a_grid_of_points_and_features_is_the_textbook_formula_entry_by_entry():
    n, k, power = np.array([[20.0], [200.0], [3000.0]]), np.array([[10.0, 200.0, 2000.0]]), POWER**0.4
    grid = lr.random_feature_risk(POWER, np.sqrt(power), n=n, k=k, ridge=0.05, noise=0.2)
    want = [[textbook_random_feature_risk(POWER, power, i, j, 0.05, 0.2) for j in k[0]] for i in n[:, 0]]
    np.testing.assert_allclose(np.stack([grid.test, grid.train], axis=-1), want, rtol=1e-9)  # as above


def test_learnabilities_and_ridge_add_up_to_n_on_a_steep_spectrum():
    eigenvalues, n = np.arange(1, 20_001.0) ** -5, np.array([10.0, 1000.0, 5000.0, 19_000.0])
    for ridge in (0.0, 1e-12, 1e-3):
        risk = lr.kernel_regression_risk(eigenvalues, np.sqrt(eigenvalues), n=n, ridge=ridge)
        np.testing.assert_allclose(risk.learnability.sum(axis=1) + ridge / risk.kappa, n, rtol=1e-12)


@pytest.mark.parametrize("k", [40.0, 5000.0, 30_000.0, np.inf])
def test_both_conservation_laws_hold_with_features_on_a_steep_spectrum(k):
    eigenvalues, n = np.arange(1, 20_001.0) ** -5, np.array([10.0, 1000.0, 5000.0, 19_000.0])
    risk = lr.random_feature_risk(eigenvalues, np.sqrt(eigenvalues), n=n, k=k, ridge=1e-9)
    z = risk.learnability.sum(axis=1)
    g = (1 / risk.learnability[:, -1] - 1) * eigenvalues[-1]
    np.testing.assert_allclose(z + 1e-9 / risk.kappa, n, rtol=1e-12)
    # kappa/g is 1 - z/k: of that, what is near 0 keeps its own digits, which k - z does not.
    np.testing.assert_allclose(risk.kappa / g, 1 - z / k, rtol=1e-10, atol=1e-12)


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


@pytest.mark.parametrize(("n", "k"), [(30, 60), (30, 700), (100, 2000), (30, np.inf)])
def test_points_and_features_are_dual_without_ridge_and_noise_on_a_target_of_the_prior(n, k):
    forward = lr.random_feature_risk(POWER, np.sqrt(POWER), n=n, k=k)
    backward = lr.random_feature_risk(POWER, np.sqrt(POWER), n=min(k, 1e30), k=n)
    assert forward.test == pytest.approx(backward.test, rel=1e-12)


def test_on_other_targets_points_and_features_are_not_dual_in_simulation_either(rng):
    eigenvalues = np.arange(1, 201.0) ** -1.5
    coefficients = eigenvalues ** (1 / 6)
    for n, k in ((30, 60), (60, 30)):
        errors = []
        for _ in range(200):
            points, features = rng.standard_normal((n, 200)), rng.standard_normal((200, k)) / np.sqrt(k)
            features *= np.sqrt(eigenvalues)[:, None]
            weights = np.linalg.lstsq(points @ features, points @ coefficients)[0]
            errors.append(((coefficients - features @ weights) ** 2).sum())
        mean, error = np.mean(errors), np.std(errors, ddof=1) / np.sqrt(200)
        risk = lr.random_feature_risk(eigenvalues, coefficients, n=n, k=k).test
        assert abs(risk - mean) < 4 * error + 0.03 * mean  # corrections of order 1/n
        swapped = lr.random_feature_risk(eigenvalues, coefficients, n=k, k=n).test
        assert abs(swapped - mean) > 4 * error + 0.03 * mean


def test_the_ridgeless_limit_is_approached_from_above():
    for n, k in ((60, 30), (30, 60)):
        limit = lr.random_feature_risk(POWER, np.sqrt(POWER), n=n, k=k, noise=0.2)
        small = lr.random_feature_risk(POWER, np.sqrt(POWER), n=n, k=k, noise=0.2, ridge=1e-9)
        assert small.test == pytest.approx(limit.test, rel=1e-6)  # the ridge is 1e-9 of the largest eigenvalue
        assert small.train == pytest.approx(limit.train, rel=1e-5, abs=1e-9)


def test_several_outputs_add_their_power_and_their_noise():
    two = np.stack([np.sqrt(POWER), 2 * np.sqrt(POWER)], axis=1)
    one = lr.kernel_regression_risk(POWER, np.sqrt(5 * POWER), n=64, noise=0.6)
    assert lr.kernel_regression_risk(POWER, two, n=64, noise=0.3).test == pytest.approx(one.test)


def test_numbers_give_numbers_and_arrays_give_arrays_of_their_shape():
    single = lr.random_feature_risk(POWER, POWER, n=64, k=30, ridge=0.1)
    assert [type(value) for value in single[:3]] == [float] * 3
    curve = lr.random_feature_risk(POWER, POWER, n=64, k=[30, np.inf], ridge=np.array([[0.1], [0.2]]))
    assert curve.test.shape == curve.kappa.shape == (2, 2)
    assert curve.test[0, 0] == pytest.approx(single.test, rel=1e-12)
    assert curve.test[0, 1] == pytest.approx(lr.kernel_regression_risk(POWER, POWER, n=64, ridge=0.1).test, rel=1e-12)


def test_a_curve_is_infinite_where_the_risk_diverges_and_nowhere_else():
    n = np.array([900.0, 1000.0, 1100.0])
    noisy = lr.kernel_regression_risk(POWER, np.sqrt(POWER), n=n, noise=0.1)
    assert np.isinf(noisy.test).tolist() == [False, True, False]
    clean = lr.kernel_regression_risk(POWER, np.sqrt(POWER), n=n).test
    assert clean[0] > 0 and clean[1] == clean[2] == 0
    close = lr.kernel_regression_risk(POWER, np.sqrt(POWER), n=np.array([1000 - 1e-6, 1000 + 1e-6]), noise=0.1).test
    assert (close > 1e6).all() and np.isfinite(close).all()
    features = lr.random_feature_risk(POWER, np.sqrt(POWER), n=64, k=np.array([63.0, 64.0, 65.0]))
    assert np.isinf(features.test).tolist() == [False, True, False]


def test_as_many_features_as_modes_and_more_points_are_least_squares_and_no_peak():
    risk = lr.random_feature_risk(POWER, np.sqrt(POWER), n=1500, k=1000, noise=0.3)
    assert risk.test == pytest.approx(0.3 * 1500 / 500)
    assert risk.train == pytest.approx(0.3 * 500 / 1500)


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
