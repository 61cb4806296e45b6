"""The contract of a dual, checked on every activation there is."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lazyrich as lr
from lazyrich.activations import FAMILIES
from tests.core import textbook
from tests.tolerances import assert_allclose

ACTIVATIONS = [lr.activation(name) for name in sorted(FAMILIES)]
ACTIVATIONS += [lr.activation("leaky_relu", slope=slope) for slope in (-1.0, 0.3)]
every_activation = pytest.mark.parametrize("act", ACTIVATIONS, ids=str)

COSINES = (-1.0, -0.99, -0.5, 0.0, 0.3, 0.999, 1.0)
# The formulas lose a digit or two between terms that cancel; quadrature is limited by the harmonics
# that it leaves out, at the largest variance.
ACCURACY = {name: 1e-11 if name in textbook.CLOSED_FORM else 1e-8 for name in FAMILIES}

# Every array here has five points, so that each activation is compiled once.
VARIANCES = np.array([0.01, 0.3, 1.0, 4.0, 20.0])
# Coincident, opposed, orthogonal and zero points; the last two are one point twice.
Q = np.array([0.0, 0.04, 1.0, 20.0, 20.0])
K = np.sqrt(np.outer(Q, Q)) * np.array(
    [
        [1.0, 0.0, 0.0, 0.0, 0.0],
        [0.0, 1.0, -1.0, 0.2, 0.2],
        [0.0, -1.0, 1.0, -0.2, -0.2],
        [0.0, 0.2, -0.2, 1.0, 1.0],
        [0.0, 0.2, -0.2, 1.0, 1.0],
    ]
)


@jax.jit
def dual(act, q1, q2, k):
    return act.dual(q1, q2, k)


@jax.jit
def derivative_of_t(act, q, k):
    return jax.grad(lambda k: act.dual(q, q, k)[0].sum())(k)


@jax.jit
def derivatives_of_both(act, q, k):
    return jax.grad(lambda *qqk: sum(t.sum() for t in act.dual(*qqk)), argnums=(0, 1, 2))(q, q, k)


@pytest.fixture(autouse=True)
def double_precision():
    """Duals are called here from outside the public functions, which would switch float64 on."""
    with jax.enable_x64(True):
        yield


@every_activation
def test_the_dual_agrees_with_a_double_integral(act):
    roots = np.sqrt(np.outer(VARIANCES, VARIANCES))
    got = np.array([dual(act, VARIANCES, VARIANCES, cosine * roots) for cosine in COSINES])
    functions = textbook.phi_and_derivative(act)
    for i, j in zip(*np.triu_indices(len(VARIANCES)), strict=True):
        q1, q2 = VARIANCES[[i, j]]
        for t, f in enumerate(functions):
            want = [textbook.gaussian_mean(f, f, q1, q2, c * roots[i, j]) for c in COSINES]
            for a, b in ((i, j), (j, i)):
                assert_allclose(got[:, t, a, b], np.array(want), ACCURACY[act.name])


# Twice what was measured; at 4 that is the rounding of a sum of 96 harmonics.
@pytest.mark.parametrize("variance, accuracy", [(4.0, 3e-14), (18.0, 3e-10), (100.0, 3e-6)], ids=["4", "18", "100"])
def test_quadrature_is_as_accurate_as_its_source_says(variance, accuracy):
    k = variance * np.linspace(-1, 1, 25).reshape(5, 5)
    got = dual(lr.activation("tanh"), np.full(5, variance), np.full(5, variance), k)
    for values, f in zip(got, textbook.phi_and_derivative("tanh"), strict=True):
        want = [textbook.gaussian_mean(f, f, variance, variance, c, 150, 200) for c in k.ravel()]
        assert np.abs(np.ravel(values) - want).max() < accuracy


@every_activation
def test_tdot_is_the_derivative_of_t_at_coincident_opposed_and_zero_points_too(act):
    assert_allclose(derivative_of_t(act, Q, K), dual(act, Q, Q, K)[1], ACCURACY[act.name])


@every_activation
def test_derivatives_in_every_moment_are_finite_at_coincident_and_zero_points(act):
    for derivative in derivatives_of_both(act, Q, K):
        assert np.isfinite(derivative).all()


@every_activation
def test_the_diagonal_of_t_is_the_second_moment(act):
    assert_allclose(np.diag(dual(act, Q, Q, K)[0]), act.second_moment(jnp.asarray(Q)))
    phi, _ = textbook.phi_and_derivative(act)
    want = np.array([textbook.gaussian_mean(phi, phi, q, q, q) for q in Q])
    assert_allclose(act.second_moment(jnp.asarray(Q)), want, ACCURACY[act.name])


@every_activation
def test_a_gram_matrix_with_duplicates_zeros_and_very_different_lengths_stays_positive(act, rng):
    x = rng.normal(size=(12, 4)) * np.logspace(-4, 1, 12)[:, None]
    x[3], x[5], x[7] = 0.0, x[6], -x[6]
    k = x @ x.T / 4
    t = np.asarray(dual(act, np.diag(k), np.diag(k), k)[0])
    values = np.linalg.eigvalsh((t + t.T) / 2)
    # Two digits more than the rounding of an eigenvalue solver: the entries carry some of their own.
    assert values[0] >= -100 * len(x) * np.finfo(float).eps * values[-1]
    assert values[-1] > 0


@every_activation
def test_one_shared_variance_gives_the_same_as_one_for_each_point(act):
    k = 1.3 * np.linspace(-1, 1, 25).reshape(5, 5)
    shared = dual(act, np.full(1, 1.3), np.full(1, 1.3), k)
    apart = dual(act, np.full(5, 1.3), np.full(5, 1.3), k)
    for a, b in zip(shared, apart, strict=True):
        assert_allclose(a, b)


@pytest.mark.parametrize("act", [act for act in ACTIVATIONS if act.needs_distance], ids=str)
def test_the_distance_after_a_kink_has_digits_of_its_own_at_every_angle(act):
    negative, positive = act.phi(jnp.array([-1.0, 1.0])) * jnp.array([-1.0, 1.0])
    angle = np.array([1e-10, 1e-7, 1e-4, 0.5, 3.0])
    q, distance = jnp.ones(1), 4 * np.sin(angle / 2) ** 2
    t, _, got = act.layer(q, q, jnp.cos(angle)[None], jnp.asarray(distance)[None])
    # E|phi(u) - phi(v)|^2: on the half plane where both have one sign, and where they have not.
    series = np.where(angle < 1e-2, angle**3 / 3, np.sin(angle) - angle * np.cos(angle))
    want = (negative**2 + positive**2) / 2 * distance - (negative - positive) ** 2 / np.pi * series
    # The next order of the series is angle^2 / 10 smaller; rounding is that of the angle.
    for one, other, a in zip(got[0], want, angle, strict=True):
        assert_allclose(one, other, max(1e-12, 1e-15 / a))
    assert_allclose(got[0], 2 * act.second_moment(jnp.ones(5)) - 2 * t[0])
