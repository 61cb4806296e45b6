"""The four scaling regimes of learning curves, as slopes of predicted curves on power-law spectra."""

import numpy as np
import pytest

import lazyrich as lr

# Where no more points or features change a prediction: the spectra have at most 400,000 modes.
NO_LIMIT = 1e12


def power_law(exponent, modes):
    """Eigenvalues i^-(1 + exponent) and coefficients of a target drawn from the kernel's prior."""
    eigenvalues = np.arange(1, modes + 1.0) ** -(1 + exponent)
    return eigenvalues, np.sqrt(eigenvalues)


def slope(x, y):
    return np.polyfit(np.log(x), np.log(y), 1)[0]


@pytest.mark.parametrize(("exponent", "modes"), [(0.5, 400_000), (1.0, 40_000), (1.5, 40_000)])
def test_resolution_limited_errors_fall_with_the_spectrum_s_exponent(exponent, modes):
    spectrum, sizes = power_law(exponent, modes), np.geomspace(20, 200, 6)
    points = lr.random_feature_risk(*spectrum, n=sizes, k=np.inf).test
    features = lr.random_feature_risk(*spectrum, n=NO_LIMIT, k=sizes).test
    # The tail that is cut off is 3 % of the smallest error at most, and sums are integrals to 1/20.
    assert slope(sizes, points) == pytest.approx(-exponent, abs=0.03)
    assert slope(sizes, features) == pytest.approx(-exponent, abs=0.03)


def test_variance_limited_errors_fall_as_one_over_points_or_features():
    spectrum, sizes = power_law(1.0, 40_000), np.geomspace(1e3, 1e4, 6)
    features = lr.random_feature_risk(*spectrum, n=20, k=sizes).test - lr.kernel_regression_risk(*spectrum, n=20).test
    points = lr.random_feature_risk(*spectrum, n=sizes, k=20).test
    points = points - lr.random_feature_risk(*spectrum, n=NO_LIMIT, k=20).test
    # Corrections of order 20/1,000.
    assert slope(sizes, features) == pytest.approx(-1, abs=0.02)
    assert slope(sizes, points) == pytest.approx(-1, abs=0.02)
