"""Derivatives of predicted risks against finite differences, and the risks under JAX's transformations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lazyrich as lr

SPECTRUM = np.arange(1, 41.0) ** -1.5
TARGET = SPECTRUM**0.3
# Ridge, noise, n and k: the third and fourth have a limit in place of a ridge, the last two learn every mode.
CASES = {
    "kernel": (0.1, 0.2, 15.0, np.inf),
    "features": (0.1, 0.2, 15.0, 12.0),
    "no_ridge": (0.0, 0.2, 15.0, 25.0),
    "no_ridge_fewer_features": (0.0, 0.2, 25.0, 15.0),
    "more_points_than_modes": (0.0, 0.2, 60.0, np.inf),
    "more_points_and_features_than_modes": (0.0, 0.2, 60.0, 50.0),
}
ARGUMENTS = tuple(np.array(column) for column in zip(*CASES.values(), strict=True))
STEP = 1e-5


def risks(ridge, noise, n, k, eigenvalues=SPECTRUM, coefficients=TARGET):
    """Both errors of every case in one number, of which an entry's derivative is its own."""
    result = lr.random_feature_risk(eigenvalues, coefficients, n=n, k=k, ridge=ridge, noise=noise)
    return (result.test + 3 * result.train).sum()


def forward_difference(function, at=0.0):
    """The derivative by four values from `at` upwards, as a ridge has no other side at 0, to third order."""
    values = [float(function(at + i * STEP)) for i in range(4)]
    return np.dot([-11, 18, -9, 2], values) / (6 * STEP)


@pytest.fixture(scope="module")
def gradient():
    with jax.enable_x64(True):
        slopes = jax.jit(jax.grad(risks, argnums=range(6)))
        return [np.asarray(part) for part in slopes(*ARGUMENTS, SPECTRUM, TARGET)]


@pytest.mark.parametrize("case", range(len(CASES)), ids=CASES)
def test_derivatives_are_finite_differences(case, gradient):
    for place in range(4):
        unit = np.zeros(len(CASES))
        unit[case] = 1.0

        def along(t, place=place, unit=unit):
            moved = [value + t * unit if i == place else value for i, value in enumerate(ARGUMENTS)]
            return risks(*moved)

        # Differences of 1e-5 of sums of order 100 leave ten digits less five.
        assert gradient[place][case] == pytest.approx(forward_difference(along), rel=1e-4, abs=1e-7)


def test_derivatives_in_the_spectrum_are_finite_differences(gradient, rng):
    direction = rng.uniform(size=40) * SPECTRUM
    by_value = forward_difference(lambda t: risks(*ARGUMENTS, SPECTRUM + t * direction))
    assert gradient[4] @ direction == pytest.approx(by_value, rel=1e-4)  # as above
    by_coefficient = forward_difference(lambda t: risks(*ARGUMENTS, SPECTRUM, TARGET + t * direction))
    assert gradient[5] @ direction == pytest.approx(by_coefficient, rel=1e-4)


def test_second_derivatives_are_differences_of_first_ones():
    with jax.enable_x64(True):
        slope = jax.jit(jax.grad(lambda r: lr.kernel_regression_risk(SPECTRUM, TARGET, n=15, ridge=r, noise=0.2).test))
        assert float(jax.jit(jax.grad(slope))(0.1)) == pytest.approx(forward_difference(slope, 0.1), rel=1e-5)


def test_mapped_and_compiled_risks_are_those_of_arrays():
    ridges = np.array([0.0, 0.1, 2.0])
    want = lr.kernel_regression_risk(SPECTRUM, TARGET, n=15, ridge=ridges, noise=0.2)
    mapped = jax.jit(jax.vmap(lambda r: lr.kernel_regression_risk(SPECTRUM, TARGET, n=15, ridge=r, noise=0.2)))
    for ours, theirs in zip(mapped(jnp.asarray(ridges)), want, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)  # the ridge comes in the caller's single precision


def test_spectra_are_mapped_over():
    spectra = np.stack([SPECTRUM, SPECTRUM**2])
    with jax.enable_x64(True):
        got = jax.jit(jax.vmap(lambda values: lr.kernel_regression_risk(values, TARGET, n=15).test))(spectra)
    want = [lr.kernel_regression_risk(values, TARGET, n=15).test for values in spectra]
    np.testing.assert_allclose(got, want, rtol=1e-12)


def test_derivatives_need_no_double_precision_of_the_caller():
    assert not jax.config.jax_enable_x64
    got = jax.grad(lambda ridge: lr.kernel_regression_risk(SPECTRUM, TARGET, n=15, ridge=ridge, noise=0.2).test)(0.1)
    want = forward_difference(lambda r: lr.kernel_regression_risk(SPECTRUM, TARGET, n=15, ridge=r, noise=0.2).test, 0.1)
    assert got == pytest.approx(want, rel=1e-4)  # the ridge has the caller's single precision
