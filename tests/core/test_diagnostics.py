"""How far a kernel has moved, and how well it fits a target."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lazyrich as lr
from tests.tolerances import assert_allclose


def test_the_distance_is_the_relative_frobenius_norm():
    reference, kernel = np.array([[3.0, 0.0], [0.0, 4.0]]), np.array([[3.0, 1.0], [1.0, 4.0]])
    assert_allclose(lr.kernel_distance(kernel, reference), np.sqrt(2) / 5)
    assert lr.kernel_distance(reference, reference) == 0


def test_the_distance_does_not_depend_on_units_however_large():
    one, other = np.array([[3.0, 0.0], [0.0, 4.0]]), np.array([[3.0, 1.0], [1.0, 4.0]])
    want = lr.kernel_distance(one, other)
    for unit in (1e-200, 1e200):
        assert_allclose(lr.kernel_distance(unit * one, unit * other), want)
        assert_allclose(lr.target_alignment(unit * one, unit * np.ones(2)), lr.target_alignment(one, np.ones(2)))


def test_a_kernel_made_of_the_target_is_fully_aligned_and_an_orthogonal_one_not_at_all(rng):
    y = rng.normal(size=5)
    other = rng.normal(size=5)
    other -= (other @ y) / (y @ y) * y
    assert_allclose(lr.target_alignment(np.outer(y, y), y), 1.0)
    assert abs(lr.target_alignment(np.outer(other, other), y)) < 1e-15


def test_the_alignment_of_the_identity_is_one_over_the_root_of_its_size(rng):
    for y in (rng.normal(size=9), rng.normal(size=(9, 3))):
        assert_allclose(lr.target_alignment(np.eye(9), y), 1 / 3)


@pytest.mark.parametrize(
    "call, text",
    [
        (lambda: lr.kernel_distance(np.eye(2), np.eye(3)), r"must have shape \(3, 3\).*got \(2, 2\)"),
        (lambda: lr.kernel_distance(np.eye(2), np.zeros((2, 2))), "must not be the zero matrix"),
        (lambda: lr.target_alignment(np.zeros((2, 2)), np.ones(2)), "must not be zero"),
        (lambda: lr.target_alignment(np.eye(2), np.zeros(2)), "must not be zero"),
        (lambda: lr.target_alignment(np.eye(2), np.ones(3)), "one row for each of the 2 points"),
        (lambda: lr.target_alignment(np.ones((2, 3)), np.ones(2)), r"must have shape \(2, 2\)"),
    ],
    ids=["sizes", "zero_reference", "zero_kernel", "zero_target", "length", "oblong"],
)
def test_what_cannot_be_compared_is_refused_with_its_reason(call, text):
    with pytest.raises(ValueError, match=text):
        call()


def test_the_centred_alignment_is_that_of_its_definition(rng):
    a, b = (features @ features.T for features in rng.normal(size=(2, 6, 4)))
    centre = np.eye(6) - 1 / 6
    a_centred, b_centred = centre @ a @ centre, centre @ b @ centre
    want = (a_centred * b_centred).sum() / np.linalg.norm(a_centred) / np.linalg.norm(b_centred)
    assert_allclose(lr.centred_kernel_alignment(a, b), want)
    assert_allclose(lr.centred_kernel_alignment(1e200 * a, 1e-200 * b), want)


def test_the_centred_alignment_sees_no_constant_and_no_growth(rng):
    features = rng.normal(size=(6, 4))
    kernel, other = features @ features.T, np.eye(6)
    assert_allclose(lr.centred_kernel_alignment(3 * kernel + 2, kernel), 1.0)
    assert_allclose(lr.centred_kernel_alignment(3 * kernel + 2, other), lr.centred_kernel_alignment(kernel, other + 5))


@pytest.mark.parametrize(
    "kernel, reference, text",
    [
        (np.ones((3, 3)), np.eye(3), "kernel must vary from point to point"),
        (np.eye(3), 0.1 * np.ones((3, 3)), "reference must vary from point to point"),
        (np.eye(1), np.eye(1), "must vary from point to point"),
        (np.eye(3), np.zeros((3, 3)), "reference must vary from point to point"),
        (np.eye(2), np.eye(3), r"kernel must have shape \(3, 3\)"),
    ],
    ids=["constant", "constant_reference", "one_point", "zero", "sizes"],
)
def test_kernels_without_a_centred_part_are_refused(kernel, reference, text):
    with pytest.raises(ValueError, match=text):
        lr.centred_kernel_alignment(kernel, reference)


@pytest.mark.parametrize(
    "measure, other",
    [
        (lr.kernel_distance, np.diag([1.0, 2, 3])),
        (lr.centred_kernel_alignment, np.diag([1.0, 2, 3])),
        (lr.target_alignment, np.array([1.0, -2, 3])),
    ],
    ids=["distance", "cka", "alignment"],
)
def test_they_can_be_compiled_mapped_and_differentiated(measure, other, rng):
    kernels = rng.normal(size=(2, 3, 3))
    kernels, step = kernels @ kernels.swapaxes(1, 2), 1e-6
    with jax.enable_x64():
        values = np.asarray(jax.jit(jax.vmap(lambda k: measure(k, other)))(kernels))
        gradient = np.asarray(jax.jit(jax.grad(lambda k: measure(k, other)))(jnp.asarray(kernels[0])))
    assert_allclose(values, [measure(k, other) for k in kernels])
    ahead, behind = (measure(kernels[0] + sign * step * gradient, other) for sign in (1, -1))
    # The difference's own error: rounding over the step.
    assert_allclose((ahead - behind) / (2 * step), (gradient**2).sum(), relative=1e-7)
