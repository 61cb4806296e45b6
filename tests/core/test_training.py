"""Training finite networks: the steps themselves, and what is recorded of them."""

import dataclasses

import jax
import numpy as np
import pytest

import lazyrich as lr
from lazyrich import Params
from lazyrich.dynamics.training.checkpoints import checkpoint_steps
from lazyrich.dynamics.training.learning_rates import default_learning_rate
from tests.core import textbook
from tests.tolerances import assert_allclose

ETA = 0.1
# One width, two depths and two seeds wherever it does not matter, so that little is compiled.
SHALLOW, DEEP = (lr.Network(depth, 16, "tanh", 1.5, 0.2) for depth in (1, 3))
# A few hundred steps in float32, whose roundings do not average out.
AFTER_TRAINING = 2e-4


@pytest.fixture
def data():
    return lr.load_data("circle", n_train=7, n_test=3, seed=1)


def trained_by_hand(net, data, seed, steps, centred):
    """What the network of a seed says on both sets after some steps, each written out in float64."""
    params = Params(*(np.float64(leaf) for leaf in lr.init(net, data.in_dim, data.out_dim, seed=seed)))
    points = (data.x_train, data.x_test)
    start = [textbook.forward(net, params, x) if centred else 0.0 for x in points]
    for _ in range(steps):
        residual = textbook.forward(net, params, data.x_train) - start[0] - data.y_train
        params = textbook.gradient_step(net, params, data.x_train, residual, ETA)
    return [textbook.forward(net, params, x) - offset for x, offset in zip(points, start, strict=True)]


def test_a_step_by_hand_goes_down_the_gradient(data):
    net = dataclasses.replace(DEEP, richness=0.5)
    params = textbook.draw(net, data.in_dim, data.out_dim, np.random.default_rng(0))

    def loss(params):
        return ((textbook.forward(net, params, data.x_train) - data.y_train) ** 2).sum() / (2 * 7)

    residual = textbook.forward(net, params, data.x_train) - data.y_train
    moved = textbook.gradient_step(net, params, data.x_train, residual, 1.0)
    for name, leaf, after in zip(Params._fields, params, moved, strict=True):
        entry, h = (0,) * leaf.ndim, 1e-5
        shift = np.zeros_like(leaf)
        shift[entry] = h
        up, down = (loss(params._replace(**{name: leaf + sign * shift})) for sign in (1, -1))
        # The error of a central difference, about h^2.
        assert_allclose((leaf - after)[entry] / net.gamma**2, (up - down) / (2 * h), relative=1e-7)


@pytest.mark.parametrize("centred", [False, True], ids=["as_it_is", "centred"])
@pytest.mark.parametrize("parametrization, richness", [("ntk", 0.5), ("mup", 2.0)], ids=["ntk", "mup"])
@pytest.mark.parametrize("depth", [1, 3], ids=["one_layer", "three_layers"])
def test_networks_learn_what_they_learn_by_hand(data, depth, parametrization, richness, centred):
    net = lr.Network(depth, 16, "tanh", 1.5, 0.2, parametrization, richness)
    run = lr.train(net, data, time=[2.0, 20.0], learning_rate=ETA, seeds=2, seed=7, centred=centred)
    for seed in (7, 8):
        for i, steps in enumerate((0, 20, 200)):
            want = trained_by_hand(net, data, seed, steps, centred)
            for name, values in zip(("f_train", "f_test"), want, strict=True):
                got = run[name].sel(seed=seed)[i].values
                # Relative to the targets, which are of size 1: a centred network starts from 0.
                assert np.abs(got - values).max() < AFTER_TRAINING * max(1, np.abs(values).max())


def test_recorded_losses_are_those_of_the_recorded_outputs(data):
    run = lr.train(SHALLOW, data, time=20.0, seeds=2)
    for part, y in (("train", data.y_train), ("test", data.y_test)):
        residuals = run[f"f_{part}"].values - y
        want = (residuals**2).sum(axis=(2, 3)) / (2 * len(y))
        assert_allclose(run[f"{part}_loss"].values, want.astype(np.float32))


@pytest.mark.parametrize("net", [SHALLOW, DEEP], ids=["one_layer", "between_two_compiled_depths"])
def test_network_i_starts_from_the_weights_of_seed_plus_i(data, net):
    run = lr.train(net, data, time=1.0, seeds=2, seed=11, record=("outputs", "ntk"), ntk_points=5)
    assert run.seed.values.tolist() == [11, 12] and run.time[0] == 0
    for seed in (11, 12):
        params, first = lr.init(net, 2, 1, seed=seed), run.sel(seed=seed).isel(time=0)
        assert_allclose(first.f_train, lr.apply(net, params, data.x_train))
        assert_allclose(first.ntk, lr.empirical_ntk(net, params, data.x_train[:5]))


def test_a_run_is_a_pure_function_of_its_arguments_bit_for_bit(data):
    arguments = {"time": 10.0, "seeds": 2, "seed": 5, "record": ("loss", "outputs", "ntk")}
    one, same = (lr.train(DEEP, data, ntk_points=5, **arguments) for _ in range(2))
    assert one.identical(same)


def test_looking_more_often_changes_nothing(data):
    often, once = (
        lr.train(DEEP, data, time=times, learning_rate=ETA, seeds=2).isel(time=-1)
        for times in (np.arange(0, 20.1, 0.5), [20.0])
    )
    assert often.identical(once)


def test_checkpoints_are_log_spaced_whole_steps_from_zero_to_the_end():
    steps = checkpoint_steps(1000.0, 0.1, 9)
    assert steps[0] == 0 and steps[-1] == 10_000 and len(steps) == 9
    ratios = steps[2:] / steps[1:-1]
    assert_allclose(ratios, np.full(7, 10_000 ** (1 / 7)), relative=0.1)  # small steps are rounded
    assert checkpoint_steps(1.0, 0.5, 30).tolist() == [0, 1, 2]
    assert checkpoint_steps(1000.0, 0.1, 2).tolist() == [0, 10_000]
    assert checkpoint_steps([0.3, 0.0, 2.04], 0.1, 30).tolist() == [0, 3, 20]


def test_time_is_learning_rate_times_steps(data):
    run = lr.train(SHALLOW, data, time=[0.1, 0.34], learning_rate=0.1, seeds=2)
    assert_allclose(run.time.values, np.array([0.0, 0.1, 0.3]))


def quarter_of_the_limit(net, x):
    """A quarter of 2n / lambda_max, over the growth of a rich network's kernel."""
    top = np.linalg.eigvalsh(lr.ntk(net, x))[-1]
    return 2 * len(x) / top / 4 / (1 + net.gamma**2 / net.width)


@pytest.mark.parametrize("parametrization", ["ntk", "mup"])
def test_the_default_step_is_a_quarter_of_the_limit_and_less_for_a_rich_network(data, parametrization):
    net = dataclasses.replace(DEEP, parametrization=parametrization, richness=2.0)
    want = quarter_of_the_limit(net, data.x_train)
    assert_allclose(default_learning_rate(net, data), want)
    assert_allclose(lr.train(net, data, time=1.0, seeds=2).attrs["learning_rate"], want)


@pytest.mark.parametrize("n", [1, 2, 6])
def test_the_default_step_is_found_on_symmetric_points_of_an_odd_kernel(n):
    # The constant vector is in the null space there, and was where the eigenvalue search began.
    x = np.linspace(-1, 1, n)[:, None] if n > 1 else np.ones((1, 1))
    data = lr.Dataset(x_train=x, y_train=x, x_test=x, y_test=x)
    net = lr.Network(1, 16, "tanh")
    assert_allclose(default_learning_rate(net, data), quarter_of_the_limit(net, x))


def test_only_what_was_asked_for_is_recorded(data):
    names = {"loss": {"train_loss", "test_loss"}, "outputs": {"f_train", "f_test"}, "ntk": {"ntk"}}
    for record, variables in names.items():
        run = lr.train(SHALLOW, data, time=0.5, seeds=2, record=(record,), ntk_points=5)
        assert set(run.data_vars) == variables


def test_a_stream_yields_the_run_one_checkpoint_at_a_time_and_can_be_closed_midway(data):
    run = lr.train(SHALLOW, data, time=10.0, seeds=2)
    stream = lr.train_stream(SHALLOW, data, time=10.0, seeds=2)
    for i in range(3):
        assert next(stream).identical(run.isel(time=[i]))
    stream.close()
    with pytest.raises(StopIteration):
        next(stream)


def test_divergence_is_reported_and_warned_about_and_stops_the_run(data):
    too_large = 100 * default_learning_rate(SHALLOW, data)
    with pytest.warns(RuntimeWarning, match=r"diverged before t = .*Lower it below 2n/lambda_max"):
        run = lr.train(SHALLOW, data, time=1e5, learning_rate=too_large, seeds=2)
    assert run.attrs["status"].startswith("diverged before t = ")
    finite = np.isfinite(run.train_loss).all("seed").values
    assert finite[:-1].all() and not finite[-1]
    assert 1 < len(run.time) < 30 and run.time[-1] < 1e5
    assert lr.train(SHALLOW, data, time=1.0, seeds=2).attrs["status"] == "complete"


def test_a_run_carries_what_made_it(data):
    run = lr.train(DEEP, data, time=1.0, learning_rate=ETA, seeds=2, centred=True)
    assert run.attrs["network"] == repr(DEEP) and run.attrs["data"] == "circle"
    assert run.attrs["learning_rate"] == ETA and run.attrs["centred"] == 1


@pytest.mark.parametrize(
    "more",
    [{"residual": 0.7}, {"layer_norm": True}, {"parametrization": "standard", "residual": 1.0, "layer_norm": True}],
    ids=["skip", "layer_norm", "standard"],
)
def test_a_step_of_every_kind_of_network_goes_down_the_gradient(data, more):
    net = lr.Network(2, 16, "gelu", 1.5, 0.2, **more)
    start, eta = lr.init(net, data.in_dim, data.out_dim, seed=3), 1e-3
    run = lr.train(net, data, time=[eta], learning_rate=eta, seeds=1, seed=3)

    def loss(params):
        return ((lr.apply(net, params, data.x_train) - data.y_train) ** 2).sum() / (2 * len(data.y_train))

    rates = Params(1.0, 1.0, 1.0, 1.0, 1.0)
    if net.parametrization == "standard":  # W = scale w moves by eta times its gradient, so w by eta / scale^2 its own
        weight, bias = 1 / net.weight_var, 1 / net.bias_var
        rates = Params(weight * data.in_dim, weight * net.width, weight * net.width, bias, bias)
    gradient = jax.tree.map(np.asarray, jax.jit(jax.grad(loss))(start))
    moved = jax.tree.map(lambda p, g, rate: np.asarray(p) - eta * rate * g, start, gradient, rates)
    step = lr.apply(net, moved, data.x_test) - lr.apply(net, start, data.x_test)
    got = run.f_test[0, -1].values - run.f_test[0, 0].values
    assert np.abs(step).max() > 1e-4
    # The difference of two single-precision outputs of size 1.
    assert np.abs(got - step).max() < 2e-6
