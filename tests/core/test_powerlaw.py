"""Power-law fits of a spectrum."""

import numpy as np
import pytest

import lazyrich as lr
from tests.tolerances import assert_allclose

RANKS = np.arange(1, 101)


def test_an_exact_power_law_is_found_with_no_uncertainty():
    fit = lr.fit_power_law(5 * RANKS**-1.7)
    assert_allclose([fit.exponent, fit.prefactor], [1.7, 5.0])
    assert fit.stderr < 1e-12
    assert_allclose(fit(RANKS), 5 * RANKS**-1.7)


def test_the_default_window_leaves_out_the_head_and_the_tail():
    values = 5 * RANKS**-1.7
    values[:2] *= 100
    values[50:] *= 1e-9
    fit = lr.fit_power_law(values)
    assert (fit.first, fit.last) == (3, 50)
    assert_allclose(fit.exponent, 1.7)


def test_the_fit_is_ordinary_least_squares_in_logarithms(rng):
    values = np.sort(RANKS**-1.2 * np.exp(0.3 * rng.normal(size=100)))[::-1]
    fit = lr.fit_power_law(values, first=4, last=40)
    x, y = np.log(RANKS[3:40]), np.log(values[3:40])
    (slope, intercept), covariance = np.polyfit(x, y, 1, cov=True)
    assert_allclose(
        [fit.exponent, fit.prefactor, fit.stderr],
        [-slope, np.exp(intercept), np.sqrt(covariance[0, 0])],
    )


def test_the_standard_error_is_the_spread_of_the_exponent(rng):
    # A steep law with a little noise, so that the values stay in descending order.
    noise = 1e-3 * rng.normal(size=(400, 100))
    fits = [lr.fit_power_law(RANKS**-2.0 * np.exp(e)) for e in noise]
    scores = [(fit.exponent - 2) / fit.stderr for fit in fits]
    # Five standard errors of a mean and of a standard deviation of 400.
    assert abs(np.mean(scores)) < 5 / np.sqrt(400)
    assert abs(np.std(scores) - 1) < 5 / np.sqrt(800)


@pytest.mark.parametrize(
    "values, first, last, text",
    [
        (np.ones(12), None, None, r"at least 5 ranks; got 4 \(3 to 6 of 12\)"),
        (np.ones(100), 50, 52, "at least 5 ranks; got 3"),
        (np.ones(100), 0, None, "first must be a whole number from 1"),
        (np.r_[np.ones(20), np.zeros(20)], 3, 30, "positive eigenvalues; got 0 at rank 21"),
        (np.arange(1.0, 41), None, None, "descending order; got an increase at rank 4"),
        (np.ones((30, 2)), None, None, r"a vector of eigenvalues; got shape \(30, 2\)"),
        (np.r_[np.ones(30), np.nan], None, None, "values must be finite"),
        ([], None, None, "at least 5 ranks"),
        ("steep", None, None, "values must be an array of numbers; got str"),
    ],
    ids=["short", "narrow", "rank_0", "zeros", "ascending", "matrix", "nan", "empty", "text"],
)
def test_what_cannot_be_fitted_is_refused_with_its_reason(values, first, last, text):
    with pytest.raises(ValueError, match=text):
        lr.fit_power_law(values, first, last)
