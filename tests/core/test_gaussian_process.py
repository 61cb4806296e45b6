"""The kernels as kernels of scikit-learn's Gaussian processes."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import WhiteKernel

import lazyrich as lr
from lazyrich.estimators import NNGP, NTK
from tests.tolerances import assert_allclose

KERNELS = pytest.mark.parametrize("kernel, function", [(NNGP, lr.nngp), (NTK, lr.ntk)], ids=["nngp", "ntk"])
LEAKY = lr.activation("leaky_relu", slope=0.2)


@KERNELS
@pytest.mark.parametrize("activation", ["erf", LEAKY], ids=str)
def test_it_is_the_kernel_of_the_network_with_its_diagonal(kernel, function, activation, rng):
    x, other = rng.normal(size=(5, 3)), rng.normal(size=(4, 3))
    x[3] = 0.0
    net = lr.Network(depth=2, activation=activation, weight_var=1.7, bias_var=0.3)
    made = kernel(2, activation, 1.7, 0.3)
    assert_allclose(made(x), function(net, x))
    assert_allclose(made(x, other), function(net, x, other))
    assert_allclose(made.diag(x), np.diag(function(net, x)))


@KERNELS
def test_its_gradient_is_that_of_finite_differences_in_the_logarithms(kernel, function, rng):
    x = rng.normal(size=(5, 3))
    made = kernel(2, "erf", 1.7, 0.3)
    value, gradient = made(x, eval_gradient=True)
    assert_allclose(value, function(lr.Network(2, 1, "erf", 1.7, 0.3), x))
    step = 1e-5
    for index, direction in enumerate(np.eye(2)):
        after, before = (made.clone_with_theta(made.theta + sign * step * direction)(x) for sign in (1, -1))
        # Of second order in the step, and rounding over the step: both about 1e-10.
        assert_allclose(gradient[:, :, index], (after - before) / (2 * step), relative=1e-9)


def test_a_fixed_variance_is_not_searched(rng):
    x = rng.normal(size=(4, 3))
    kernel = NTK(bias_var=0.0, bias_var_bounds="fixed")
    _, gradient = kernel(x, eval_gradient=True)
    assert_allclose(kernel.theta, np.log([2.0]))
    # Without biases the NTK of L = 3 hidden layers is proportional to the weight variance to the power of L + 1.
    assert_allclose(gradient, 4 * kernel(x)[:, :, None])
    both = NTK(weight_var_bounds="fixed", bias_var_bounds="fixed")
    assert both(x, eval_gradient=True)[1].shape == (4, 4, 0)


def test_a_bias_variance_of_zero_cannot_be_searched_and_says_so():
    with pytest.raises(ValueError, match=r'bias_var must be above 0 .*; got 0\.0\. Give .* bias_var_bounds="fixed"'):
        _ = NNGP(bias_var=0.0).theta


def test_a_gradient_between_two_sets_of_points_is_refused(rng):
    x = rng.normal(size=(4, 3))
    with pytest.raises(ValueError, match="second set of points"):
        NNGP()(x, x, eval_gradient=True)


@KERNELS
def test_it_can_be_cloned_set_pickled_compared_and_printed(kernel, function):
    made = kernel(4, LEAKY, 1.5, 0.25)
    assert clone(made) == made
    assert pickle.loads(pickle.dumps(made)) == made
    assert made.get_params()["depth"] == 4
    assert clone(made).set_params(weight_var=3.0) != made
    assert (
        repr(made) == f"{kernel.__name__}(depth=4, activation='leaky_relu(slope=0.2)', weight_var=1.5, bias_var=0.25)"
    )
    assert not made.is_stationary()


def test_a_gaussian_process_regressor_searches_the_variances_of_the_network_that_made_the_data(rng):
    x = rng.normal(size=(40, 2))
    true = lr.nngp(lr.Network(1, 1, "erf", 4.0, 1.0), x) + 1e-2 * np.eye(40)
    y = np.linalg.cholesky(true) @ rng.normal(size=40)
    start = NNGP(depth=1, activation="erf", weight_var=0.3, bias_var=0.05) + WhiteKernel(0.3, (1e-4, 10.0))
    search = GaussianProcessRegressor(start).fit(x, y)
    at_start = search.log_marginal_likelihood(start.theta)
    net = lr.Network(1, 1, "erf", search.kernel_.k1.weight_var, search.kernel_.k1.bias_var)
    ours = lr.log_marginal_likelihood(net, x, y, search.kernel_.k2.noise_level + search.alpha)
    assert_allclose(search.log_marginal_likelihood_value_, ours.value, relative=1e-9)  # two ways to sum
    truth = lr.log_marginal_likelihood(lr.Network(1, 1, "erf", 4.0, 1.0), x, y, 1e-2)
    assert ours.value > at_start + 10
    assert ours.value > truth.value
    # At the best point the gradient is zero, in the logarithms that were searched.
    variances = np.array([net.weight_var, net.bias_var, search.kernel_.k2.noise_level])
    assert np.abs(variances * np.array(ours.gradient)).max() < 1e-2


def test_the_posterior_mean_is_kernel_regression(rng):
    x, y, new = rng.normal(size=(9, 3)), rng.normal(size=9), rng.normal(size=(4, 3))
    kernel = NTK(2, "erf")
    process = GaussianProcessRegressor(kernel, alpha=0.1, optimizer=None).fit(x, y)
    want = kernel(new, x) @ np.linalg.inv(kernel(x) + 0.1 * np.eye(9)) @ y
    assert_allclose(process.predict(new), want)
