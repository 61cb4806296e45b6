"""Eigensystems of kernel matrices."""

import jax
import jax.numpy as jnp
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


def test_its_power_law_is_the_fit_of_its_values_with_what_the_sample_may_be_off_by(rng):
    kernel, _ = with_eigenvalues(np.arange(1, 31) ** -1.5, rng)
    system = lr.eigensystem(kernel)
    fit = system.power_law(first=2, last=20)
    assert (fit.first, fit.last) == (2, 20)
    assert_allclose(fit.exponent, 1.5, relative=1e-10)  # logarithms of rounded eigenvalues
    x, operator = np.log(np.arange(2, 21)), lr.operator_eigenvalues(system.values)[1:20]
    slope, curvature = -np.polyfit(x, np.log(operator), 1)[0] - 1.5, np.polyfit(x, np.log(operator), 2)[0]
    # The change of an exponent, spread evenly, has the mean square of its twelfth.
    assert_allclose(fit.stderr, np.sqrt(slope**2 + (2 * curvature * (x[-1] - x[0])) ** 2 / 12), relative=1e-6)


@pytest.mark.parametrize("n, ridge", [(3, 0.0), (3, 0.2), (50, 1e-3)])
def test_the_effective_dimension_is_the_trace_of_the_smoother(n, ridge, rng):
    kernel = with_eigenvalues(rng.uniform(0.1, 2, n), rng)[0]
    smoother = kernel @ np.linalg.inv(kernel + ridge * np.eye(n))
    assert_allclose(lr.eigensystem(kernel).effective_dimension(ridge), np.trace(smoother))


def test_without_ridge_the_effective_dimension_is_the_rank(rng):
    kernel, _ = with_eigenvalues(np.array([3.0, 2.0, 1e-9, 0.0, 0.0]), rng)
    assert lr.eigensystem(kernel).effective_dimension(0.0) == 3


def test_the_participation_ratio_is_that_of_the_trace_and_the_norm(rng):
    kernel, _ = with_eigenvalues(np.array([4.0, 2.0, 1.0]), rng)
    assert_allclose(lr.eigensystem(kernel).participation_ratio, np.trace(kernel) ** 2 / np.sum(kernel**2))
    assert lr.eigensystem(np.zeros((3, 3))).participation_ratio == 0


def test_half_of_the_error_in_a_mode_is_left_after_its_half_life(rng):
    kernel, vectors = with_eigenvalues(np.array([4.0, 0.5, 0.0]), rng)
    half_lives = lr.eigensystem(kernel).half_lives
    assert half_lives[2] == np.inf
    for mode in (0, 1):
        flow = lr.LinearDynamics(kernel, vectors[:, mode])
        assert_allclose(flow.train(half_lives[mode]), vectors[:, [mode]] / 2)


def test_the_cumulative_power_is_that_of_projections_on_the_leading_modes(rng):
    kernel, vectors = with_eigenvalues(np.array([4.0, 2.0, 1.0, 0.5]), rng)
    y = rng.normal(size=(4, 2))
    want = [np.sum((vectors[:, :k] @ vectors[:, :k].T @ y) ** 2) / np.sum(y**2) for k in range(1, 5)]
    got = lr.eigensystem(kernel).cumulative_power(y)
    assert_allclose(got, np.array(want))
    assert_allclose(got[-1], 1.0)


@pytest.mark.parametrize("scale", [1.0, 1e-200, 1e150])
def test_the_alignment_is_that_of_the_matrix(scale, rng):
    kernel, y = scale * with_eigenvalues(np.array([4.0, 2.0, 1.0]), rng)[0], rng.normal(size=(3, 2))
    want = np.sum(y * (kernel / scale @ y)) / (np.linalg.norm(kernel / scale) * np.sum(y**2))
    assert_allclose([lr.eigensystem(kernel).alignment(y), lr.target_alignment(kernel, y)], [want, want])


def test_targets_or_kernels_of_zero_have_no_alignment(rng):
    for call in ("alignment", "cumulative_power"):
        with pytest.raises(ValueError, match=r"y must not be zero; got zeros\. Give"):
            getattr(lr.eigensystem(np.eye(3)), call)(np.zeros(3))
    with pytest.raises(ValueError, match=r"kernel must not be zero to have an alignment; got zeros\. Give"):
        lr.eigensystem(np.zeros((3, 3))).alignment(np.ones(3))


# Everything that a system says, as a function of the kernel.
TRACEABLE = {
    "values": lambda kernel, y: lr.eigensystem(kernel).values,
    "projector": lambda kernel, y: jnp.outer(*(lr.eigensystem(kernel).vectors[:, 0],) * 2),
    "condition": lambda kernel, y: lr.eigensystem(kernel).condition,
    "effective_rank": lambda kernel, y: lr.eigensystem(kernel).effective_rank,
    "participation_ratio": lambda kernel, y: lr.eigensystem(kernel).participation_ratio,
    "effective_dimension": lambda kernel, y: lr.eigensystem(kernel).effective_dimension(0.3),
    "half_lives": lambda kernel, y: lr.eigensystem(kernel).half_lives,
    "cumulative_power": lambda kernel, y: lr.eigensystem(kernel).cumulative_power(y),
    "alignment": lambda kernel, y: lr.eigensystem(kernel).alignment(y),
}


@pytest.mark.parametrize("name", TRACEABLE)
def test_it_can_be_mapped_compiled_and_differentiated(name, rng):
    kernels = np.stack([with_eigenvalues(np.array([4.0, 2.0, 1.0, 0.3]), rng)[0] for _ in range(2)])
    y, move = rng.normal(size=(4, 2)), rng.normal(size=(4, 4))
    move, function = move + move.T, TRACEABLE[name]
    with jax.enable_x64(True):
        plain = np.stack([function(kernel, y) for kernel in kernels])
        weights = rng.normal(size=plain[0].shape)

        @jax.jit  # all at once, as compiling is what takes the time
        def traced(kernels):
            slope = jax.grad(lambda kernel: jnp.sum(weights * function(kernel, y)))(kernels[0])
            return jax.vmap(function, in_axes=(0, None))(kernels, y), function(kernels[0], y), slope

        mapped, compiled, slope = traced(kernels)
        assert_allclose(mapped, plain)
        assert_allclose(compiled, plain[0])
        ahead, back = (np.sum(weights * function(kernels[0] + h * move, y)) for h in (1e-5, -1e-5))
        # The central difference's own error: rounding over the step, and the square of the step.
        assert_allclose(np.sum(slope * move), (ahead - back) / 2e-5, relative=1e-7)


def test_the_ridge_of_the_effective_dimension_can_be_differentiated(rng):
    system = lr.eigensystem(with_eigenvalues(np.array([4.0, 2.0, 1.0]), rng)[0])
    with jax.enable_x64(True):
        slope = jax.grad(system.effective_dimension)(0.5)
    assert_allclose(float(slope), float(-(system.values / (system.values + 0.5) ** 2).sum()))


def test_derivatives_through_equal_eigenvalues_exist_for_the_values():
    with jax.enable_x64(True):
        slope = jax.grad(lambda kernel: jnp.sum(lr.eigensystem(kernel).values ** 2))(2 * jnp.eye(3))
    assert_allclose(slope, 4 * np.eye(3))


def test_a_compiled_system_is_a_system_and_a_fit_says_that_it_needs_numbers(rng):
    kernel, _ = with_eigenvalues(np.arange(1, 31) ** -1.5, rng)
    with jax.enable_x64(True):
        system = jax.jit(lr.eigensystem)(kernel)
    assert isinstance(system, lr.Eigensystem)
    assert_allclose(system.condition, 30**1.5, relative=1e-10)  # the smallest has two digits less
    assert_allclose(system.power_law().exponent, 1.5, relative=1e-10)
    with pytest.raises(ValueError, match=r"needs numbers to choose its window by; got a tracer\. Fit"):
        jax.jit(lambda kernel: lr.eigensystem(kernel).power_law().exponent)(kernel)


def test_an_indefinite_kernel_is_refused_with_its_eigenvalue(rng):
    kernel, _ = with_eigenvalues(np.array([2.0, 1.0, -0.25]), rng)
    with pytest.raises(ValueError, match=r"positive semi-definite; got the eigenvalue -0\.25"):
        lr.eigensystem(kernel)


def test_an_asymmetric_kernel_is_refused_with_its_asymmetry():
    with pytest.raises(ValueError, match=r"symmetric; entries differ .* by up to 0\.5"):
        lr.eigensystem(np.array([[2.0, 1.0], [0.5, 2.0]]))
