"""Linear systems by preconditioned conjugate gradients."""

import numpy as np
import pytest
from scipy.sparse.linalg import aslinearoperator

import lazyrich as lr
from lazyrich.spectra.conjugate_gradients import _preconditioner, nystrom
from lazyrich.spectra.operators import as_kernel
from tests.core.test_gram import with_eigenvalues
from tests.tolerances import assert_allclose

STEEP = 100.0 * np.arange(1, 81) ** -4.0


@pytest.fixture
def kernel(rng):
    return with_eigenvalues(STEEP, rng)[0]


@pytest.fixture
def y(rng):
    return rng.normal(size=(80, 3)) * [1.0, 1e6, 1e-6]


@pytest.mark.parametrize("rank", [None, 0, 5, 80])
@pytest.mark.parametrize("ridge", [1e-3, 1.0])
def test_it_solves_the_system_to_the_residual_it_reports(ridge, rank, kernel, y):
    solution = lr.solve(kernel, y, ridge=ridge, rank=rank, tolerance=1e-9)
    matrix = kernel + ridge * np.eye(80)
    want = np.linalg.inv(matrix) @ y
    residuals = np.linalg.norm(y - matrix @ solution.x, axis=0) / np.linalg.norm(y, axis=0)
    assert residuals.max() <= 1e-9
    assert np.abs(residuals - solution.residuals).max() < 1e-12
    error = np.linalg.norm(solution.x - want, axis=0) / np.linalg.norm(want, axis=0)
    assert error.max() <= 1e-9 * np.linalg.cond(matrix)


def test_without_a_ridge_it_inverts_the_kernel(rng):
    kernel = lr.ntk(lr.Network(3), rng.normal(size=(40, 5)))
    y = rng.normal(size=40)
    solution = lr.solve(kernel, y, tolerance=1e-12)
    assert solution.x.shape == (40, 1)
    assert_allclose(kernel @ solution.x[:, 0], y, relative=1e-11)


def test_the_preconditioner_makes_the_iterations_few(kernel, y):
    plain, preconditioned = (lr.solve(kernel, y, ridge=1e-3, rank=rank).iterations for rank in (0, 30))
    assert preconditioned < 10 < 4 * preconditioned < plain


def test_the_approximation_is_that_of_the_textbook(kernel, rng):
    operator = as_kernel(kernel, rng)
    u, values = nystrom(operator, 10, np.random.default_rng(7))
    omega = np.random.default_rng(7).standard_normal((80, 10))
    want = kernel @ omega @ np.linalg.pinv(omega.T @ kernel @ omega) @ omega.T @ kernel
    assert_allclose((u * values) @ u.T, want, relative=1e-10)  # the core's condition number is some thousands
    assert_allclose(u.T @ u, np.eye(10))


def test_the_preconditioner_is_that_of_the_paper(kernel, rng):
    approximation = nystrom(as_kernel(kernel, rng), 10, rng)
    u, values = approximation
    smallest, mu, v = values[-1], 0.3, rng.normal(size=(80, 2))
    want = (smallest + mu) * u @ np.diag(1 / (values + mu)) @ u.T @ v + (np.eye(80) - u @ u.T) @ v
    assert_allclose(_preconditioner(approximation, mu)(v), want)


def test_a_rank_above_the_kernel_s_own_is_harmless(rng):
    kernel, vectors = with_eigenvalues(np.where(np.arange(30) < 4, [5.0], 0.0), rng)
    y = rng.normal(size=30)
    solution = lr.solve(kernel, y, ridge=0.5, rank=20)
    assert solution.rank == 4
    inside = vectors[:, :4] @ vectors[:, :4].T @ y
    assert_allclose(solution.x[:, 0], inside / 5.5 + (y - inside) / 0.5, relative=1e-7)  # the tolerance is 1e-8


def test_a_column_of_zeros_has_the_solution_zero(kernel, y):
    y = y * [1.0, 0.0, 1.0]
    solution = lr.solve(kernel, y, ridge=0.1)
    assert (solution.x[:, 1] == 0).all() and solution.residuals[1] == 0
    assert solution.residuals.max() <= 1e-8
    nothing = lr.solve(kernel, np.zeros(80))
    assert not nothing.x.any() and nothing.iterations == 0


def test_an_operator_a_memory_map_and_single_precision_are_taken(kernel, y, tmp_path):
    np.save(tmp_path / "kernel.npy", kernel)
    want = lr.solve(kernel, y, ridge=0.1).x
    assert_allclose(lr.solve(aslinearoperator(kernel), y, ridge=0.1).x, want)
    assert_allclose(lr.solve(np.load(tmp_path / "kernel.npy", mmap_mode="r"), y, ridge=0.1).x, want)
    single = kernel.astype(np.float32)
    got = lr.solve(single, y, ridge=0.1, tolerance=1e-12).x
    want = np.linalg.inv(single.astype(np.float64) + 0.1 * np.eye(80)) @ y
    assert_allclose(got, want, relative=1e-9)


def test_a_tolerance_that_is_not_met_is_refused_with_the_true_residual(kernel, y):
    with pytest.raises(ValueError, match=r"at most the tolerance, 1e-08; got \d+\.\d+ after 2 iterations"):
        lr.solve(kernel, y, ridge=1e-3, rank=0, max_iterations=2)
    # Beyond rounding: the residual that the iteration carries along gets there, the true one does not.
    with pytest.raises(ValueError, match=r"at most the tolerance, 1e-18; got .*e-1[1-7] after"):
        lr.solve(kernel, y, ridge=1e-3, tolerance=1e-18)


@pytest.mark.parametrize("wrap", [np.asarray, aslinearoperator], ids=["array", "operator"])
@pytest.mark.parametrize("rank", [0, 4])
def test_an_indefinite_kernel_is_refused_with_its_eigenvalue(wrap, rank, rng):
    kernel, _ = with_eigenvalues(np.linspace(-1, 5, 30), rng)
    with pytest.raises(ValueError, match=r"positive semi-definite; got an eigenvalue of at most -"):
        lr.solve(wrap(kernel), np.ones(30), rank=rank)


def test_a_singular_kernel_without_a_ridge_is_refused(rng):
    with pytest.raises(ValueError, match=r"must be positive definite beyond rounding; got the Rayleigh quotient 0"):
        lr.solve(np.zeros((5, 5)), np.ones(5))
    duplicate = np.array([[2.0, 2.0, 1.0], [2.0, 2.0, 1.0], [1.0, 1.0, 3.0]])
    with pytest.raises(ValueError, match=r"positive definite beyond rounding; got|at most the tolerance, 1e-08; got"):
        lr.solve(duplicate, [1.0, -1.0, 0.0])
    assert_allclose(lr.solve(duplicate, [1.0, 1.0, 0.5]).x.sum(), 0.5)  # a right-hand side within its range
