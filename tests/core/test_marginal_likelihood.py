"""The log marginal likelihood, its gradient, and the kernel derivatives that it is made of."""

import dataclasses

import numpy as np
import pytest
from scipy.stats import multivariate_normal

import lazyrich as lr
from lazyrich.kernels.derivatives import kernel_derivatives, kernel_diagonals
from lazyrich.spectra.cholesky import cholesky
from tests.tolerances import assert_allclose

NET = lr.Network(depth=2, activation="relu", weight_var=1.7, bias_var=0.3)
KINDS = pytest.mark.parametrize("kind", ["nngp", "ntk"])


def moved(net, field, by):
    return dataclasses.replace(net, **{field: getattr(net, field) + by})


@KINDS
def test_it_is_the_density_of_a_normal_distribution_summed_over_outputs(kind, rng):
    x, y = rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
    covariance = getattr(lr, kind)(NET, x) + 0.2 * np.eye(6)
    want = multivariate_normal.logpdf(y.T, np.zeros(6), covariance).sum()
    assert_allclose(lr.log_marginal_likelihood(NET, x, y, 0.2, kind=kind).value, want)


@KINDS
def test_its_gradient_is_that_of_finite_differences(kind, rng):
    x, y = rng.normal(size=(6, 3)), rng.normal(size=(6, 2))

    def value(net, noise):
        return lr.log_marginal_likelihood(net, x, y, noise, kind=kind).value

    gradient = lr.log_marginal_likelihood(NET, x, y, 0.2, kind=kind).gradient
    step = 1e-5
    # Second order in the step, and rounding over the step.
    for field in ("weight_var", "bias_var"):
        slope = (value(moved(NET, field, step), 0.2) - value(moved(NET, field, -step), 0.2)) / (2 * step)
        assert_allclose(getattr(gradient, field), slope, relative=1e-7)
    slope = (value(NET, 0.2 + step) - value(NET, 0.2 - step)) / (2 * step)
    assert_allclose(gradient.noise, slope, relative=1e-7)


def test_on_one_point_it_is_the_formula_on_paper():
    # One point of a linear-response network: K = 2 for relu at weight_var 2, bias_var 0 and |x|^2 = D.
    value, gradient = lr.log_marginal_likelihood(lr.Network(depth=1), [[1.0]], [3.0], 1.0)
    assert_allclose(value, -0.5 * 9 / 3 - 0.5 * np.log(3) - 0.5 * np.log(2 * np.pi))
    slope = 0.5 * (9 / 9 - 1 / 3)
    # K = weight_var^2 / 2 + bias_var (1 + weight_var / 2).
    assert_allclose(np.array(gradient), slope * np.array([2.0, 2.0, 1.0]))


def test_duplicates_without_noise_are_refused_with_the_eigenvalue(rng):
    x = rng.normal(size=(6, 3))
    x[5] = x[0]
    with pytest.raises(
        ValueError, match=r"kernel \+ noise I must be positive definite .*; got the smallest eigenvalue"
    ):
        lr.log_marginal_likelihood(NET, x, x[:, 0], 0.0)
    assert np.isfinite(lr.log_marginal_likelihood(NET, x, x[:, 0], 1e-3).value)


def test_the_factor_solves_and_has_the_determinant(rng):
    root = rng.normal(size=(5, 7))
    kernel, y = root @ root.T, rng.normal(size=(5, 2))
    factor = cholesky(kernel, 0.5)
    assert_allclose(factor.solve(y), np.linalg.inv(kernel + 0.5 * np.eye(5)) @ y)
    assert_allclose(factor.log_determinant, np.log(np.linalg.det(kernel + 0.5 * np.eye(5))))


def test_a_factorisation_that_succeeds_by_rounding_is_refused():
    # LAPACK factors this one: its last pivot is a rounding above 0.
    nearly = np.ones((2, 2))
    nearly[1, 1] += 2 * np.finfo(np.float64).eps
    np.linalg.cholesky(nearly)
    with pytest.raises(ValueError, match=r"got the smallest eigenvalue .* beside a largest one of 2"):
        cholesky(nearly, 0.0)


# One of each kind of dual; that those of all others have derivatives is in test_duals.py.
DUALS = ("relu", "erf", "gelu", "sin", "exp", "gaussian", "hermite", "tanh", "sigmoid", "selu")


@pytest.mark.parametrize("activation", DUALS)
def test_the_derivatives_of_every_kind_of_dual_are_those_of_finite_differences(activation, rng):
    x = rng.normal(size=(4, 3))
    x[3] = 0.0
    x[2] = x[1]
    # e^z of e^z needs small variances, for its differences to have digits.
    weight_var, bias_var = (0.3, 0.1) if activation == "exp" else (1.7, 0.3)
    net = lr.Network(depth=2, activation=activation, weight_var=weight_var, bias_var=bias_var)
    result = kernel_derivatives(net, x)
    step = 1e-5
    for index, field in enumerate(("weight_var", "bias_var")):
        after, before = (lr.nngp_and_ntk(moved(net, field, sign * step), x) for sign in (1, -1))
        for got, plus, minus in zip(result.derivatives, after, before, strict=True):
            assert_allclose(got[:, :, index], (plus - minus) / (2 * step), relative=1e-8)
    for got, want in zip(result.kernels, lr.nngp_and_ntk(net, x), strict=True):
        assert_allclose(got, want)


def test_without_biases_a_relu_kernel_is_a_power_of_the_weight_variance(rng):
    x = rng.normal(size=(4, 3))
    net = lr.Network(depth=5, weight_var=1.3)
    for kernel, slopes in zip(lr.nngp_and_ntk(net, x), kernel_derivatives(net, x).derivatives, strict=True):
        assert_allclose(slopes[:, :, 0], 6 * kernel / 1.3)


def test_a_kernel_and_a_derivative_that_overflow_are_refused():
    with pytest.raises(ValueError, match="kernel must be finite in float64; got an overflow"):
        kernel_derivatives(lr.Network(300, weight_var=1e9), [[1.0]])
    with pytest.raises(ValueError, match="kernel must be finite in float64; got an overflow"):
        kernel_diagonals(lr.Network(300, weight_var=1e9), [[1.0]])
    # A kernel of 8e307 whose derivative is 100 times as large.
    with pytest.raises(ValueError, match="derivative must be finite; got an overflow"):
        kernel_derivatives(lr.Network(199, weight_var=2.0), [[np.sqrt(2e305)]])
