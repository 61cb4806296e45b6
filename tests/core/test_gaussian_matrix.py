"""A matrix drawn direction by direction is one Gaussian matrix."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lazyrich.dynamics.gaussian_matrix import Drawn, GaussianMatrix, inner, look, orthonormal, visit

PARTICLES, SLOTS = 400, 24


@pytest.fixture
def double():
    with jax.enable_x64(True):
        yield


def nothing_drawn():
    return Drawn(jnp.zeros((2 * SLOTS, PARTICLES)), jnp.array(0, "int32"))


def visited(rng, moved=False, rounds=3):
    """A matrix after some visits from both sides, and all that was multiplied with what came of it."""
    matrix, left, right = GaussianMatrix.unseen(SLOTS, PARTICLES, "float64"), nothing_drawn(), nothing_drawn()
    pairs = {"forward": [], "back": []}
    for key in jax.random.split(jax.random.key(int(rng.integers(2**31))), 2 * rounds):
        p = jnp.asarray(np.tanh(rng.standard_normal((2, PARTICLES))))
        if len(pairs["forward"]) == len(pairs["back"]):
            images, coordinates, matrix, left, _ = visit(matrix, p, left, key, 1e-9)
            pairs["forward"].append((p, images))
            if moved:
                matrix = matrix._replace(moved=matrix.moved.at[:2].add(coordinates))
        else:
            images, _, matrix, right, _ = visit(matrix.transposed, p, right, key, 1e-9)
            pairs["back"].append((p, images))
            matrix = matrix.transposed
    return matrix, {
        way: tuple(jnp.concatenate(column) for column in zip(*of, strict=True)) for way, of in pairs.items()
    }


@pytest.mark.usefixtures("double")
def test_both_sides_are_of_one_matrix(rng):
    _, pairs = visited(rng)
    (p, wp), (g, wtg) = pairs["forward"], pairs["back"]
    np.testing.assert_allclose(inner(g, wp), inner(wtg, p), atol=1e-12)
    assert np.abs(inner(g, wp)).max() > 0.01


@pytest.mark.usefixtures("double")
def test_asking_again_gives_the_same_and_draws_nothing(rng):
    matrix, pairs = visited(rng)
    p, wp = pairs["forward"]
    count = int(matrix.inputs.count)
    np.testing.assert_allclose(look(matrix, p, jnp.ones_like(p)), wp, atol=1e-6)  # a root of rounding errors
    again = visit(matrix, 3.0 * p[::-1], nothing_drawn(), jax.random.key(1), 1e-9)
    np.testing.assert_allclose(again.images, 3.0 * wp[::-1], atol=1e-12)
    assert int(again.matrix.inputs.count) == count == 6


@pytest.mark.usefixtures("double")
def test_images_are_gaussian_with_the_covariance_of_what_was_multiplied(rng):
    scores = []
    for _ in range(60):
        p, wp = visited(rng)[1]["forward"]
        # W p is N(0, <p p>) in each particle: standardised, its entries are N(0, 1).
        root = np.linalg.cholesky(np.asarray(inner(p, p)))
        scores.append(np.linalg.solve(root, np.asarray(wp))[:, :5].ravel())
    scores = np.concatenate(scores)
    for power, moment, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs((scores**power).mean() - moment) < 4 * np.sqrt(variance / scores.size)


@pytest.mark.usefixtures("double")
def test_what_training_adds_acts_from_both_sides(rng):
    matrix, _ = visited(rng, moved=True)
    p, g = (jnp.asarray(rng.standard_normal((2, PARTICLES))) for _ in range(2))
    with_it, without_it = (
        (look(m, p, jnp.zeros_like(p)), look(m.transposed, g, jnp.zeros_like(g)))
        for m in (matrix, matrix._replace(moved=jnp.zeros_like(matrix.moved)))
    )
    dense = np.einsum("ks,kj,jr->sr", matrix.outputs.basis, matrix.moved, matrix.inputs.basis) / PARTICLES
    np.testing.assert_allclose(with_it[0] - without_it[0], p @ dense.T, atol=1e-12)
    np.testing.assert_allclose(with_it[1] - without_it[1], g @ dense, atol=1e-12)
    assert np.abs(dense).max() > 0


@pytest.mark.usefixtures("double")
def test_directions_that_find_no_room_are_left_out_and_said_to_be(rng):
    p = orthonormal(jnp.asarray(rng.standard_normal((4, PARTICLES))))
    first = visit(GaussianMatrix.unseen(6, PARTICLES, "float64"), p[:2], nothing_drawn(), jax.random.key(0), 1e-9)
    second = visit(first.matrix, p[2:], first.drawn, jax.random.key(1), 1e-9)
    assert (float(first.left_out), float(second.left_out)) == (0.0, 0.0)
    third = visit(second.matrix, 0.5 * orthonormal(jnp.asarray(rng.standard_normal((2, PARTICLES)))),
                  second.drawn, jax.random.key(2), 1e-9)  # fmt: skip
    assert int(third.matrix.inputs.count) == 4
    assert float(third.left_out) == pytest.approx(0.5, rel=0.05)
