"""Grokking: the steps against autodiff, the expected loss against quadrature, the lazy limit, the paper's course."""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lazyrich as lr
from lazyrich.dynamics import linearised_grokking
from lazyrich.dynamics.grokking.problem import Polynomial, Problem, tangent_kernel
from tests.tolerances import assert_allclose

SMALL = lr.GrokkingSpec(
    in_dim=3, n_train=7, n_test=5, width=4, alpha=0.7, epsilon=0.4, learning_rate=0.3, steps=40, seed=3
)
CENTRED = dataclasses.replace(SMALL, centred=True)
VARIANCE = 0.5  # of the targets


def drawn(spec):
    """The problem's arrays in double precision: points, test points, direction, weights."""
    with jax.enable_x64(True):
        problem = Problem.of(spec)
    return [np.asarray(array) for array in (problem.x, problem.x_test, problem.beta, problem.weights)]


def network(spec, w, x):
    h = x @ w.T
    return spec.alpha / spec.width * (h + spec.epsilon / 2 * h**2).sum(axis=1)


@pytest.mark.parametrize("spec", [SMALL, CENTRED], ids=["as_drawn", "centred"])
def test_training_is_gradient_descent_on_half_the_mean_square(spec):
    x, x_test, beta, start = drawn(spec)
    with jax.enable_x64(True):

        def error(w, x):
            return network(spec, w, x) - spec.centred * network(spec, start, x) - (x @ beta) ** 2 / 2

        @jax.jit
        def step(w):
            """Both losses, and the weights a step later."""
            half = [lambda w, points=points: jnp.mean(error(w, points) ** 2) / 2 for points in (x, x_test)]
            gradient = jax.grad(half[0])(w)
            return [loss(w) for loss in half], w - spec.learning_rate * spec.width / spec.alpha**2 * gradient

        w, losses = jnp.asarray(start), []
        for _ in range(spec.steps + 1):
            before, w = step(w)
            losses.append([float(loss) for loss in before])
    run = lr.grokking(spec, checkpoints=9)
    assert run.step.values[[0, 1, -1]].tolist() == [0, 1, spec.steps]
    assert_allclose(run.time.values, spec.learning_rate * run.step.values)
    want = np.array(losses)[run.step.values]
    assert want[-1, 0] < want[0, 0] / 5
    for name, values in zip(("train_loss", "test_loss"), want.T, strict=True):
        assert_allclose(run[name].values, values, 1e-5)  # forty steps in single precision


def quadrature(dim):
    """Points and their mass that integrate polynomials up to the fourth degree over x ~ N(0, I/D) exactly."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(3)
    x = np.array(list(itertools.product(nodes, repeat=dim))) / np.sqrt(dim)
    return x, np.array([np.prod(w) for w in itertools.product(weights / weights.sum(), repeat=dim)])


def test_the_expected_loss_is_that_of_an_exact_quadrature(rng):
    x, mass = quadrature(3)
    linear, root = rng.normal(size=3), rng.normal(size=(3, 3))
    with jax.enable_x64(True):
        error = Polynomial(jnp.asarray(linear), jnp.asarray(root + root.T))
        got = np.array(error.mean_squares())
        total, mean = mass @ np.asarray(error(jnp.asarray(x))) ** 2, mass @ np.asarray(error(jnp.asarray(x)))
    assert_allclose(got, [mean**2, total - mean**2 - linear @ linear / 3, linear @ linear / 3])


def test_the_first_kernel_of_a_wide_network_has_the_papers_eigenvalues():
    (x, mass), epsilon = quadrature(3), 0.5
    w = np.sqrt(3) * np.concatenate([np.eye(3), -np.eye(3)])  # mean 0 and second moment 1, as of infinitely many
    with jax.enable_x64(True):
        kernel = np.asarray(tangent_kernel(jnp.asarray(w), epsilon, jnp.asarray(x)))
    for mode, value in ((x[:, 0], 1 / 3), (x[:, 0] * x[:, 1], 2 * epsilon**2 / 9)):
        assert_allclose(kernel @ (mass * mode), value * mode)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_loss_on_many_points_is_the_expected_one_within_its_sampling_error(seed):
    run = lr.grokking(dataclasses.replace(CENTRED, n_test=20_000, seed=seed), checkpoints=5)
    parts = run.variance_loss + run.misalignment_loss + run.linear_loss
    assert_allclose(parts.values, run.expected_test_loss.values)
    assert (abs(run.test_loss - run.expected_test_loss) < 4 * run.test_loss_stderr).all()
    assert (run.test_loss_stderr < 0.05 * run.test_loss).all()


def test_alignments_and_norm_are_the_textbooks():
    x, _, beta, w = drawn(SMALL)
    start = lr.grokking(SMALL, checkpoints=2).isel(time=0)
    slopes = 1 + SMALL.epsilon * x @ w.T
    kernel = [
        [np.mean(a * b) * (p @ q) for b, q in zip(slopes, x, strict=True)] for a, p in zip(slopes, x, strict=True)
    ]
    assert_allclose(float(start.ntk_alignment), lr.target_alignment(np.array(kernel), (x @ beta) ** 2 / 2))
    second = sum(np.outer(v, v) for v in w)
    cosine = np.sum(second * np.outer(beta, beta)) / np.linalg.norm(second) / np.linalg.norm(np.outer(beta, beta))
    assert_allclose(float(start.feature_alignment), cosine)
    assert_allclose(float(start.weight_norm), np.sqrt(np.sum(w**2)))


def test_a_large_centred_output_scale_is_the_linear_dynamics_of_the_first_tangent_kernel():
    lazy = dataclasses.replace(CENTRED, steps=200, learning_rate=1.0, n_train=6)
    x, x_test, beta, w = drawn(lazy)
    points = np.concatenate([x, x_test])
    with jax.enable_x64(True):
        kernel = np.asarray(tangent_kernel(jnp.asarray(w), lazy.epsilon, jnp.asarray(points)))
    y, y_test = ((p @ beta) ** 2 / 2 for p in (x, x_test))
    flow = lr.LinearDynamics(kernel[:6, :6], y, kernel[6:, :6], learning_rate=lazy.learning_rate)
    distances = []
    for alpha in (300.0, 30.0):  # single precision knows f - f_0 to 300 x 1e-7
        run = lr.grokking(dataclasses.replace(lazy, alpha=alpha), checkpoints=8)
        gap = run.test_loss.values - flow.test_loss(run.time.values, y_test)
        distances.append(np.abs(gap).max() / run.test_loss.values[0])
    # Weights, and with them the kernel, move by 1/alpha.
    assert distances[0] < 0.01
    assert 5 < distances[1] / distances[0] < 20


@pytest.mark.parametrize("spec", [SMALL, CENTRED], ids=["as_drawn", "centred"])
def test_the_linearised_losses_are_those_of_gradient_descent_on_the_first_tangent_space(spec):
    x, x_test, beta, start = drawn(spec)
    with jax.enable_x64(True):
        points = jnp.concatenate([x, x_test])
        f0 = network(spec, start, np.asarray(points))
        tangent = jax.jit(jax.jacobian(lambda w: network(spec, w, points)))(start).reshape(len(f0), -1)
    y, n = (np.asarray(points) @ beta) ** 2 / 2, len(x)
    f, losses = f0 * (1 - spec.centred), []
    for _ in range(spec.steps + 1):
        losses.append([np.mean((f - y)[part] ** 2) / 2 for part in (slice(n), slice(n, None))])
        step = spec.learning_rate * spec.width / spec.alpha**2 / n
        f = f - step * np.asarray(tangent) @ (np.asarray(tangent)[:n].T @ (f - y)[:n])
    got = linearised_grokking(spec, checkpoints=8)
    steps = np.round(got.time.values / spec.learning_rate).astype(int)
    assert_allclose(np.stack([got.train_loss, got.test_loss], axis=1), np.array(losses)[steps], relative=1e-8)


@pytest.mark.parametrize("spec", [SMALL, CENTRED], ids=["as_drawn", "centred"])
def test_a_saved_run_says_what_made_it(spec, tmp_path, production):
    run = lr.grokking(spec, checkpoints=3)
    back = lr.load(lr.save(run, tmp_path / "run.nc"))
    assert back.identical(run) and back.attrs["status"] == "complete"
    fields = {field.name: back.attrs[field.name] for field in dataclasses.fields(spec)}
    assert lr.GrokkingSpec(**{**fields, "centred": bool(fields["centred"])}) == spec


def test_a_step_that_is_too_large_ends_the_run_with_a_warning():
    with pytest.warns(RuntimeWarning, match=r"diverged before t = .*Lower the learning rate"):
        run = lr.grokking(dataclasses.replace(SMALL, learning_rate=300.0))
    assert run.attrs["status"].startswith("diverged before t = ")
    assert 1 <= run.sizes["time"] < 20 and np.isfinite(run.to_array()).all()


def test_nothing_is_compiled_again_when_a_number_moves(compilations):
    lr.grokking(SMALL, checkpoints=5)
    compilations.clear()
    for alpha, epsilon, rate in ((2.0, 0.1, 0.05), (0.5, 0.0, 0.2)):
        moved = {"alpha": alpha, "epsilon": epsilon, "learning_rate": rate, "centred": alpha > 1, "seed": 9}
        lr.grokking(dataclasses.replace(SMALL, **moved), checkpoints=5)
    assert compilations == []


@pytest.fixture(scope="module")
def courses():
    """For each alpha the course of several seeds, and the step at which each loss is below a tenth of the variance."""

    def course(alpha, seed):
        run = lr.grokking(lr.GrokkingSpec(alpha=alpha, seed=seed))
        below = {name: run.step.values[2 * run[name].values < 0.1 * VARIANCE] for name in ("train_loss", "test_loss")}
        peak, final = (2 * float(value) for value in (run.test_loss.max(), run.test_loss[-1]))
        first = {name: steps[0] if len(steps) else np.inf for name, steps in below.items()}
        return {**first, "peak": peak, "final": final, "growth": float(run.weight_norm[-1] / run.weight_norm[0])}

    return {alpha: [course(alpha, seed) for seed in range(5)] for alpha in (0.125, 1.0, 8.0)}


@pytest.mark.slow
@pytest.mark.parametrize(
    "alpha, name, number",
    [
        (0.125, "train_loss", 65), (0.125, "test_loss", 200), (1.0, "train_loss", 400), (1.0, "test_loss", 2200),
        (1.0, "peak", 1.3 * VARIANCE), (1.0, "final", 0.015), (8.0, "train_loss", 3500), (8.0, "final", 0.33 / 2),
    ],
)  # fmt: skip
def test_the_course_is_the_papers_within_the_spread_over_seeds(alpha, name, number, courses):
    values = [course[name] for course in courses[alpha]]
    assert min(values) <= number <= max(values)
    assert max(values) < 8 * min(values)


@pytest.mark.slow
def test_the_lazier_the_network_the_later_it_groks_and_its_weights_grow_meanwhile(courses):
    for one, other, lazy in zip(*courses.values(), strict=True):
        assert one["train_loss"] < other["train_loss"] < lazy["train_loss"] < np.inf
        assert one["test_loss"] < other["test_loss"] < lazy["test_loss"] == np.inf
        assert other["test_loss"] > 3 * other["train_loss"]
        assert other["growth"] > 1.5
