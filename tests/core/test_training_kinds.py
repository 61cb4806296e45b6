"""Kinds of training: losses, optimizers, mini-batches and step sizes, against steps by hand and against theory."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.special import logsumexp

import lazyrich as lr
from lazyrich import Params
from tests.tolerances import assert_allclose

NET = lr.Network(3, 16, "tanh", 1.5, 0.2)
# A few dozen steps in float32, whose roundings do not average out.
AFTER_STEPS = 1e-4


@pytest.fixture(scope="module")
def data():
    return lr.load_data("circle", n_train=7, n_test=3, seed=1)


@pytest.fixture(scope="module")
def classes():
    """Three classes, by the third of the circle that a point is in."""
    data = lr.load_data("circle", n_train=8, n_test=5, seed=2)
    labels = [
        np.floor((np.arctan2(x[:, 1], x[:, 0]) + np.pi) / (2.001 * np.pi / 3)) for x in (data.x_train, data.x_test)
    ]
    return lr.Dataset(x_train=data.x_train, y_train=np.eye(3)[labels[0].astype(int)],
                      x_test=data.x_test, y_test=np.eye(3)[labels[1].astype(int)], name="thirds")  # fmt: skip


MEAN_LOSS = {
    "squared": lambda f, y: ((f - y) ** 2).sum(axis=1).mean() / 2,
    "huber": lambda f, y: jnp.where(jnp.abs(f - y) < 1, (f - y) ** 2 / 2, jnp.abs(f - y) - 0.5).sum(axis=1).mean(),
    "cross_entropy": lambda f, y: (logsumexp(f, axis=1) - (y * f).sum(axis=1)).mean(),
    "logistic": lambda f, y: jnp.log(1 + jnp.exp((1 - 2 * y) * f)).sum(axis=1).mean(),
    "squared_hinge": lambda f, y: (jnp.maximum(0, 1 + (1 - 2 * y) * f) ** 2).sum(axis=1).mean() / 2,
    "hinge": lambda f, y: jnp.maximum(0, 1 + (1 - 2 * y) * f).sum(axis=1).mean(),
}


def by_hand(net, data, steps, move, loss="squared"):
    """Losses before each step and after the last, from the gradient of `apply` by autodiff; the steps are NumPy's."""

    @jax.jit
    @jax.value_and_grad
    def value_and_gradient(params):
        return MEAN_LOSS[loss](lr.apply(net, params, data.x_train), data.y_train)

    params, losses, memory = lr.init(net, data.in_dim, data.out_dim, seed=3), [], None
    for _ in range(steps + 1):
        value, gradient = value_and_gradient(params)
        losses.append(float(value))
        params, memory = move(net, *jax.tree.map(np.asarray, (params, gradient)), memory)
    return np.array(losses)


def descend(net, params, gradient, memory, eta=0.1, beta=0.0):
    memory = gradient if memory is None else jax.tree.map(lambda v, g: beta * v + g, memory, gradient)
    return jax.tree.map(lambda w, v: w - eta * net.gamma**2 * v, params, memory), memory


def adam(net, params, gradient, memory, eta=0.01, hidden=1.0):
    """Algorithm 1 of Kingma & Ba, on gamma times the gradient."""
    gradient = jax.tree.map(lambda g: net.gamma * g, gradient)
    t, m, v = (0, *(jax.tree.map(np.zeros_like, gradient),) * 2) if memory is None else memory
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, gradient)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g**2, v, gradient)
    t, rates = t + 1, Params(eta, eta * hidden, eta, eta, eta)
    moved = jax.tree.map(
        lambda w, rate, m, v: w - rate * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8), params, rates, m, v
    )
    return moved, (t, m, v)


@pytest.mark.parametrize("loss", MEAN_LOSS)
def test_every_loss_goes_down_its_own_gradient(classes, loss):
    net = dataclasses.replace(NET, parametrization="mup", richness=0.5)
    run = lr.train(net, classes, time=0.1 * np.arange(31), learning_rate=0.1, seeds=2, seed=3, loss=loss)
    want = by_hand(net, classes, 30, descend, loss)
    assert_allclose(run.train_loss.values[0], want, relative=AFTER_STEPS)
    assert want[-1] < 0.9 * want[0]
    assert run.attrs["loss"] == loss


def test_a_loss_of_ones_own_is_trained_as_the_built_in_one(classes):
    own, built_in = (
        lr.train(NET, classes, time=2.0, learning_rate=0.1, seeds=1, loss=loss).train_loss.values
        for loss in (lambda f, y: jnp.sum((f - y) ** 2) / 2, "squared")
    )
    assert_allclose(own, built_in)


def test_momentum_is_polyaks(data):
    run = lr.train(NET, data, time=0.1 * np.arange(31), learning_rate=0.1, seeds=2, seed=3, momentum=0.8)
    want = by_hand(NET, data, 30, lambda *a: descend(*a, beta=0.8))
    assert_allclose(run.train_loss.values[0], want, relative=AFTER_STEPS)


@pytest.mark.parametrize("optimizer, hidden", [("adam", 1.0), ("mup_adam", 1 / 4)])
def test_adam_is_kingma_and_bas_and_mup_adam_slows_the_hidden_layers(data, optimizer, hidden):
    net = dataclasses.replace(NET, parametrization="mup")
    run = lr.train(net, data, time=0.01 * np.arange(31), learning_rate=0.01, seeds=2, seed=3, optimizer=optimizer)
    want = by_hand(net, data, 30, lambda *a: adam(*a, hidden=hidden))
    # Adam divides small gradients by their own size, roundings and all.
    assert_allclose(run.train_loss.values[0], want, relative=1e-3)


def test_mup_adam_moves_features_alike_at_every_width_and_adam_does_not(data):
    def slope(optimizer):
        moved = []
        for width in (64, 512):
            net = lr.Network(3, width, "tanh", 1.5, parametrization="mup")
            run = lr.train(
                net, data, time=[0.06], learning_rate=0.02, seeds=4, optimizer=optimizer, record=("movement",)
            )
            moved.append(np.log(run.activation_movement.values[:, -1, -1]).mean())
        return (moved[1] - moved[0]) / np.log(512 / 64)

    assert abs(slope("mup_adam")) < 0.1
    assert slope("adam") > 0.25


@pytest.mark.parametrize("loss", ["cross_entropy", "squared_hinge"])
def test_wide_networks_follow_the_infinite_width_flow_of_any_loss(classes, loss):
    net, seeds = lr.Network(2, 512, "erf", 1.5, 0.1), 8
    run = lr.train(net, classes, time=[3.0, 10.0], learning_rate=0.05, seeds=seeds, centred=True, loss=loss,
                   record=("outputs", "loss"))  # fmt: skip
    flow = lr.loss_dynamics(
        lr.ntk(net, classes.x_train), classes.y_train, run.time.values[1:], loss=loss,
        cross_ntk=lr.ntk(net, classes.x_test, classes.x_train),
    )  # fmt: skip
    f = run.f_test.values[:, 1:]
    error = f.std(axis=0, ddof=1) / np.sqrt(seeds)
    scores = (f.mean(axis=0) - flow.f_test.values) / error
    # Student's t with 7 degrees of freedom: rms 1.2, though points, outputs and times go together.
    assert np.sqrt((scores**2).mean()) < 2
    assert np.abs(scores).max() < 6
    assert error.max() < 0.05 * np.abs(flow.f_test.values).max()


def test_mini_batches_have_the_mean_and_the_deviation_of_theory(data):
    net, seeds = lr.Network(1, 256, "erf", 1.5, 0.1), 48
    arguments = {"time": np.array([2.0, 8.0, 40.0]), "learning_rate": 0.4, "batch_size": 2}
    theory = lr.minibatch_dynamics(lr.ntk(net, data.x_train), data.y_train, **arguments)
    losses, steady = (
        lr.train(net, data, seeds=seeds, centred=True, **{**arguments, "batch_size": size}).train_loss.values[:, 1:]
        for size in (2, None)
    )
    # Full-batch runs of the same networks take out what their finite width does.
    extra = losses.mean(axis=0) - steady.mean(axis=0)
    flow = lr.LinearDynamics(lr.ntk(net, data.x_train), data.y_train, learning_rate=0.4)
    want = theory.train_loss.values[1:] - flow.train_loss(arguments["time"])
    error = (losses - steady).std(axis=0, ddof=1) / np.sqrt(seeds)
    assert (np.abs(extra - want) < 4 * error).all()
    assert (want > 2 * error).any()


def test_a_batch_of_all_points_is_the_full_batch(data):
    full, batch = (
        lr.train(NET, data, time=2.0, learning_rate=0.1, seeds=2, batch_size=size).train_loss.values
        for size in (None, 7)
    )
    assert_allclose(batch, full)


def test_every_seed_draws_batches_of_its_own_and_every_point_as_often(data):
    # Without a network to speak of, the readout bias adds up the residuals of the points that were drawn.
    points = lr.Dataset(x_train=np.ones((4, 1)), y_train=10.0 ** np.arange(4)[:, None],
                        x_test=np.ones((1, 1)), y_test=np.ones((1, 1)))  # fmt: skip
    net = lr.Network(1, 16, "erf", 0.0, 1.0)
    steps, eta = 400, 1e-7
    run = lr.train(net, points, time=eta * np.arange(steps + 1), learning_rate=eta, seeds=2, centred=True, batch_size=1)
    # f hardly moves, so that a step adds 2 eta y (of the readout bias and the one below, through erf).
    moved = np.diff(run.f_train.values[:, :, 0, 0], axis=1)
    drawn = np.round(np.log10(moved / moved.min(axis=1, keepdims=True))).astype(int)
    counts = np.array([np.bincount(row, minlength=4) for row in drawn])
    # Binomial: 100 with deviation 8.7.
    assert counts.shape == (2, 4) and (np.abs(counts - steps / 4) < 5 * 8.7).all()
    assert 0.5 < (drawn[0] != drawn[1]).mean() < 1


def test_a_fraction_of_the_edge_is_measured(data):
    wide = lr.Network(1, 256, "erf", 1.5, 0.1)
    for momentum in (0.0, 0.5):
        run = lr.train(wide, data, time=1.0, seeds=2, edge_fraction=0.5, momentum=momentum, record=("sharpness",))
        top = run.sharpness.values[:, 0].max()
        assert_allclose(run.attrs["learning_rate"], 0.5 * 2 * (1 + momentum) / top, relative=1e-3)
    limit = lr.LinearDynamics(lr.ntk(wide, data.x_train), data.y_train).max_learning_rate
    assert abs(lr.train(wide, data, time=1.0, edge_fraction=1.0).attrs["learning_rate"] / limit - 1) < 0.2


def test_the_loss_rises_beyond_the_edge_and_falls_below_it(data):
    # Lazy networks, whose edge stays where it was.
    net = lr.Network(1, 512, "erf", 1.5, 0.1, richness=0.05)
    losses = {
        fraction: lr.train(net, data, time=20.0, seeds=1, edge_fraction=fraction, centred=True).train_loss.values[0]
        for fraction in (0.9, 1.1)
    }
    assert losses[0.9][-1] < losses[0.9][0]
    assert losses[1.1][-1] > losses[1.1][0]


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        ({"optimizer": "sgd"}, "adam, gradient_descent, mup_adam; got 'sgd'"),
        ({"optimizer": "adam"}, "adam needs a learning_rate; got None"),
        ({"optimizer": "adam", "edge_fraction": 0.5}, "adam needs a learning_rate"),
        ({"optimizer": "adam", "learning_rate": 0.1, "momentum": 0.5}, "momentum must be below 1, and 0 for adam"),
        ({"momentum": 1.0}, "momentum must be below 1"),
        ({"learning_rate": 0.1, "edge_fraction": 0.5}, "Only one of learning_rate and edge_fraction"),
        ({"edge_fraction": 0.0}, "edge_fraction must be a finite number above 0"),
        ({"batch_size": 8}, "batch_size must be a whole number from 1 to 7"),
        ({"loss": "cross_entropy"}, "y_train must be whole class numbers"),
        ({"loss": "hinge"}, "y_train must be labels -1 and 1"),
        ({"loss": "absolute"}, "cross_entropy, hinge, .*; got 'absolute'"),
        ({"record": ("loss", "entropy")}, "accuracy, alignment, .*; got 'entropy'"),
        ({"record": ("linear_training",), "momentum": 0.5}, "linear_training is recorded of full-batch"),
    ],
)  # fmt: skip
def test_what_cannot_be_trained_is_said(data, arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        lr.train(NET, data, **{"time": 1.0, "seeds": 1, **arguments})


def test_a_loss_that_returns_no_number_is_refused(data):
    with pytest.raises(ValueError, match="loss must return one real number"):
        lr.train(NET, data, time=1.0, seeds=1, loss=lambda f, y: f - y)


def test_gradients_do_not_pass_a_jump_which_is_said(data):
    net = lr.Network(2, 16, "sign", 1.5, 0.2)
    with pytest.warns(RuntimeWarning, match="gradients train the readout alone"):
        run = lr.train(net, data, time=2.0, learning_rate=0.1, seeds=1, record=("loss", "movement"))
    moved = run.parameter_movement.values[0, -1]
    assert (moved[:2] == 0).all() and moved[2] > 0
    assert run.train_loss[0, -1] < run.train_loss[0, 0]


def test_one_point_is_learned():
    one = np.ones((1, 1))
    data = lr.Dataset(x_train=one, y_train=one, x_test=one, y_test=one)
    run = lr.train(NET, data, time=200.0, seeds=2, record=("loss", "accuracy", "ntk", "alignment"))
    assert (run.train_loss[:, -1] < 1e-3).all() and (run.train_accuracy[:, -1] == 1).all()
