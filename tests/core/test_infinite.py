"""Infinite-width kernels against a scalar recursion, closed forms and their limits."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

import lazyrich as lr
from lazyrich.activations import FAMILIES
from tests.core import textbook
from tests.core.points import special_points
from tests.tolerances import assert_allclose

TANGENT = sorted(name for name, family in FAMILIES.items() if family.has_tangent)
every_activation = pytest.mark.parametrize("activation", TANGENT)
# Series and quadrature are as good as what they leave out; see test_duals.py.
ACCURACY = {name: 1e-9 if name in textbook.NUMERICAL else 1e-11 for name in FAMILIES}
# e^z of e^z overflows at the third layer.
WEIGHT_VAR = dict.fromkeys(TANGENT, 1.7) | {"exp": 0.3, "quadratic": 0.5, "monomial": 0.3}
KINKED = ("elu", "selu", "hard_tanh")
GROWING = ("exp", "quadratic", "monomial")


def tangent_kernel(net, x):
    """The tangent kernel from the program of both, which most tests of every activation share."""
    return lr.nngp_and_ntk(net, x).ntk


@every_activation
@pytest.mark.parametrize("depth, bias_var", [(1, 0.0), (3, 0.0), (3, 0.3)], ids=["L1", "L3", "L3b"])
def test_kernels_agree_with_a_scalar_recursion(activation, depth, bias_var, rng):
    net = lr.Network(depth=depth, activation=activation, weight_var=WEIGHT_VAR[activation], bias_var=bias_var)
    x1, x2 = special_points(rng), rng.normal(size=(3, 3))
    if activation in GROWING:  # the oracle's plane ends at ten standard deviations
        x1[4], x2 = x1[0] / 2, x2 / 2
    if activation == "hard_tanh":  # whose oracle takes its time
        x1, x2 = x1[[0, 1, 2, 4, 6]], x2[:1]
    for first, second in ((x1, None), (x2, x1)):
        want = textbook.kernels(net, first, first if second is None else second)
        for got, expected in zip(lr.nngp_and_ntk(net, first, second), want, strict=True):
            assert_allclose(got, expected, ACCURACY[activation])


@every_activation
def test_points_of_equal_norm_take_a_shortcut_to_the_same_kernels(activation, rng):
    x = rng.normal(size=(7, 3))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    stretched = np.concatenate([x[:-1], 2 * x[-1:]])
    net = lr.Network(depth=2, activation=activation, weight_var=WEIGHT_VAR[activation], bias_var=0.1)
    for one, other in zip(lr.nngp_and_ntk(net, x), lr.nngp_and_ntk(net, stretched), strict=True):
        assert_allclose(one[:-1, :-1], other[:-1, :-1], ACCURACY[activation])


def test_the_two_orders_of_points_give_transposed_kernels_and_one_set_a_symmetric_one(rng):
    x1, x2 = rng.normal(size=(7, 3)), rng.normal(size=(3, 3))
    net = lr.Network(depth=2, activation="gelu", bias_var=0.2)
    assert_allclose(lr.ntk(net, x1, x2), lr.ntk(net, x2, x1).T)
    assert_allclose(lr.ntk(net, x1), lr.ntk(net, x1).T, relative=0)
    assert_allclose(lr.ntk(net, x1), lr.ntk(net, x1, x1.copy()))


@pytest.mark.parametrize("activation", ["relu", "gelu", "tanh", "silu", "elu"])
def test_either_kernel_alone_is_that_of_both(activation, rng):
    net, x = lr.Network(depth=3, activation=activation, bias_var=0.2), special_points(rng)
    both = lr.nngp_and_ntk(net, x)
    assert_allclose(lr.nngp(net, x), both.nngp)
    assert_allclose(lr.ntk(net, x), both.ntk)


def test_width_parametrization_and_richness_play_no_part(rng):
    x, net = rng.normal(size=(7, 3)), lr.Network()
    other = dataclasses.replace(net, width=7, parametrization="mup", richness=5.0)
    for one, same in zip(lr.nngp_and_ntk(net, x), lr.nngp_and_ntk(other, x), strict=True):
        assert_allclose(one, same, relative=0)


@pytest.mark.parametrize("depth", [1, 4, 20])
def test_parallel_points_under_relu_have_the_exact_kernel(depth, rng):
    # With s_w^2 = 2 and no bias a layer keeps K, and x' = c x stays parallel: Theta = (L + 1) 2 c |x|^2 / D.
    x = rng.normal(size=(1, 5))
    factors = np.array([1.0, 1e-3, 1e-1, 0.999, 1.001, 3.0, 1e4])
    got = lr.nngp_and_ntk(lr.Network(depth=depth, weight_var=2.0), factors[:, None] * x)
    nngp = 2 * np.outer(factors, factors) * (x @ x.T) / 5
    # Entry by entry, since the short points' are small beside the largest; a few roundings a layer.
    np.testing.assert_allclose(got.nngp, nngp, rtol=1e-14 * (depth + 2))
    np.testing.assert_allclose(got.ntk, (depth + 1) * nngp, rtol=1e-14 * (depth + 2))


def test_the_deep_relu_kernel_forgets_angles_as_log_depth_over_depth():
    a = np.array([0.0, 0.3, 0.7, 1.5, 2.0, 3.0, np.pi])
    x = np.sqrt(2) * np.stack([np.cos(a), np.sin(a)], axis=1)

    def excess(depth):
        theta = lr.ntk(lr.Network(depth=depth), x)
        return theta[0, 1:] / theta[0, 0] - 1 / 4

    assert (excess(1000) > 0).all() and (excess(1000) < 0.01).all()
    # The next order is 1/log(L) smaller, whence 12 %; without the logarithm it would be 17 %.
    rate = [np.log(depth) / depth for depth in (4000, 16_000)]
    np.testing.assert_allclose(excess(4000) / excess(16_000), rate[0] / rate[1], rtol=0.12)


def test_a_network_without_weights_or_biases_has_a_zero_kernel(rng):
    for activation in TANGENT:
        net = lr.Network(activation=activation, weight_var=0.0, bias_var=0.0)
        for kernel in lr.nngp_and_ntk(net, special_points(rng)):
            assert_allclose(kernel, np.zeros((7, 7)))


def smallest_eigenvalue(theta):
    """The smallest eigenvalue, in units of the rounding of an eigenvalue solver."""
    values = np.linalg.eigvalsh(theta)
    return values[0] / (values[-1] * len(values) * np.finfo(float).eps)


# The entries carry rounding too, of every layer.
ROUNDINGS = 10


@every_activation
@pytest.mark.parametrize("spacing", [1e-4, 1e-6, 5e-8, 1e-9], ids=lambda spacing: f"{spacing:g}")
def test_near_duplicates_leave_the_kernel_positive(activation, spacing, rng):
    x = rng.normal(size=(1, 3)) + spacing * rng.normal(size=(7, 3))
    theta = tangent_kernel(lr.Network(depth=3, activation=activation, weight_var=WEIGHT_VAR[activation]), x)
    assert smallest_eigenvalue(theta) > -ROUNDINGS


@pytest.mark.parametrize("activation", [name for name in TANGENT if name not in GROWING])
@pytest.mark.parametrize("weight_var, bias_var", [(0.5, 0.5), (1.0, 0.3)], ids=["0.5", "1"])
def test_a_deep_kernel_that_forgets_all_differences_stays_positive(activation, weight_var, bias_var, rng):
    # Angles shrink with every layer; at a kink the kernel feels them down to 1e-16.
    # A kinked dual without a closed form takes a quadrature a pair: fewer points, fewer depths.
    x = rng.normal(size=(4 if activation in KINKED else 7, 3))
    depths = (2, 20) if activation in KINKED else range(2, 65, 3)
    for depth in depths:
        theta = tangent_kernel(lr.Network(depth, 1, activation, weight_var, bias_var), x)
        assert smallest_eigenvalue(theta) > -ROUNDINGS, depth


@pytest.mark.parametrize("angle", [1e-3, 1e-6, 1e-9], ids=lambda angle: f"{angle:g}")
def test_the_relu_kernel_falls_off_linearly_at_the_smallest_angles(angle):
    # One layer, s_w^2 = 2, |x|^2 = D: Theta(0) - Theta(angle) = (2/pi) angle + 2 angle^2 + O(angle^3).
    a = angle * np.arange(7)
    theta = lr.ntk(lr.Network(depth=1), np.sqrt(2) * np.stack([np.cos(a), np.sin(a)], axis=1))
    fall = (theta[0, 0] - theta[0, 1]) / (2 / np.pi * angle)
    # The rounding of entries of 4, a few times over, beside the fall itself.
    assert abs(fall - 1 - np.pi * angle) < angle**2 + 2e-15 / angle


def test_kernels_are_numpy_arrays_in_double_precision_whatever_comes_in(rng):
    x = rng.normal(size=(7, 3))
    for points in (x, x.tolist(), x.astype(np.float32), jnp.asarray(x, jnp.float32)):
        theta = lr.ntk(lr.Network(), points)
        assert type(theta) is np.ndarray and theta.dtype == np.float64


def test_points_on_one_line_have_the_kernel_of_one_dimension():
    # Without bias a ReLU network of one coordinate is linear on each side of 0: Theta = (L + 1) 2 x x' on one side.
    x = np.random.default_rng(0).uniform(-2, 2, (64, 1))
    together = x @ x.T > 0
    theta = lr.ntk(lr.Network(depth=1), x)
    assert_allclose(theta[together], 4 * (x @ x.T)[together])
    for depth in (1, 3, 12):
        assert smallest_eigenvalue(lr.ntk(lr.Network(depth=depth), x)) > -ROUNDINGS


@pytest.mark.parametrize("activation", ["sign", "step"])
def test_what_jumps_has_an_nngp_kernel_and_no_tangent_kernel(activation, rng):
    net, x = lr.Network(2, activation=activation, bias_var=0.1), rng.normal(size=(7, 3))
    x[3] = x[2]
    assert_allclose(lr.nngp(net, x), textbook.kernel_and_terms(net, x, x)[0], 1e-11)
    with pytest.raises(ValueError, match=f"tangent kernel of {activation} does not exist: it jumps"):
        lr.ntk(net, x)


def test_normalised_points_have_a_curve_of_their_cosine(rng):
    net, cosines = lr.Network(3, activation="gelu", bias_var=0.1), np.array([-1.0, -0.3, 0.0, 0.9, 1.0])
    curve = lr.angular_kernels(net, cosines)
    x = rng.normal(size=(7, 5))
    x *= np.sqrt(5) / np.linalg.norm(x, axis=1, keepdims=True)
    for on_curve, kernel in zip(lr.angular_kernels(net, x[0] @ x.T / 5), lr.nngp_and_ntk(net, x[:1], x), strict=True):
        assert_allclose(on_curve, kernel[0])
    assert (np.diff(curve.ntk) > 0).all()


def test_float32_kernels_have_their_precision(rng):
    x = special_points(rng)
    for activation in ("relu", "gelu", "tanh", "elu"):
        net = lr.Network(activation=activation, bias_var=0.1)
        for single, double in zip(lr.nngp_and_ntk(net, x, dtype="float32"), lr.nngp_and_ntk(net, x), strict=True):
            assert single.dtype == np.float32
            assert_allclose(single, double, 5e-5)


def test_an_overflow_names_its_layer():
    with pytest.raises(ValueError, match=r"got an overflow in E\[phi\(u\)\^2\] of exp in layer 2"):
        lr.ntk(lr.Network(3, activation="exp", weight_var=1.0), [[2.0]])


@pytest.mark.parametrize("n", [31, 33, 129, 300])
def test_the_number_of_points_is_no_matter(n, rng):
    x, net = rng.normal(size=(n, 3)), lr.Network(2, activation="gelu")
    whole = lr.ntk(net, x)
    assert_allclose(whole, whole.T, 0)
    i, j = [0, n // 2, n - 1], [n - 1, n // 3, 0]
    assert_allclose(whole[np.ix_(i, j)], lr.ntk(net, x[i], x[j]))


@every_activation
def test_a_wide_network_has_the_kernel_of_its_activation_within_its_error(activation, rng):
    x, seeds = rng.normal(size=(4, 3)) / (2 if activation in GROWING else 1), 48
    net = lr.Network(1, 1024, activation, WEIGHT_VAR[activation], 0.2)
    kernels = [lr.empirical_ntk(net, textbook.draw(net, 3, 1, rng, "float32"), x) for _ in range(seeds)]
    error = np.std(kernels, axis=0, ddof=1) / np.sqrt(seeds)
    theta = tangent_kernel(net, x)
    # The mean has no bias at one hidden layer. Five standard errors, each known to 10 %.
    assert (np.abs(np.mean(kernels, axis=0) - theta) < 5 * error).all()
    # Enough seeds for a test that could fail.
    assert (error < 0.05 * np.abs(theta).max()).all()
