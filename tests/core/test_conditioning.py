"""Conditioning reports of kernel matrices."""

import numpy as np
import pytest

import lazyrich as lr
from tests.core.test_gram import with_eigenvalues
from tests.tolerances import assert_allclose


def test_it_reports_both_ends_of_the_spectrum_and_their_ratio(rng):
    kernel, _ = with_eigenvalues(np.array([8.0, 2.0, 0.5]), rng)
    report = lr.conditioning(kernel)
    assert_allclose([report.largest, report.smallest, report.condition], [8.0, 0.5, 16.0])
    assert (report.n, report.dtype, report.below_resolution, report.duplicates) == (3, "float64", 0, ())
    assert_allclose(report.resolution, 3 * 2.0**-52 * 8)
    assert str(report) == (
        "The 3 eigenvalues reach from 0.5 to 8. float64 resolves them down to 5.33e-15, and all are above that: "
        "the condition number is 16. The weakest modes are carried by few points: 0."
    )


@pytest.mark.parametrize("activation", ["relu", "erf"])
def test_points_given_twice_are_found_in_their_groups(activation, rng):
    x = rng.normal(size=(30, 4)) * np.logspace(-3, 3, 30)[:, None]
    x[[7, 22]] = x[3]
    x[29] = x[11]
    report = lr.conditioning(lr.ntk(lr.Network(3, activation=activation, bias_var=0.1), x))
    assert report.duplicates == ((3, 7, 22), (11, 29))
    assert report.below_resolution >= 3 and report.condition == np.inf
    assert "Equal rows: 3 = 7 = 22; 11 = 29. Each copy makes one eigenvalue zero." in str(report)


def test_points_that_are_merely_close_are_not_called_equal(rng):
    x = rng.normal(size=(6, 4))
    x[4] = x[1] + 1e-10
    x[5] = x[2] * (1 + 1e-10)
    # In a smooth kernel their distance in feature space is lost to rounding; their rows still differ.
    kernel = lr.nngp(lr.Network(2, activation="erf"), x)
    assert abs(kernel[1, 1] + kernel[4, 4] - 2 * kernel[1, 4]) < 1e-15
    assert lr.conditioning(kernel).duplicates == ()


def test_a_chain_of_close_points_does_not_join_its_ends():
    # Rows 0 and 1 are equal, row 2 differs from both by more than rounding but less than the candidates' margin.
    row = np.array([1.0, 1.0, 1.0 - 1e-15, 0.3])
    kernel = np.array([row, row, row, row])
    kernel[2] = kernel[:, 2] = [1 - 1e-15, 1 - 1e-15, 1.0, 0.3 + 1e-9]
    kernel[3] = kernel[:, 3] = [0.3, 0.3, 0.3 + 1e-9, 1.0]
    assert lr.conditioning(kernel).duplicates == ((0, 1),)


def test_it_says_what_single_precision_has_cost(rng):
    want = np.array([1.0, 0.1, 1e-3, 1e-9, 1e-11])
    kernel, _ = with_eigenvalues(want, rng)
    assert lr.conditioning(kernel).below_resolution == 0
    report = lr.conditioning(kernel.astype(np.float32))
    assert (report.dtype, report.below_resolution, report.condition) == ("float32", 2, np.inf)
    assert_allclose(report.resolution, 5 * 2.0**-23, relative=1e-6)  # the largest eigenvalue rounded to float32
    assert "float32 resolves them down to 5.96e-07, and 2 are rounding below that: singular." in str(report)
    assert "A kernel computed in float64 would resolve them down to 1.11e-15." in str(report)


def test_the_rows_of_a_kernel_of_zeros_are_all_equal():
    report = lr.conditioning(np.zeros((3, 3)))
    assert report.duplicates == ((0, 1, 2),)
    assert report.below_resolution == 3


def test_a_close_pair_that_makes_the_smallest_eigenvalue_small_is_named(rng):
    x = rng.normal(size=(40, 4))
    x[31] = x[5] + 1e-3 * rng.normal(size=4)
    kernel = lr.ntk(lr.Network(2), x)
    report = lr.conditioning(kernel)
    assert report.near_duplicates[0] == (5, 31)
    assert set(report.weakest_points) == {5, 31}
    # Half the squared distance bounds the smallest eigenvalue, and here it is what makes it.
    half = (kernel[5, 5] + kernel[31, 31] - 2 * kernel[5, 31]) / 2
    assert half / 10 < report.smallest < half
    assert "Nearly equal rows, which make the smallest eigenvalue small: 5 and 31." in str(report)
    assert "The weakest modes are carried by few points: " in str(report)
    without = lr.conditioning(np.delete(np.delete(kernel, 31, 0), 31, 1))
    assert without.near_duplicates == () and without.smallest > 3 * report.smallest


def test_copies_are_no_close_pair_and_do_not_hide_one(rng):
    x = rng.normal(size=(30, 4))
    x[9], x[20] = x[2], x[6] + 1e-3
    report = lr.conditioning(lr.ntk(lr.Network(2), x))
    assert report.duplicates == ((2, 9),)
    assert report.near_duplicates == ((6, 20),)
    assert set(report.weakest_points) == {2, 9}


def test_a_smooth_kernel_on_a_regular_grid_is_bad_by_its_decay_and_not_by_a_point():
    a = 2 * np.pi * np.arange(40) / 40
    kernel = lr.nngp(lr.Network(2, activation="erf"), np.stack([np.cos(a), np.sin(a)], axis=1))
    report = lr.conditioning(kernel)
    assert report.near_duplicates == () and len(report.weakest_points) > 30
    assert f"The weakest modes are spread over {len(report.weakest_points)} points." in str(report)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_an_eigensystem_alone_tells_the_same_to_its_resolution(dtype, rng):
    x = rng.normal(size=(30, 4))
    x[9], x[20] = x[2], x[6] + 1e-2
    kernel = lr.ntk(lr.Network(2), x).astype(dtype)
    report = lr.conditioning(kernel)
    assert report.duplicates and report.near_duplicates
    assert lr.conditioning(lr.eigensystem(kernel)) == report


def test_a_given_eigensystem_is_used_and_must_be_of_the_kernel_s_size(rng):
    kernel, _ = with_eigenvalues(np.array([8.0, 2.0, 0.5]), rng)
    assert lr.conditioning(kernel, lr.eigensystem(kernel)) == lr.conditioning(kernel)
    assert lr.conditioning(kernel, lr.eigensystem(2 * kernel)).largest > 15
    with pytest.raises(ValueError, match=r"shape of its system, \(2, 2\); got \(3, 3\)"):
        lr.conditioning(kernel, lr.eigensystem(np.eye(2)))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_an_indefinite_kernel_is_refused_with_its_eigenvalue(dtype, rng):
    kernel, _ = with_eigenvalues(np.array([2.0, 1.0, -0.25]), rng)
    with pytest.raises(ValueError, match=r"positive semi-definite; got the eigenvalue -0\.25"):
        lr.conditioning(kernel.astype(dtype))
