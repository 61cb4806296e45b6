"""The contract of a dual, checked on every activation there is."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lazyrich as lr
from lazyrich.activations import FAMILIES
from lazyrich.duals import hermite_dual
from lazyrich.duals.gaussian import arctan2
from tests.core import textbook
from tests.tolerances import assert_allclose


def bent(z):
    """A function of the user's, with two kinks off zero and curved pieces."""
    return jnp.where(z < -0.5, jnp.exp(z + 0.5), jnp.where(z < 1.5, 1 + jnp.sin(z + 0.5), 1 + np.sin(2.0) - z + 1.5))


def wave(z):
    """A smooth function of the user's, neither odd nor even."""
    return z * jnp.sin(z) + jnp.tanh(z - 0.3)


ACTIVATIONS = [lr.activation(name) for name in sorted(FAMILIES)]
ACTIVATIONS += [lr.activation("leaky_relu", slope=slope) for slope in (-1.0, 0.3)]
ACTIVATIONS += [
    lr.activation("sin", frequency=1.3, phase=0.4),
    lr.activation("cos", frequency=0.7, phase=-0.2),
    lr.activation("rbf", gamma=0.3),
    lr.activation("gaussian", rate=0.4),
    lr.activation("monomial", degree=4),
    lr.activation("hermite", coefficients=(0.3, -0.5, 0.8, 0.1)),
    lr.activation(wave),
    lr.activation(bent, kinks=(-0.5, 1.5)),
]
every_activation = pytest.mark.parametrize("act", ACTIVATIONS, ids=str)
every_with_a_tangent = pytest.mark.parametrize("act", [act for act in ACTIVATIONS if act.has_tangent], ids=str)

textbook.PHI |= {
    "wave": (
        lambda z: z * np.sin(z) + np.tanh(z - 0.3), lambda z: np.sin(z) + z * np.cos(z) + 1 - np.tanh(z - 0.3) ** 2,
    ),
    "bent": (
        lambda z: np.select([z < -0.5, z < 1.5], [np.exp(z + 0.5), 1 + np.sin(z + 0.5)], 2.5 + np.sin(2.0) - z),
        lambda z: np.select([z < -0.5, z < 1.5], [np.exp(z + 0.5), np.cos(z + 0.5)], -1.0),
    ),
}  # fmt: skip
STRAIGHT = ("relu", "leaky_relu", "abs")
textbook.KINKS |= {"bent": (-0.5, 1.5)}


COSINES = (-1.0, -0.99, -0.5, 0.0, 0.3, 0.999, 1.0)
# The formulas lose a digit or two between terms that cancel; series and quadratures are limited by what they leave out,
# most at the largest variance.
ACCURACY = {act.name: 1e-10 if act.own or act.name in textbook.NUMERICAL else 1e-11 for act in ACTIVATIONS}

# Every array here has five points, so that each activation is compiled once.
VARIANCES = np.array([0.01, 0.3, 1.0, 4.0, 16.0])
# Coincident, opposed, orthogonal and zero points; the last two are one point twice.
Q = np.array([0.0, 0.04, 1.0, 16.0, 16.0])
K = np.sqrt(np.outer(Q, Q)) * np.array(
    [
        [1.0, 0.0, 0.0, 0.0, 0.0],
        [0.0, 1.0, -1.0, 0.2, 0.2],
        [0.0, -1.0, 1.0, -0.2, -0.2],
        [0.0, 0.2, -0.2, 1.0, 1.0],
        [0.0, 0.2, -0.2, 1.0, 1.0],
    ]
)


def distance_of(act, q1, q2, k):
    """E[(u - v)^2], for those that need it, with a zero where it is rounding."""
    distance = q1[:, None] + q2[None, :] - 2 * k
    return jnp.where(distance > 1e-15 * (q1[:, None] + q2[None, :]), distance, 0.0) if act.needs_distance else None


@jax.jit
def moments(act, q1, q2, k, distance):
    return act.dual(q1, q2, k, distance)


def dual(act, q1, q2, k):
    t, tdot, _ = moments(act, q1, q2, k, distance_of(act, q1, q2, k))
    return t, tdot


@jax.jit
def second_moment(act, q):
    return act.second_moment(q)


def variances_for(act, variances):
    """The variances of a test; e^z has no digits left in a quadrature at the largest ones."""
    return variances / 8 if act.name == "exp" else variances


@jax.jit
def derivatives(act, q, k, weights):
    """Derivatives in q1, q2 and k of the sum of T and that of Tdot, by the weight of either."""
    weighted = lambda *qqk: sum(w * t.sum() for w, t in zip(weights, dual(act, *qqk), strict=True))  # noqa: E731
    return jax.grad(weighted, argnums=(0, 1, 2))(q, q, k)


@pytest.fixture(autouse=True)
def double_precision():
    """Duals are called here from outside the public functions, which would switch float64 on."""
    with jax.enable_x64(True):
        yield


@every_activation
def test_the_dual_agrees_with_a_double_integral(act):
    variances = variances_for(act, VARIANCES)
    roots = np.sqrt(np.outer(variances, variances))
    got = np.array([dual(act, variances, variances, cosine * roots) for cosine in COSINES])
    for t, f in enumerate(textbook.phi_and_derivative(act)):
        root_mean_square = [np.sqrt(textbook.mean_of(act, f, q, q, q)) for q in variances]
        for i, j in zip(*np.triu_indices(len(variances)), strict=True):
            want = [textbook.mean_of(act, f, *variances[[i, j]], c * roots[i, j]) for c in COSINES]
            # Relative to the largest that such a mean can be.
            allowed = ACCURACY[act.name] * root_mean_square[i] * root_mean_square[j]
            assert np.abs(got[:, t, [i, j], [j, i]] - np.array(want)[:, None]).max() <= allowed


# Twice what was measured.
@pytest.mark.parametrize(
    "variance, t_accuracy, tdot_accuracy", [(16.0, 1e-12, 2e-10), (50.0, 1e-9, 6e-7), (100.0, 2e-7, 1e-4)]
)
def test_the_series_is_as_accurate_as_its_source_says(variance, t_accuracy, tdot_accuracy):
    # Points with themselves and almost so, and others.
    k = variance * np.append(np.linspace(-0.9, 0.9, 21), [-1.0, 1e-9 - 1, 1 - 1e-9, 1.0]).reshape(5, 5)
    got = dual(lr.activation("tanh"), np.full(5, variance), np.full(5, variance), k)
    for values, f, accuracy in zip(got, textbook.phi_and_derivative("tanh"), (t_accuracy, tdot_accuracy), strict=True):
        want = [textbook.gaussian_mean(f, f, variance, variance, c, 150, 400) for c in k.ravel()]
        assert_allclose(np.ravel(values), np.array(want), accuracy)


@pytest.mark.parametrize("name, parity", [("sin", -1), ("cos", 1), ("cos", 0), ("tanh", -1)])
def test_a_series_is_as_accurate_however_close_the_points_are(name, parity):
    series = jax.jit(functools.partial(hermite_dual, getattr(jnp, name), parity=parity))
    q, one = jnp.full(5, 4.0), np.eye(5)
    # Far from parallel, where few orders do; on both sides of where integrals over one variable take over; coincident.
    for cosine in (0.1, 0.9, 1 - 1e-5, 1 - 1e-10, 1 - 1e-12, 1.0):
        got = series(q, q, 4 * jnp.where(one, 1, cosine))[:2]
        for values, f in zip(got, textbook.phi_and_derivative(name), strict=True):
            want = [textbook.gaussian_mean(f, f, 4.0, 4.0, 4.0 * c) for c in (1.0, cosine)]
            assert_allclose(values, np.where(one, *want), 1e-10)


@pytest.mark.parametrize("dtype, ulps", [("float64", 3), ("float32", 4)])
def test_the_arctan_is_numpy_s_over_the_whole_range(dtype, ulps, rng):
    limits = np.finfo(dtype)
    powers = np.log10(limits.tiny) / 2, np.log10(limits.max) / 2
    sizes = np.append(10 ** rng.uniform(*powers, 1000), [0.0, 1.0, np.tan(np.pi / 8), limits.tiny])
    far = np.reshape(np.meshgrid(np.append(sizes, -sizes), sizes), (2, -1))
    near = rng.uniform(0.1, 10, (2, 100_000))  # of one size, where the ranges of the argument meet
    for y, x in (far.astype(dtype), near.astype(dtype)):
        got, want = np.asarray(jax.jit(arctan2)(y, x)), np.arctan2(y, x)
        representable = np.abs(y) >= limits.tiny * np.maximum(x, 1)  # below, a processor may flush to zero
        np.testing.assert_allclose(got[representable], want[representable], rtol=ulps * limits.eps)
        np.testing.assert_allclose(got, want, rtol=ulps * limits.eps, atol=limits.tiny)


@every_with_a_tangent
def test_tdot_is_the_derivative_of_t_at_coincident_opposed_and_zero_points_too(act):
    q, k = variances_for(act, Q), variances_for(act, K)
    assert_allclose(derivatives(act, q, k, (1.0, 0.0))[2], dual(act, q, q, k)[1], ACCURACY[act.name])


@every_with_a_tangent
def test_derivatives_in_every_moment_are_finite_at_coincident_and_zero_points(act):
    for derivative in derivatives(act, variances_for(act, Q), variances_for(act, K), (1.0, 1.0)):
        assert np.isfinite(derivative).all()


@every_activation
def test_the_diagonal_of_t_is_the_second_moment(act):
    variances, k = variances_for(act, Q), variances_for(act, K)
    got = second_moment(act, variances)
    assert_allclose(np.diag(dual(act, variances, variances, k)[0]), got, ACCURACY[act.name])
    phi, *_ = textbook.phi_and_derivative(act)
    want = np.array([textbook.mean_of(act, phi, q, q, q) for q in variances])
    assert_allclose(got, want, ACCURACY[act.name])


@every_activation
def test_a_gram_matrix_with_duplicates_zeros_and_very_different_lengths_stays_positive(act, rng):
    x = rng.normal(size=(15, 4)) * np.logspace(-4, 1, 15)[:, None]
    x[3], x[5], x[7], x[11] = 0.0, x[6], -x[6], x[6]
    k = x @ x.T / 4
    # Five points by five, as above.
    fives = [slice(i, i + 5) for i in (0, 5, 10)]
    t = np.block([[dual(act, np.diag(k)[i], np.diag(k)[j], k[i, j])[0] for j in fives] for i in fives])
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
        finite = np.isfinite(b)  # those that jump have an infinite slope at coincident points, in both
        assert_allclose(np.where(finite, a, 0), np.where(finite, b, 0))
        assert (np.isfinite(a) == finite).all()


@pytest.mark.parametrize("act", [act for act in ACTIVATIONS if act.needs_distance], ids=str)
def test_a_curve_in_the_angle_gives_the_same_as_pairs(act):
    angles = np.geomspace(1e-6, np.pi, 100)

    def at(q, angles):
        return moments(act, q, q, 1.3 * np.cos(angles), 1.3 * 4 * np.sin(angles / 2) ** 2)

    # Five points by five, as above.
    blocks = [at(np.full(5, 1.3), block) for block in angles.reshape(4, 5, 5)]
    for curve, *apart in zip(at(np.full(1, 1.3), angles[None]), *blocks, strict=True):
        pairs = np.reshape(apart, (1, 100))
        if not np.isfinite(pairs).all():
            assert not act.has_tangent
            continue
        # The distance to its own digits, however small.
        np.testing.assert_allclose(curve, pairs, rtol=1e-9, atol=1e-11 * np.abs(pairs).max())


@pytest.mark.parametrize("act", [act for act in ACTIVATIONS if act.needs_distance and act.name in STRAIGHT], ids=str)
def test_the_distance_after_a_kink_has_digits_of_its_own_at_every_angle(act):
    negative, positive = act.phi(jnp.array([-1.0, 1.0])) * jnp.array([-1.0, 1.0])
    angle = np.array([1e-10, 1e-7, 1e-4, 0.5, 3.0])
    q, distance = np.ones(1), 4 * np.sin(angle / 2) ** 2
    t, _, got = moments(act, q, q, np.cos(angle)[None], distance[None])
    # E|phi(u) - phi(v)|^2: on the half plane where both have one sign, and where they have not.
    series = np.where(angle < 1e-2, angle**3 / 3, np.sin(angle) - angle * np.cos(angle))
    want = (negative**2 + positive**2) / 2 * distance - (negative - positive) ** 2 / np.pi * series
    # The next order of the series is angle^2 / 10 smaller; rounding is that of the angle.
    for one, other, a in zip(got[0], want, angle, strict=True):
        assert_allclose(one, other, max(1e-12, 1e-15 / a))
    assert_allclose(got[0], 2 * second_moment(act, np.ones(5)) - 2 * t[0])
