"""Power-law fits of a spectrum."""

import numpy as np
import pytest

import lazyrich as lr
from tests.tolerances import assert_allclose

RANKS = np.arange(1.0, 101)


def noisy(exponent, n, noise, rng):
    """A power law under independent relative noise, in order."""
    return np.sort(np.arange(1.0, n + 1) ** -exponent * np.exp(noise * rng.normal(size=n)))[::-1]


def gram_spectrum(exponent, n, features, rng):
    """Eigenvalues of the Gram matrix of n samples of Gaussian features whose variances are a power law."""
    sample = rng.normal(size=(n, features)) * np.arange(1.0, features + 1) ** (-exponent / 2)
    return np.linalg.eigvalsh(sample @ sample.T)[::-1]


def test_an_exact_power_law_is_found_over_all_ranks_with_no_uncertainty():
    fit = lr.fit_power_law(5 * RANKS**-1.7)
    assert_allclose([fit.exponent, fit.prefactor], [1.7, 5.0])
    assert (fit.first, fit.last) == (1, 100)
    assert fit.stderr < 1e-12 and fit.ks_distance < 1e-12
    assert_allclose(fit(RANKS), 5 * RANKS**-1.7)


def test_the_window_leaves_out_a_head_and_a_tail_that_are_off():
    values = 5 * RANKS**-1.7
    values[:2] *= 100
    values[50:] *= 1e-9
    fit = lr.fit_power_law(values)
    assert fit.first == 3 and 40 <= fit.last <= 50
    assert_allclose(fit.exponent, 1.7)


def test_a_given_end_of_the_window_is_kept_and_the_other_one_found():
    values = RANKS**-1.7
    values[60:] *= 1e-3
    assert (lr.fit_power_law(values, last=40).first, lr.fit_power_law(values, last=40).last) == (1, 40)
    fit = lr.fit_power_law(values, first=4)
    assert fit.first == 4 and 40 <= fit.last <= 60
    assert lr.fit_power_law(RANKS**-1.7, first=2, last=500).last == 100


def test_the_fit_is_ordinary_least_squares_in_logarithms(rng):
    values = noisy(1.2, 100, 0.3, rng)
    fit = lr.fit_power_law(values, first=4, last=40)
    x, y = np.log(RANKS[3:40]), np.log(values[3:40])
    (slope, intercept), covariance = np.polyfit(x, y, 1, cov=True)
    assert_allclose([fit.exponent, fit.prefactor], [-slope, np.exp(intercept)])
    # That of independent residuals, with one degree of freedom less, is the least it can be.
    assert fit.stderr >= np.sqrt(covariance[0, 0])


def test_the_distance_is_that_of_the_eigenvalues_distribution_from_a_truncated_pareto_law(rng):
    values = noisy(2.0, 60, 0.1, rng)
    fit = lr.fit_power_law(values, first=2, last=50)
    # Of the 49 eigenvalues in the window, the law says that this part is at least lambda.
    at_least = ((values[1:50] / fit.prefactor) ** (-1 / fit.exponent) - 2) / 48
    assert_allclose(fit.ks_distance, np.abs(at_least - np.arange(49) / 48).max(), relative=1e-10)


@pytest.mark.parametrize("noise", [0.02, 0.1])
@pytest.mark.parametrize("exponent", [1.2, 1.5, 2.0, 3.0])
def test_the_true_exponent_is_within_two_standard_errors_in_about_95_per_cent_of_fits(exponent, noise, rng):
    fits = [lr.fit_power_law(noisy(exponent, 150, noise, rng)) for _ in range(200)]
    scores = np.array([(fit.exponent - exponent) / fit.stderr for fit in fits])
    assert (abs(scores) < 2).mean() >= 0.85
    assert abs(np.mean(scores)) < 5 * np.std(scores) / np.sqrt(200)
    # Nor is it too cautious: the standard error is not twice the spread.
    assert np.std(scores) > 0.5


@pytest.mark.parametrize("exponent", [1.2, 1.5, 2.0, 3.0])
def test_the_spectrum_of_a_sample_gives_the_exponent_of_its_population(exponent, rng):
    fits = []
    for _ in range(12):
        values = gram_spectrum(exponent, 200, 1000, rng)
        fits.append(lr.Eigensystem(values, np.eye(200), 1e-13 * values[0]).power_law())
    assert all(abs(fit.exponent - exponent) < 3 * fit.stderr < 0.3 * exponent for fit in fits)
    # The last ranks are off by more than any fluctuation.
    assert all(fit.last < 200 for fit in fits)


_RANKS = np.arange(1.0, 401)
_RNG = np.random.default_rng(0)
NO_POWER_LAW = {
    "exponential": np.exp(-0.02 * _RANKS),
    "steep_exponential": np.exp(-0.5 * _RANKS)[:60],
    "noisy_exponential": np.sort(np.exp(-0.1 * _RANKS + 0.3 * _RNG.normal(size=400)))[::-1],
    "stretched_exponential": np.exp(-2 * np.sqrt(_RANKS)),
    "gaussian": np.exp(-((_RANKS / 100) ** 2)),
    "flat": np.ones(400),
    "noisy_flat": np.sort(np.exp(0.1 * _RNG.normal(size=400)))[::-1],
    "linear": 1.001 - _RANKS / 400,
    "two_levels": np.where(_RANKS < 80, 1.0, 1e-3),
    "marchenko_pastur": np.linalg.eigvalsh(np.cov(_RNG.normal(size=(400, 1000))))[::-1],
    "square_marchenko_pastur": np.linalg.eigvalsh(np.cov(_RNG.normal(size=(400, 401))))[::-1],
    "uniform": np.sort(_RNG.uniform(size=400))[::-1],
}


@pytest.mark.parametrize("name", NO_POWER_LAW)
def test_what_is_no_power_law_is_refused_with_the_reason(name):
    with pytest.raises(lr.NoPowerLawError, match=r"needs .*; got .*, the widest of \d+ windows .* in vain. Look at"):
        lr.fit_power_law(NO_POWER_LAW[name])


@pytest.mark.parametrize(
    "values, first, last, text",
    [
        (np.ones(7), None, None, r"ranks over a factor of at least 8; got 1 to 7 of 7"),
        (RANKS**-1.0, 10, 52, "ranks over a factor of at least 8; got 10 to 52"),
        (RANKS**-0.2, 2, 50, "eigenvalues that fall by a factor of at least 5; got 1.9, over ranks 2 to 50"),
        (np.r_[30.0, RANKS[1:] ** -1.0], 1, 100, "off its line by at most 15% of its fall; got"),
        (RANKS ** -(1 + 0.03 * np.log(RANKS)), 1, 100, r"one exponent; got a change from about 1 to 1\.3"),
        (np.where(RANKS < 30, 1.0, 0.1), 1, 100, "Kolmogorov-Smirnov distance of at most 0.1; got|off its line"),
        (RANKS**-1.0, 0, None, "first must be a whole number from 1"),
        (np.r_[np.ones(20), np.zeros(20)], 3, 30, "positive eigenvalues; got 0 at rank 21"),
        (np.arange(1.0, 41), None, None, "descending order; got an increase at rank 2"),
        (np.ones((30, 2)), None, None, r"a vector of eigenvalues; got shape \(30, 2\)"),
        (np.r_[np.ones(30), np.nan], None, None, "values must be finite"),
        ([], None, None, "ranks over a factor of at least 8; got 1 to 0 of 0"),
        ("steep", None, None, "values must be an array of numbers; got str"),
    ],
    ids=["short", "narrow", "shallow", "outlier", "bent", "step", "rank_0", "zeros", "ascending", "matrix", "nan",
         "empty", "text"],
)  # fmt: skip
def test_what_cannot_be_fitted_is_refused_with_its_reason(values, first, last, text):
    with pytest.raises(ValueError, match=text):
        lr.fit_power_law(values, first, last)


def test_eigenvalues_that_are_not_positive_end_the_window():
    assert lr.fit_power_law(np.r_[RANKS[:60] ** -1.5, np.zeros(40)]).last == 60
