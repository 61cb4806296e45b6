"""The largest eigenpairs by Lanczos iteration."""

import itertools

import numpy as np
import pytest
from scipy.sparse.linalg import aslinearoperator

import lazyrich as lr
from lazyrich.spectra import operators
from tests.core.test_gram import with_eigenvalues
from tests.tolerances import assert_allclose


@pytest.fixture
def kernel(rng):
    return lr.ntk(lr.Network(2, activation="erf"), rng.normal(size=(60, 3)))


def checked(pairs, kernel, k):
    """The pairs are the k largest of `kernel`, by LAPACK, and meet what they promise."""
    want = np.linalg.eigvalsh(kernel)[::-1][:k]
    assert pairs.vectors.shape == (len(kernel), k)
    # Of second order in residuals below 1e-10.
    assert_allclose(pairs.values, want)
    assert_allclose(pairs.vectors.T @ pairs.vectors, np.eye(k))
    residuals = np.linalg.norm(kernel @ pairs.vectors - pairs.vectors * pairs.values, axis=0) / want[0]
    assert residuals.max() <= 1e-10
    assert np.abs(residuals - pairs.residuals).max() <= 1e-14


@pytest.mark.parametrize("k", [1, 2, 17, 58, 59])
def test_they_are_the_largest_pairs_that_lapack_finds(k, kernel):
    checked(lr.top_eigenpairs(kernel, k), kernel, k)


@pytest.mark.parametrize("seed", range(6))
def test_equal_eigenvalues_are_all_found(seed):
    # On a circle every eigenvalue but the first comes twice, and one Lanczos run misses the second of a pair.
    a = 2 * np.pi * np.arange(100) / 100
    kernel = lr.ntk(lr.Network(depth=2), np.sqrt(2) * np.stack([np.cos(a), np.sin(a)], axis=1))
    checked(lr.top_eigenpairs(kernel, 7, seed=seed), kernel, 7)


@pytest.mark.parametrize("k", [5, 20, 23])
def test_many_equal_eigenvalues_are_all_found(k):
    # On a cube they come in groups of 1, 7, 21, 35, ...; a run that misses several copies finds smaller ones instead.
    cube = np.array(list(itertools.product([-1.0, 1.0], repeat=7)))
    kernel = lr.ntk(lr.Network(depth=2), cube)
    checked(lr.top_eigenpairs(kernel, k), kernel, k)


@pytest.mark.parametrize("rank", [0, 1, 3])
def test_a_kernel_of_lower_rank_has_zeros_after_it(rank, rng):
    kernel, _ = with_eigenvalues(np.where(np.arange(20) < rank, 300.0, 0.0), rng)
    pairs = lr.top_eigenpairs(kernel, 5)
    assert np.abs(pairs.values - np.where(np.arange(5) < rank, 300.0, 0.0)).max() < 1e-9
    assert_allclose(pairs.vectors.T @ pairs.vectors, np.eye(5))


def test_all_eigenvalues_of_the_identity_are_one():
    assert_allclose(lr.top_eigenpairs(np.eye(9), 8).values, np.ones(8))


def test_they_say_of_the_targets_what_the_whole_eigensystem_says(kernel, rng):
    pairs, system, y = lr.top_eigenpairs(kernel, 12), lr.eigensystem(kernel), rng.normal(size=(60, 2))
    assert_allclose(np.abs(pairs.coefficients(y)), np.abs(system.coefficients(y)[:12]), relative=1e-8)  # of vectors
    assert_allclose(pairs.cumulative_power(y), system.cumulative_power(y)[:12], relative=1e-8)
    assert_allclose(pairs.half_lives, system.half_lives[:12], relative=1e-10)
    assert pairs.resolution == pytest.approx(system.resolution)


def test_their_power_law_is_that_of_the_first_eigenvalues(rng):
    kernel, _ = with_eigenvalues(np.arange(1, 41) ** -2.0, rng)
    fit = lr.top_eigenpairs(kernel, 16).power_law()
    assert (fit.first, fit.last) == (1, 16)
    assert_allclose(fit.exponent, 2.0, relative=1e-10)


def test_an_operator_a_memory_map_and_an_array_give_the_same(kernel, tmp_path):
    np.save(tmp_path / "kernel.npy", kernel)
    want = lr.top_eigenpairs(kernel, 4)
    for same in (aslinearoperator(kernel), np.load(tmp_path / "kernel.npy", mmap_mode="r"), kernel.tolist()):
        got = lr.top_eigenpairs(same, 4)
        assert_allclose(got.values, want.values)
        assert_allclose(got.vectors @ got.vectors.T, want.vectors @ want.vectors.T, relative=1e-9)


def test_a_kernel_in_single_precision_is_taken_as_it_is_strip_by_strip(kernel, monkeypatch):
    monkeypatch.setattr(operators, "_STRIP", 7 * 60)
    single = kernel.astype(np.float32)
    assert [len(strip) for strip in operators.strips(single)] == [7] * 8 + [4]
    checked(lr.top_eigenpairs(single, 5), single.astype(np.float64), 5)


def test_the_seed_moves_where_it_starts_and_nothing_else(kernel):
    one, same, other = (lr.top_eigenpairs(kernel, 3, seed=seed) for seed in (1, 1, 2))
    assert (one.vectors == same.vectors).all()
    assert (one.vectors != other.vectors).any()
    assert_allclose(one.values, other.values)


def test_a_tolerance_beyond_float64_is_refused_with_what_was_reached(kernel):
    with pytest.raises(ValueError, match=r"at most the tolerance, 1e-20; got .*e-1[5-7]"):
        lr.top_eigenpairs(kernel, 3, tolerance=1e-20)


def test_an_iteration_that_does_not_converge_says_how_far_it_came(monkeypatch, rng):
    kernel, _ = with_eigenvalues(1 + np.linspace(0, 1, 200), rng)
    eigsh = lr.spectra.lanczos.eigsh
    monkeypatch.setattr(lr.spectra.lanczos, "eigsh", lambda *args, **kwargs: eigsh(*args, **kwargs, maxiter=1))
    with pytest.raises(ValueError, match=r"Lanczos needs to converge to the tolerance 1e-10; got \d of 5 pairs"):
        lr.top_eigenpairs(kernel, 5)


@pytest.mark.parametrize("values", [[-9.0, 1.0, 1.0, 1.0], [-1e-3, 0.0, 1.0, 2.0]], ids=["by_far", "slightly"])
@pytest.mark.parametrize("wrap", [np.asarray, aslinearoperator], ids=["array", "operator"])
def test_a_negative_eigenvalue_that_is_met_is_refused_by_name(values, wrap, rng):
    kernel, _ = with_eigenvalues(np.array(values), rng)
    with pytest.raises(ValueError, match=r"positive semi-definite; got an eigenvalue of at most -"):
        lr.top_eigenpairs(wrap(kernel), 3)


@pytest.mark.parametrize(
    "kernel, text",
    [
        (np.triu(np.ones((9, 9))), "must be symmetric; .* got a difference of"),
        (aslinearoperator(np.triu(np.ones((9, 9)))), "must be symmetric; .* got a difference of"),
        (aslinearoperator(np.ones((9, 8))), r"must be square; got shape \(9, 8\)"),
        (aslinearoperator(np.eye(9) * 1j), "operator on real numbers; got complex128"),
        (aslinearoperator(np.full((9, 9), np.nan)), "finite products; got 18 NaN or infinite of 18 numbers"),
        (np.full((9, 9), 1e308), "finite products; got"),
        (np.full((9, 9), np.inf), "must be finite; got 81 NaN or infinite of 81 numbers"),
    ],
    ids=["asymmetric", "asymmetric_operator", "oblong", "complex", "nan_operator", "overflow", "infinite"],
)
def test_what_is_no_kernel_is_refused(kernel, text):
    with pytest.raises(ValueError, match=text):
        lr.top_eigenpairs(kernel, 3)
