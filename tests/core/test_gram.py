"""Eigensystems of kernel matrices."""

import numpy as np
import pytest

import lazyrich as lr
from tests.tolerances import assert_allclose


def with_eigenvalues(values, rng):
    """A symmetric matrix of these eigenvalues, and its eigenvectors."""
    vectors = np.linalg.qr(rng.normal(size=(len(values), len(values))))[0]
    return (vectors * values) @ vectors.T, vectors


def test_values_descend_and_vectors_are_orthonormal_and_rebuild_the_kernel(rng):
    want = np.array([7.0, 3.0, 0.5, 1e-3])
    kernel, _ = with_eigenvalues(want[[2, 0, 3, 1]], rng)
    system = lr.eigensystem(kernel)
    assert_allclose(system.values, want)
    assert_allclose(system.vectors.T @ system.vectors, np.eye(4))
    assert_allclose((system.vectors * system.values) @ system.vectors.T, kernel)
    assert_allclose(system.condition, 7000, relative=1e-10)  # the smallest has three digits less


def test_a_kernel_on_a_regular_polygon_has_the_spectrum_of_a_circulant():
    # Equally spaced points on a circle: the eigenvalues are the Fourier coefficients of one row.
    a = 2 * np.pi * np.arange(16) / 16
    theta = lr.ntk(lr.Network(depth=2), np.sqrt(2) * np.stack([np.cos(a), np.sin(a)], axis=1))
    assert_allclose(lr.eigensystem(theta).values, np.sort(np.fft.fft(theta[0]).real)[::-1])


@pytest.mark.parametrize("equal", [1, 3, 6])
def test_the_effective_rank_of_equal_eigenvalues_is_their_number(equal, rng):
    kernel, _ = with_eigenvalues(np.where(np.arange(6) < equal, 2.5, 0.0), rng)
    assert_allclose(lr.eigensystem(kernel).effective_rank, float(equal))


def test_the_effective_rank_is_the_exponential_of_the_entropy(rng):
    p = np.array([0.5, 0.25, 0.125, 0.125])
    kernel, _ = with_eigenvalues(3 * p, rng)
    # Entropy 1.75 bits.
    assert_allclose(lr.eigensystem(kernel).effective_rank, 2**1.75)


def test_coefficients_are_those_in_the_eigenbasis(rng):
    kernel, vectors = with_eigenvalues(np.array([4.0, 2.0, 1.0]), rng)
    y = vectors @ np.array([[5.0, 0.0], [0.0, -2.0], [1.0, 0.0]])
    assert_allclose(np.abs(lr.eigensystem(kernel).coefficients(y)), np.abs(vectors.T @ y))
    assert lr.eigensystem(kernel).coefficients(y[:, 0]).shape == (3, 1)


def test_a_singular_kernel_has_no_finite_condition_and_keeps_what_rounding_left(rng):
    x = rng.normal(size=(7, 3))
    x[1] = x[0]
    system = lr.eigensystem(lr.ntk(lr.Network(), x))
    assert system.condition == np.inf
    assert abs(system.values[-1]) <= system.resolution < 1e-12 * system.values[0]
    zero = lr.eigensystem(np.zeros((3, 3)))
    assert zero.condition == np.inf and zero.effective_rank == 0


def test_the_resolution_is_that_of_the_precision_the_kernel_came_in(rng):
    kernel, _ = with_eigenvalues(np.array([1.0, 0.1, 1e-9]), rng)
    assert lr.eigensystem(kernel).condition < 2e9
    # In float32 the last eigenvalue is rounding, whichever sign it comes out with.
    assert lr.eigensystem(kernel.astype(np.float32)).condition == np.inf


def test_its_power_law_is_the_fit_of_its_values(rng):
    kernel, _ = with_eigenvalues(np.arange(1, 31) ** -1.5, rng)
    fit = lr.eigensystem(kernel).power_law(first=2, last=20)
    assert (fit.first, fit.last) == (2, 20)
    assert_allclose(fit.exponent, 1.5, relative=1e-10)  # logarithms of rounded eigenvalues


def test_an_indefinite_kernel_is_refused_with_its_eigenvalue(rng):
    kernel, _ = with_eigenvalues(np.array([2.0, 1.0, -0.25]), rng)
    with pytest.raises(ValueError, match=r"positive semi-definite; got the eigenvalue -0\.25"):
        lr.eigensystem(kernel)


def test_an_asymmetric_kernel_is_refused_with_its_asymmetry():
    with pytest.raises(ValueError, match=r"symmetric; entries differ .* by up to 0\.5"):
        lr.eigensystem(np.array([[2.0, 1.0], [0.5, 2.0]]))
