"""Measured learning curves against textbook regression, and the theory against measured curves."""

import numpy as np
import pytest

import lazyrich as lr


def gaussian_pool(rng, points, modes=400):
    """Points with Gaussian features and a power-law spectrum: eigenvalues, coefficients, Gram matrix, targets."""
    eigenvalues = np.arange(1, modes + 1.0) ** -1.5
    coefficients = eigenvalues**0.4
    features = rng.standard_normal((points, modes))
    return eigenvalues, coefficients, (features * eigenvalues) @ features.T, features @ coefficients


def mean_and_error(values):
    """Mean and standard error over the last axis, an array's or an xarray's."""
    values = np.asarray(values)
    return values.mean(axis=-1), values.std(axis=-1, ddof=1) / np.sqrt(values.shape[-1])


def follows(theory, values, corrections):
    """Whether each prediction lies within four standard errors and the `corrections` relative to the mean."""
    mean, error = mean_and_error(values)
    return np.abs(theory - mean) < 4 * error + corrections * mean


def assert_follows(theory, values, corrections):
    assert follows(theory, values, corrections).all(), f"{theory} for {mean_and_error(values)}"


def test_a_pool_s_spectrum_is_that_of_gram_over_p(rng):
    *_, gram, y = gaussian_pool(rng, 30)
    pool = lr.spectrum_from_gram(gram, np.stack([y, 2 * y], axis=1))
    np.testing.assert_allclose(pool.eigenvalues, np.linalg.eigvalsh(gram)[::-1] / 30, rtol=1e-10)
    # Together the squared coefficients are the mean square of the targets.
    np.testing.assert_allclose((pool.coefficients**2).sum(axis=0), np.mean(y**2) * np.array([1, 4]), rtol=1e-12)
    assert pool.points == 30 and pool.noise == 0


def test_what_targets_have_in_modes_of_rounding_is_noise(rng):
    points = rng.standard_normal((20, 3))
    y = rng.standard_normal((20, 2))
    pool = lr.spectrum_from_gram(points @ points.T, y)
    residuals = y - points @ np.linalg.lstsq(points, y)[0]
    assert len(pool.eigenvalues) == 3
    assert pool.noise == pytest.approx(np.mean(residuals**2))


def test_training_on_all_but_one_has_the_leave_one_out_errors(rng):
    *_, gram, y = gaussian_pool(rng, 12)
    measured = lr.measured_kernel_risk(gram, y, n=11, ridge=0.3, trials=8)
    inverse = np.linalg.inv(gram + 0.3 * np.eye(12))
    left_out = (inverse @ y / np.diag(inverse)) ** 2
    which = np.abs(measured.test.values[0][:, None] - left_out[None, :]).argmin(axis=1)
    np.testing.assert_allclose(measured.test.values[0], left_out[which], rtol=1e-10)
    assert len(set(which)) > 1
    for trial, point in enumerate(which):
        kept = np.delete(np.arange(12), point)
        alpha = np.linalg.solve(gram[np.ix_(kept, kept)] + 0.3 * np.eye(11), y[kept])
        np.testing.assert_allclose(measured.train.values[0, trial], np.mean((0.3 * alpha) ** 2), rtol=1e-10)


@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize("ridge", [0.0, 0.2])
def test_features_that_do_not_change_are_their_kernel(replace, ridge, rng):
    psi, y = rng.standard_normal((40, 60)), rng.standard_normal((40, 2))
    settings = {"n": [5, 30], "ridge": ridge, "noise": 0.1, "trials": 3, "replace": replace, "seed": 5}
    features = lr.measured_random_feature_risk(lambda k, seed: psi[:, :k], y, k=[50, 60], **settings)
    for k in (50, 60):
        kernel = lr.measured_kernel_risk(psi[:, :k] @ psi[:, :k].T / k, y, **settings)
        np.testing.assert_allclose(features.test.sel(k=k), kernel.test, rtol=1e-8)
        np.testing.assert_allclose(features.train.sel(k=k), kernel.train, rtol=1e-8, atol=1e-15)


def test_random_features_have_the_kernel_that_they_approximate(rng):
    x = lr.load_data("circle", n_train=5, n_test=1).x_train
    net = lr.Network(depth=2, width=3, activation="erf", weight_var=1.7, bias_var=0.3)
    kernel = lr.nngp(net, x) - 0.3
    for features in (lr.gaussian_features(kernel), lr.network_features(net, x)):
        psi = features(4000, 1)
        np.testing.assert_allclose(psi @ psi.T / 4000, kernel, atol=6 * 1.7 / np.sqrt(4000))
        assert np.abs(psi - features(4000, 2)).max() > 0.1


@pytest.mark.parametrize("ridge", [0.0, 0.05])
def test_kernel_regression_on_gaussian_features_has_the_predicted_risk(ridge, rng):
    n, curves = [20, 60, 120], []
    for seed in range(24):  # pools of their own, so that their error is in the error bar
        eigenvalues, coefficients, gram, y = gaussian_pool(rng, 300)
        curves.append(lr.measured_kernel_risk(gram, y, n=n, ridge=ridge, noise=0.1, trials=2, seed=seed).mean("trial"))
    theory = lr.learning_curve(eigenvalues, coefficients, n=n, ridge=ridge, noise=0.1)
    assert_follows(theory.test, np.stack([curve.test for curve in curves], axis=-1), 0.02)  # order 1/n
    if ridge:
        assert_follows(theory.train, np.stack([curve.train for curve in curves], axis=-1), 0.02)


@pytest.mark.parametrize("ridge", [0.0, 0.05])
def test_random_feature_regression_has_the_predicted_risk_over_points_and_features(ridge, rng):
    n, k, curves = [30, 90], [15, 60, 200], []
    for seed in range(24):
        eigenvalues, coefficients, gram, y = gaussian_pool(rng, 250)
        features = lr.gaussian_features(gram)
        run = lr.measured_random_feature_risk(features, y, n=n, k=k, ridge=ridge, noise=0.1, trials=1, seed=seed)
        curves.append(run.test.values[..., 0])
    theory = lr.learning_curve(eigenvalues, coefficients, n=n, k=k, ridge=ridge, noise=0.1)
    assert_follows(theory.test, np.stack(curves, axis=-1), 0.04)  # order 1/min(n, k)


@pytest.mark.parametrize("ridge", [0.0, 0.5])
def test_points_left_out_of_a_pool_have_the_held_out_risk_and_a_large_pool_that_of_the_population(ridge, rng):
    *_, gram, y = gaussian_pool(rng, 200)
    pool, n = lr.spectrum_from_gram(gram, y), np.array([20, 80, 150])
    settings = {"n": n, "ridge": ridge, "noise": 0.1, "trials": 100}
    held_out = lr.held_out_risk(pool, n=n, ridge=ridge, noise=0.1)
    measured = lr.measured_kernel_risk(gram, y, **settings)
    assert_follows(held_out.test, measured.test, 0.04)
    if ridge:
        assert_follows(held_out.train, measured.train, 0.04)
    population = lr.kernel_regression_risk(pool.eigenvalues, pool.coefficients, n=n, ridge=ridge, noise=0.1)
    drawn_again = lr.measured_kernel_risk(gram, y, replace=True, **settings).test
    assert_follows(population.test[0], drawn_again[0], 0.04)  # the others draw many points twice
    # Where n is not far below P, a hundred trials tell the one from the other.
    assert not follows(population.test[1:], measured.test[1:], 0.04).any()


@pytest.mark.parametrize("ridge", [0.0, 0.5])
def test_held_out_risk_of_a_kernel_of_low_rank(ridge, rng):
    *_, gram, y = gaussian_pool(rng, 200, modes=100)
    y = y + rng.standard_normal(200)
    pool, n = lr.spectrum_from_gram(gram, y), np.array([20, 60])
    assert len(pool.eigenvalues) == 100 and pool.noise > 0.3
    measured = lr.measured_kernel_risk(gram, y, n=n, ridge=ridge, trials=100)
    assert_follows(lr.held_out_risk(pool, n=n, ridge=ridge).test, measured.test, 0.04)


@pytest.fixture(scope="module")
def digits():
    """All 1,797 images as one pool: x, one-hot targets less their mean, and the ReLU NTK of one hidden layer."""
    data = lr.load_data("digits", n_train=1796, n_test=1)
    x, y = np.concatenate([data.x_train, data.x_test]), np.concatenate([data.y_train, data.y_test])
    kernel = lr.ntk(lr.Network(depth=1), x)
    return x, y, kernel, lr.spectrum_from_gram(kernel, y)


@pytest.mark.parametrize("ridge", [0.0, 1.0])
def test_on_digits_the_predicted_error_is_within_a_fifth_of_the_measured_one(ridge, digits):
    _, y, kernel, pool = digits
    n = np.array([16, 32, 64, 128, 256])
    population = lr.kernel_regression_risk(pool.eigenvalues, pool.coefficients, n=n, ridge=ridge, noise=pool.noise)
    for theory, replace in ((lr.held_out_risk(pool, n=n, ridge=ridge), False), (population, True)):
        measured = lr.measured_kernel_risk(kernel, y, n=n, ridge=ridge, trials=8, replace=replace)
        mean, error = mean_and_error(measured.test)
        assert (error < 0.06 * mean).all()
        # The error bars are within the fifth.
        assert (np.abs(theory.test - mean) + error < 0.2 * mean).all(), f"{theory.test} for {mean} +- {error}"
    # The prediction for the population is none for points that are not in the pool.
    if not ridge:
        left_out = lr.measured_kernel_risk(kernel, y, n=256, trials=8).test.mean()
        assert population.test[-1] < 0.82 * left_out


@pytest.mark.parametrize("activation", ["relu", "erf"])
def test_on_digits_random_features_of_networks_follow_the_theory(activation, digits):
    x, y = digits[0][:600], digits[1][:600]
    net = lr.Network(depth=1, activation=activation)
    pool = lr.spectrum_from_gram(lr.nngp(net, x), y)
    n, k = [48], [12, 200]
    settings = {"n": n, "k": k, "ridge": 0.01, "trials": 8, "replace": True}
    measured = lr.measured_random_feature_risk(lr.network_features(net, x), y, **settings)
    theory = lr.learning_curve(pool.eigenvalues, pool.coefficients, n=n, k=k, ridge=0.01, noise=pool.noise)
    mean, error = mean_and_error(measured.test)
    assert (np.abs(theory.test - mean) + error < 0.2 * mean).all(), f"{theory.test.values} for {mean} +- {error}"


def test_curves_are_labelled_and_saved_with_what_made_them(tmp_path, rng):
    eigenvalues, coefficients, gram, y = gaussian_pool(rng, 30, modes=40)
    curve = lr.learning_curve(eigenvalues, coefficients, n=[3, 9, 20], k=[4, 50], ridge=0.1, noise=0.2)
    assert dict(curve.sizes) == {"n": 3, "k": 2, "mode": 40}
    want = lr.random_feature_risk(eigenvalues, coefficients, n=9, k=50, ridge=0.1, noise=0.2)
    at = curve.sel(n=9, k=50)
    assert [float(at.test), float(at.train), float(at.kappa)] == pytest.approx(want[:3], rel=1e-12)
    np.testing.assert_allclose(at.learnability, want.learnability, rtol=1e-12)
    again = lr.random_feature_risk(curve.eigenvalue, np.sqrt(curve.power), n=9, k=50, **curve.attrs)
    assert again.test == pytest.approx(want.test, rel=1e-12)
    measured = lr.measured_kernel_risk(gram, y, n=[3, 9], ridge=0.1, replace=True)
    assert measured.test.dims == ("n", "trial")
    for result in (curve, measured):
        assert lr.load(lr.save(result, tmp_path / "curve.nc")).identical(result)
    assert measured.attrs == {"ridge": 0.1, "noise": 0.0, "trials": 10, "replace": 1, "seed": 0, "points": 30}
    assert lr.measured_kernel_risk(gram, y, n=[3, 9], ridge=0.1, replace=True).identical(measured)
