"""Mini-batch gradient descent in function space, against enumerated batches and against real SGD."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lazyrich as lr
from tests.tolerances import assert_allclose

BATCHES = pytest.mark.parametrize(
    "batch_size, replacement", [(1, False), (2, False), (2, True)], ids=["one", "two", "two_with_replacement"]
)


def problem(rng, n=3, n_test=2, outputs=2):
    """A kernel on training and test points, and targets on both."""
    root = rng.normal(size=(n + n_test, 5))
    kernel, y = root @ root.T, rng.normal(size=(n + n_test, outputs))
    return kernel[:n, :n], y[:n], kernel[n:, :n], y[n:]


def all_runs(kernel, y, cross, y_test, f0, f0_test, eta, batch_size, replacement, steps):
    """Training and test losses of every sequence of batches that there is, equally probable, (sequences,)."""
    draw = itertools.product if replacement else itertools.permutations
    points = range(len(y))
    batches = list(draw(points, repeat=batch_size) if replacement else draw(points, batch_size))
    losses = []
    for sequence in itertools.product(batches, repeat=steps):
        weights = np.zeros_like(y)
        for batch in sequence:
            error = f0 + kernel @ weights - y
            for i in batch:
                weights[i] -= eta / batch_size * error[i]
        ends = (f0 + kernel @ weights - y, f0_test + cross @ weights - y_test)
        losses.append([(end**2).sum() / (2 * len(end)) for end in ends])
    return np.array(losses).T


@BATCHES
def test_the_mean_losses_are_those_of_all_sequences_of_batches(rng, batch_size, replacement):
    kernel, y, cross, y_test = problem(rng)
    f0, f0_test = rng.normal(size=y.shape), rng.normal(size=y_test.shape)
    got = lr.minibatch_dynamics(
        kernel, y, time=[0.2, 0.4, 0.6], learning_rate=0.2, batch_size=batch_size, replacement=replacement,
        cross_ntk=cross, y_test=y_test, f0=(f0, f0_test),
    )  # fmt: skip
    for steps in (0, 1, 2, 3):
        train, test = all_runs(kernel, y, cross, y_test, f0, f0_test, 0.2, batch_size, replacement, steps)
        assert_allclose(got.train_loss.values[steps], train.mean())
        assert_allclose(got.test_loss.values[steps], test.mean())


def test_a_small_step_has_the_deviation_of_all_sequences_of_batches(rng):
    # The Gaussian residual is exact to leading order in the step where the mean's slope does not vanish.
    kernel, y, cross, y_test = problem(rng)
    errors = []
    for eta in (0.01, 0.001):
        got = lr.minibatch_dynamics(
            kernel, y, time=[4 * eta], learning_rate=eta, batch_size=2, cross_ntk=cross, y_test=y_test
        )
        runs = all_runs(kernel, y, cross, y_test, 0.0, 0.0, eta, 2, False, 4)
        found = [got.train_loss_std.values[-1], got.test_loss_std.values[-1]]
        errors.append(np.abs(found / runs.std(axis=1) - 1))
    assert (errors[0] < 0.05).all()
    assert (errors[1] < 0.2 * errors[0]).all()


def test_a_batch_of_all_points_is_gradient_descent(rng):
    kernel, y, cross, y_test = problem(rng, n=6)
    flow = lr.LinearDynamics(kernel, y, cross, learning_rate=0.1)
    for method in ("exact", "mode_wise"):
        got = lr.minibatch_dynamics(
            kernel, y, time=3.0, learning_rate=0.1, batch_size=6, cross_ntk=cross, y_test=y_test, method=method
        )
        assert_allclose(got.train_loss.values, flow.train_loss(got.time.values))
        assert_allclose(got.test_loss.values, flow.test_loss(got.time.values, y_test))
    assert_allclose(lr.max_minibatch_learning_rate(kernel, 6), flow.max_learning_rate)


def test_the_modes_alone_follow_the_recursion_on_paper(rng):
    kernel, y, _, _ = problem(rng, n=6)
    values, vectors = np.linalg.eigh(kernel)
    eta, c = 0.1, (6 - 2) / (2 * 5)
    power = ((vectors.T @ y) ** 2).sum(axis=1)
    for _ in range(20):
        x = eta * values / 6
        power = (1 - x) ** 2 * power + c * x**2 * (power.sum() - power)
    got = lr.minibatch_dynamics(kernel, y, time=[20 * eta], learning_rate=eta, batch_size=2, method="mode_wise")
    assert_allclose(got.train_loss.values[-1], power.sum() / 12)
    assert "train_loss_std" not in got


@pytest.mark.parametrize("name", ["circle", "digits"])
def test_the_modes_alone_are_close_to_the_exact_mean(name):
    # Within 7 % in what was tried, up to 0.8 of the largest stable step.
    data = lr.load_data(name, n_train=64, n_test=2)
    kernel = lr.ntk(lr.Network(2), data.x_train)
    for batch_size in (1, 8):
        eta = 0.5 * lr.max_minibatch_learning_rate(kernel, batch_size)
        arguments = {"time": np.array([1, 10, 100, 300]) * eta, "learning_rate": eta, "batch_size": batch_size}
        exact = lr.minibatch_dynamics(kernel, data.y_train[:, :1], **arguments).train_loss.values
        modes = lr.minibatch_dynamics(kernel, data.y_train[:, :1], method="mode_wise", **arguments).train_loss.values
        assert 0.001 < np.abs(modes / exact - 1).max() < 0.07


RUNS, STEPS = 1000, 60


def sgd_on_the_linearised_network(net, data, params, eta, batch_size):
    """Losses of runs of SGD on the weights of f + J (theta - theta_0), (runs, checkpoints, 2)."""
    y, y_test = jnp.asarray(data.y_train), jnp.asarray(data.y_test)

    def linearised(x, moved):
        f, change = jax.jvp(lambda p: lr.apply(net, p, x), (params,), (moved,))
        return f + change

    def batch_loss(moved, batch):
        return jnp.sum((linearised(jnp.asarray(data.x_train)[batch], moved) - y[batch]) ** 2) / (2 * batch_size)

    def run(key):
        def step(moved, key):
            batch = jax.random.choice(key, len(y), (batch_size,), replace=False)
            slope = jax.grad(batch_loss)(moved, batch)
            moved = jax.tree.map(lambda w, g: w - eta * g, moved, slope)
            train, test = linearised(data.x_train, moved) - y, linearised(data.x_test, moved) - y_test
            return moved, jnp.stack([jnp.sum(train**2) / (2 * len(y)), jnp.sum(test**2) / (2 * len(y_test))])

        return jax.lax.scan(step, jax.tree.map(jnp.zeros_like, params), jax.random.split(key, STEPS))[1]

    return np.asarray(jax.jit(jax.vmap(run))(jax.random.split(jax.random.key(7), RUNS)), np.float64)


def test_sgd_on_the_weights_of_a_linearised_network_has_this_mean_and_deviation():
    data = lr.load_data("circle", n_train=16, n_test=8, noise=0.1, seed=3)
    net = lr.Network(depth=1, width=32, activation="tanh")
    params = lr.init(net, 2, 1, seed=1)
    f0 = tuple(np.asarray(lr.apply(net, params, x), np.float64) for x in (data.x_train, data.x_test))
    double = jax.tree.map(lambda leaf: leaf.astype(np.float64), params)
    kernel, cross = (lr.empirical_ntk(net, double, x, data.x_train) for x in (data.x_train, data.x_test))
    eta = 0.4 * lr.max_minibatch_learning_rate(kernel, 4)
    theory = lr.minibatch_dynamics(
        kernel, data.y_train, time=eta * np.arange(STEPS + 1), learning_rate=eta, batch_size=4, f0=f0,
        cross_ntk=cross, y_test=data.y_test,
    )  # fmt: skip
    runs = sgd_on_the_linearised_network(net, data, params, eta, 4)
    for side, name in enumerate(("train_loss", "test_loss")):
        mean, std = theory[name].values[1:], theory[f"{name}_std"].values[1:]
        error = runs[..., side].std(axis=0, ddof=1) / np.sqrt(RUNS)
        # Four standard errors of the mean; neighbouring times are correlated.
        assert (np.abs(runs[..., side].mean(axis=0) - mean) < 4 * error).all()
        # The mean of gradient descent on all points is another one.
        descent = lr.LinearDynamics(kernel, data.y_train, cross, f0=f0, learning_rate=eta)
        t = eta * np.arange(1, STEPS + 1)
        smooth = descent.train_loss(t) if side == 0 else descent.test_loss(t, data.y_test)
        assert (np.abs(runs[..., side].mean(axis=0) - smooth) > 8 * error).mean() > 0.5
        # Outputs are taken for Gaussian: an approximation, within 25 % in what was tried.
        assert (np.abs(runs[..., side].std(axis=0) / std - 1) < 0.25).all()


def second_moment_operator(kernel, eta, batch_size):
    """The step of E[r r^T] as a matrix on n^2 entries, by the average over all batches."""
    n = len(kernel)
    batches = list(itertools.combinations(range(n), batch_size))
    total = 0.0
    for batch in batches:
        chosen = np.isin(np.arange(n), batch) / batch_size
        step = np.eye(n) - eta * kernel * chosen[None, :]
        total = total + np.kron(step, step)
    return total / len(batches)


@pytest.mark.parametrize("batch_size", [1, 2, 4])
def test_at_the_largest_step_the_second_moment_neither_grows_nor_fades(rng, batch_size):
    root = rng.normal(size=(5, 7))
    kernel = root @ root.T
    edge = lr.max_minibatch_learning_rate(kernel, batch_size)
    for fraction, low, high in ((0.999, 0.0, 1.0), (1.0, 1 - 1e-8, 1 + 1e-8), (1.001, 1.0, 2.0)):
        radius = np.abs(np.linalg.eigvals(second_moment_operator(kernel, fraction * edge, batch_size))).max()
        assert low <= radius <= high


def test_a_batch_of_one_point_is_bounded_by_the_trace():
    # All points have the same Theta(x, x), so that each step is the same reflection in another direction.
    kernel = lr.ntk(lr.Network(2), lr.load_data("digits", n_train=20, n_test=2).x_train)
    for method in ("exact", "mode_wise"):
        assert_allclose(
            lr.max_minibatch_learning_rate(kernel, 1, method=method), 2 * 20 / np.trace(kernel), relative=1e-9
        )


def isotropic_regression(rng, batch_size, eta, dim, steps=300):
    """The squared error of SGD on fresh Gaussian inputs without noise, and the mean sharpness of a batch."""
    w, sharpest = np.ones(dim), []
    for _ in range(steps):
        x = rng.normal(size=(batch_size, dim))
        sharpest.append(np.linalg.eigvalsh(x @ x.T if batch_size < dim else x.T @ x)[-1] / batch_size)
        w = w - eta / batch_size * x.T @ (x @ w)
    return (w**2).sum() / dim, np.mean(sharpest)


@pytest.mark.parametrize("batch_size", [5, 50, 500])
def test_isotropic_regression_is_stable_up_to_one_edge_and_contracts_up_to_another(rng, batch_size):
    dim = 50
    # Equal eigenvalues: the best conditioned inputs there are, in 10 d points.
    x = np.linalg.qr(rng.normal(size=(10 * dim, dim)))[0] * np.sqrt(10 * dim)
    system = lr.Eigensystem(np.r_[np.full(dim, 10.0 * dim), np.zeros(9 * dim)], np.linalg.svd(x)[0], 1e-8)
    got = lr.max_minibatch_learning_rate(system, batch_size, replacement=True, method="mode_wise")
    assert_allclose(got, 2 / (1 + (dim - 1) / batch_size), relative=1e-9)  # the root's tolerance
    # Fresh inputs have d + 1 in place of d - 1. Simulated below and above.
    edge = 2 / (1 + (dim + 1) / batch_size)
    below, sharpness = isotropic_regression(rng, batch_size, 0.8 * edge, dim)
    above, _ = isotropic_regression(rng, batch_size, 1.2 * edge, dim)
    assert below < 1e-4
    assert above > 1e4
    # At d = 50 the mean of the largest eigenvalue is 3 to 12 % below its limit, by terms of order d^(-2/3).
    assert_allclose(sharpness, (1 + np.sqrt(dim / batch_size)) ** 2, relative=0.15)
    assert 0.45 * edge < 2 / sharpness < 0.8 * edge


def test_an_unstable_step_is_shown_with_a_sentence(rng):
    kernel, y, _, _ = problem(rng, n=6)
    eta = 1.2 * lr.max_minibatch_learning_rate(kernel, 2)
    short = lr.minibatch_dynamics(kernel, y, time=[5 * eta], learning_rate=eta, batch_size=2)
    assert "grows without bound: the learning rate" in short.attrs["status"]
    with pytest.warns(RuntimeWarning, match="diverged before t = .* is not below max_minibatch_learning_rate"):
        long = lr.minibatch_dynamics(kernel, y, time=1e5 * eta, learning_rate=eta, batch_size=2)
    assert "diverged before" in long.attrs["status"]
    assert np.isfinite(long.train_loss).all()
    assert len(long.time) < 30


def test_a_singular_kernel_keeps_what_it_cannot_learn(rng):
    root = rng.normal(size=(6, 2))
    y = rng.normal(size=(6, 1))
    projector = np.linalg.qr(root)[0]
    left = y - projector @ (projector.T @ y)
    kernel = root @ root.T
    eta = 0.01 * lr.max_minibatch_learning_rate(kernel, 2)
    end = lr.minibatch_dynamics(kernel, y, time=[1e5 * eta], learning_rate=eta, batch_size=2).isel(time=-1)
    # What remains goes on making noise, in proportion to the step.
    floor = (left**2).sum() / 12
    assert floor < end.train_loss < 1.05 * floor
    zero = lr.minibatch_dynamics(np.zeros((6, 6)), y, time=[1.0], learning_rate=0.1, batch_size=2)
    assert_allclose(zero.train_loss.values, np.full(2, (y**2).sum() / 12))
    assert lr.max_minibatch_learning_rate(np.zeros((6, 6)), 2) == np.inf


def test_a_result_comes_back_from_a_file_with_its_settings(rng, tmp_path):
    kernel, y, _, _ = problem(rng)
    result = lr.minibatch_dynamics(kernel, y, time=1.0, learning_rate=0.1, batch_size=2)
    lr.save(result, tmp_path / "sgd.nc")
    assert lr.load(tmp_path / "sgd.nc").identical(result)
    assert result.attrs["batch_size"] == 2


def test_one_of_two_test_arguments_is_refused(rng):
    kernel, y, cross, _ = problem(rng)
    with pytest.raises(ValueError, match=r"needs both cross_ntk and y_test; got one of them"):
        lr.minibatch_dynamics(kernel, y, time=1.0, learning_rate=0.1, batch_size=2, cross_ntk=cross)
