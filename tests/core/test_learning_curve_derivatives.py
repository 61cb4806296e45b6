"""Derivatives of predicted risks against finite differences, and the risks under JAX's transformations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lazyrich as lr

SPECTRUM = np.arange(1, 41.0) ** -1.5
TARGET = SPECTRUM**0.3
# Ridge, noise, n and k; the third and fourth have a limit in place of a ridge, the last two learn every mode.
CASES = {
    "kernel": (0.1, 0.2, 15.0, np.inf),
    "features": (0.1, 0.2, 15.0, 12.0),
    "no_ridge": (0.0, 0.2, 15.0, 25.0),
    "no_ridge_fewer_features": (0.0, 0.2, 25.0, 15.0),
    "more_points_than_modes": (0.0, 0.2, 60.0, np.inf),
    "more_points_and_features_than_modes": (0.0, 0.2, 60.0, 50.0),
}
# Above 0 of every argument, so that the other side of a ridge of 0 is not asked for.
STEP = 1e-5


def risk(ridge, noise, n, k, eigenvalues=SPECTRUM, coefficients=TARGET):
    result = lr.random_feature_risk(eigenvalues, coefficients, n=n, k=k, ridge=ridge, noise=noise)
    return result.test + 3 * result.train


def forward_difference(function, at):
    """The derivative by four values from `at` upwards, to third order."""
    values = [float(function(at + i * STEP)) for i in range(4)]
    return np.dot([-11, 18, -9, 2], values) / (6 * STEP)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_derivatives_are_finite_differences(case):
    with jax.enable_x64(True):
        gradient = jax.grad(risk, argnums=(0, 1, 2, 3))(*case)
    for place, derivative in enumerate(gradient):
        if np.isfinite(case[place]):
            want = forward_difference(
                lambda value, place=place: risk(*case[:place], value, *case[place + 1 :]), case[place]
            )
            assert derivative == pytest.approx(want, rel=1e-5, abs=1e-7)  # steps of 1e-5, to third order


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_derivatives_in_the_spectrum_are_finite_differences(case, rng):
    direction = rng.uniform(size=40) * SPECTRUM
    with jax.enable_x64(True):
        by_value, by_coefficient = jax.grad(risk, argnums=(4, 5))(*case, SPECTRUM, TARGET)
    along = forward_difference(lambda t: risk(*case, SPECTRUM + t * direction), 0.0)
    assert np.asarray(by_value) @ direction == pytest.approx(along, rel=1e-5, abs=1e-7)  # as above
    along = forward_difference(lambda t: risk(*case, SPECTRUM, TARGET + t * direction), 0.0)
    assert np.asarray(by_coefficient) @ direction == pytest.approx(along, rel=1e-5, abs=1e-7)


def test_second_derivatives_and_whole_curves_differentiate_too():
    n = np.array([5.0, 15.0, 60.0])

    def of_a_curve(ridge):
        return lr.kernel_regression_risk(SPECTRUM, TARGET, n=n, ridge=ridge, noise=0.2).test.sum()

    with jax.enable_x64(True):
        slope, bend = jax.grad(of_a_curve), jax.grad(jax.grad(of_a_curve))
        assert slope(0.1) == pytest.approx(forward_difference(of_a_curve, 0.1), rel=1e-5)
        assert bend(0.1) == pytest.approx(forward_difference(slope, 0.1), rel=1e-5)


def test_a_peak_leaves_the_derivatives_of_the_other_entries_alone():
    ridge = np.zeros(3)
    n = np.array([15.0, 40.0, 60.0])
    with jax.enable_x64(True):
        jacobian = jax.jacobian(
            lambda noise: lr.kernel_regression_risk(SPECTRUM, TARGET, n=n, ridge=ridge, noise=noise).test
        )
        assert np.isfinite(np.asarray(jacobian(0.1))[[0, 2]]).all()


@pytest.mark.parametrize("double", [False, True])
def test_mapped_and_compiled_risks_are_those_of_arrays(double):
    ridges = np.array([0.0, 0.1, 2.0])
    want = lr.kernel_regression_risk(SPECTRUM, TARGET, n=15, ridge=ridges, noise=0.2)
    with jax.enable_x64(double):
        mapped = jax.jit(jax.vmap(lambda r: lr.kernel_regression_risk(SPECTRUM, TARGET, n=15, ridge=r, noise=0.2)))
        got = mapped(jnp.asarray(ridges))
    for ours, theirs in zip(got, want, strict=True):
        # The ridge comes in single precision by default.
        np.testing.assert_allclose(ours, theirs, rtol=1e-12 if double else 1e-6)


def test_spectra_are_mapped_over():
    spectra = np.stack([SPECTRUM, SPECTRUM**2])
    with jax.enable_x64(True):
        got = jax.vmap(lambda values: lr.kernel_regression_risk(values, TARGET, n=15).test)(spectra)
    want = [lr.kernel_regression_risk(values, TARGET, n=15).test for values in spectra]
    np.testing.assert_allclose(got, want, rtol=1e-12)


def test_derivatives_need_no_double_precision_of_the_caller():
    assert not jax.config.jax_enable_x64
    got = jax.grad(lambda ridge: lr.kernel_regression_risk(SPECTRUM, TARGET, n=15, ridge=ridge, noise=0.2).test)(0.1)
    want = forward_difference(lambda r: lr.kernel_regression_risk(SPECTRUM, TARGET, n=15, ridge=r, noise=0.2).test, 0.1)
    assert got == pytest.approx(want, rel=1e-4)  # the ridge has the caller's single precision
