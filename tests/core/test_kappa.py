"""What a Gram matrix says of its kernel's operator."""

import numpy as np
import pytest

import lazyrich as lr
from tests.tolerances import assert_allclose

FEATURES, SIZES = 1000, (20, 40, 60, 120)


def gram(exponent, n, rng):
    """The Gram matrix of Gaussian features of variances j^-exponent, with what follows feature 1,000 as its mean."""
    sample = rng.normal(size=(n, FEATURES)) * np.arange(1.0, FEATURES + 1) ** (-exponent / 2)
    return sample @ sample.T + np.eye(n) * FEATURES ** (1 - exponent) / (exponent - 1)


@pytest.mark.parametrize("exponent", [1.2, 1.5, 2.0, 3.0])
def test_kappa_falls_with_the_exponent_of_the_eigenvalues(exponent, rng):
    results = [lr.kappa_from_gram(gram(exponent, 240, rng), SIZES) for _ in range(5)]
    for result in results:
        assert abs(result.exponent - exponent) < 3 * result.exponent_stderr < 0.3


@pytest.mark.parametrize("ridge", [0.0, 0.5])
def test_kappa_is_the_effective_ridge_of_the_learning_curves(ridge, rng):
    eigenvalues = np.arange(1.0, FEATURES + 1) ** -1.5
    pools = [rng.normal(size=(200, FEATURES)) * np.sqrt(eigenvalues) for _ in range(20)]
    results = [lr.kappa_from_gram(x @ x.T, (30, 50, 100), ridge=ridge) for x in pools]
    means = np.array([result.kappa_mean for result in results])
    want = lr.kernel_regression_risk(eigenvalues, eigenvalues, n=[30, 50, 100], ridge=ridge).kappa
    # The theory is that of large n; its error is of the order 1/n.
    assert (np.abs(means.mean(axis=0) / want - 1) < 1 / np.array([30, 50, 100])).all()
    # The standard error is that over pools: five standard errors of a standard deviation of 20.
    ratio = means.std(axis=0, ddof=1) / np.mean([result.kappa_stderr for result in results], axis=0)
    assert (np.abs(ratio - 1) < 5 / np.sqrt(40)).all()


def test_every_subset_gives_one_over_the_trace_of_its_inverse(rng):
    kernel = gram(1.5, 30, rng)
    result = lr.kappa_from_gram(kernel, (5, 10, 15), subsets=3, ridge=0.1, seed=7)
    orders = np.random.default_rng(7)
    for subset in range(3):
        order = orders.permutation(30)
        for n in (5, 10, 15):
            inverse = np.linalg.inv(kernel[np.ix_(order[:n], order[:n])] + 0.1 * np.eye(n))
            assert_allclose(float(result.kappa.sel(size=n, subset=subset)), float(1 / np.trace(inverse)))
    slopes = [-np.polyfit(np.log(result["size"] + 0.5), np.log(result.kappa[:, j]), 1)[0] for j in range(3)]
    assert_allclose(float(result.exponent), float(np.mean(slopes)))


def test_an_asymmetric_kernel_is_refused():
    with pytest.raises(ValueError, match=r"kernel must be symmetric; entries differ .* by up to 1"):
        lr.kappa_from_gram(np.triu(np.ones((20, 20))), (2, 5, 10))


def test_a_result_is_saved_and_loaded_with_its_settings(tmp_path, rng):
    result = lr.kappa_from_gram(gram(2.0, 20, rng), (2, 5, 10))
    assert lr.load(lr.save(result, tmp_path / "kappa.nc")).identical(result)
    assert result.attrs == {"ridge": 0.0, "seed": 0, "points": 20}


def test_a_singular_gram_matrix_is_refused_with_its_eigenvalue(rng):
    x = rng.normal(size=(40, 3))
    with pytest.raises(ValueError, match=r"definite beyond rounding; got the smallest eigenvalue .* of \d+ points"):
        lr.kappa_from_gram(x @ x.T, (2, 5, 10))
    assert lr.kappa_from_gram(x @ x.T, (2, 5, 10), ridge=0.1).kappa.min() > 0
    with pytest.raises(ValueError, match="definite beyond rounding"):
        lr.kappa_from_gram(np.eye(40, dtype=np.float32) * 1e-8 + np.ones((40, 40), np.float32), (2, 5, 10))


@pytest.mark.parametrize("exponent", [1.2, 3.0])
def test_the_operator_s_eigenvalues_have_its_exponent_where_the_sample_s_have_not(exponent, rng):
    ranks = np.arange(5, 101)
    sample, operator = [], []
    for _ in range(5):
        values = np.linalg.eigvalsh(gram(exponent, 200, rng))[::-1]
        for slopes, found in ((sample, values), (operator, lr.operator_eigenvalues(values))):
            slopes.append(-np.polyfit(np.log(ranks), np.log(found[ranks - 1]), 1)[0])
    assert abs(np.mean(operator) - exponent) < 0.06 < 0.1 < abs(np.mean(sample) - exponent)


def test_one_eigenvalue_far_above_equal_ones_is_what_the_spiked_model_says(rng):
    # Baik & Silverstein 2006: a spike l over a bulk of 1 appears at l (1 + c/(l - 1)) with c features a sample.
    n, features, spike = 400, 200, 10.0
    sample = rng.normal(size=(n, features))
    sample[:, 0] *= np.sqrt(spike)
    values = np.linalg.eigvalsh(sample.T @ sample)[::-1]
    values = np.r_[values, np.zeros(n - features)]
    found = spike * (1 + features / n / (spike - 1))
    noise = spike * np.sqrt(2 / n)
    assert abs(values[0] / n - found) < 4 * noise
    assert abs(lr.operator_eigenvalues(values)[0] / (values[0] / n) - spike / found) < 0.01
    assert (lr.operator_eigenvalues(values)[features:] == 0).all()
