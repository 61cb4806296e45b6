"""What is recorded of networks in training, against the public diagnostics at weights that were reached by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

import lazyrich as lr
from lazyrich import Params
from lazyrich.data import plane_grid
from lazyrich.dynamics.training import run as run_module
from lazyrich.dynamics.training.recording import RECORDERS
from lazyrich.results import VARIABLES
from tests.core import textbook
from tests.tolerances import assert_allclose

ETA, STEPS, PROBES = 0.1, 20, 5
NET = lr.Network(3, 16, "tanh", 1.5, 0.2)
# Twenty steps in float32.
AFTER_TRAINING = 1e-4


@pytest.fixture(scope="module")
def data():
    """Two outputs, so that what sums over them is seen."""
    circle = lr.load_data("circle", n_train=7, n_test=3, seed=1)
    y, y_test = (
        np.hstack([y, x[:, :1] ** 2]) for x, y in ((circle.x_train, circle.y_train), (circle.x_test, circle.y_test))
    )
    return lr.Dataset(x_train=circle.x_train, y_train=y, x_test=circle.x_test, y_test=y_test, name="two")  # fmt: skip


@pytest.fixture(scope="module")
def run(data):
    times = [0.5 * STEPS * ETA, STEPS * ETA]
    return lr.train(
        NET, data, time=times, learning_rate=ETA, seeds=2, seed=4, record=tuple(RECORDERS), ntk_points=PROBES
    )


@pytest.fixture(scope="module")
def weights(data):
    """The weights of the seeds before and after training, by steps written out in float64."""
    result = []
    for seed in (4, 5):
        start = params = Params(*(np.float64(leaf) for leaf in lr.init(NET, data.in_dim, data.out_dim, seed=seed)))
        for _ in range(STEPS):
            residual = textbook.forward(NET, params, data.x_train) - data.y_train
            params = textbook.gradient_step(NET, params, data.x_train, residual, ETA)
        result.append((start, params))
    return result


def expected(data, start, params):
    """Every variable at the weights `params`, from the public functions in float64."""
    x, y = data.x_train[:PROBES], data.y_train[:PROBES]
    f, f_test = (lr.apply(NET, params, points) for points in (data.x_train, data.x_test))
    kernel, first, layers = (
        lr.empirical_ntk(NET, params, x),
        lr.empirical_ntk(NET, start, x),
        lr.empirical_ntk(NET, params, x, layers=True),
    )
    linear = lr.LinearisedTraining(NET, start, data.x_train, data.y_train, data.x_test, learning_rate=ETA)
    spectra = [layer.singular_values for layer in lr.weight_spectra(NET, params)]
    top = lr.sharpness(NET, params, data.x_train, data.y_train)
    return {
        "train_loss": ((f - data.y_train) ** 2).sum() / 14,
        "test_loss": ((f_test - data.y_test) ** 2).sum() / 6,
        "train_accuracy": (f.argmax(axis=1) == data.y_train.argmax(axis=1)).mean(),
        "test_accuracy": (f_test.argmax(axis=1) == data.y_test.argmax(axis=1)).mean(),
        "f_train": f,
        "f_test": f_test,
        "f_plane": lr.apply(NET, params, plane_grid(data).points),
        "ntk": kernel,
        "ntk_layers": layers,
        "nngp": lr.empirical_nngp(NET, params, x),
        "ntk_eigenvalues": np.linalg.eigvalsh(kernel)[::-1],
        "ntk_distance": lr.kernel_distance(kernel, first),
        "ntk_cka": lr.centred_kernel_alignment(kernel, first),
        "parameter_movement": lr.parameter_movement(NET, params, start).layers,
        "activation_movement": lr.activation_movement(NET, params, start, x).relative,
        "ntk_alignment": lr.target_alignment(kernel, y),
        "layer_alignment": np.array([lr.target_alignment(layer, y) for layer in layers]),
        "linearised_distance": lr.distance_to_linearised(NET, params, start, data.x_test),
        "linearised_train_loss": linear.train_loss(STEPS * ETA),
        "linearised_test_loss": linear.test_loss(STEPS * ETA, data.y_test),
        "regression_test_loss": linear.test_loss(np.inf, data.y_test),
        "sharpness": top.value,
        "singular_values": np.array([np.pad(s, (0, 16 - len(s)), constant_values=np.nan) for s in spectra]),
    }


def test_everything_recorded_is_what_the_diagnostics_say_at_these_weights(run, data, weights):
    for seed, (start, params) in enumerate(weights):
        for name, want in expected(data, start, params).items():
            got = run[name].isel(seed=seed, time=-1).values
            assert (np.isnan(got) == np.isnan(want)).all()
            # Small differences of large kernels: relative to what they would be if all had moved.
            size = max(1.0, np.abs(np.nan_to_num(want)).max()) if "distance" in name else None
            relative = AFTER_TRAINING * (size or 1) / (np.abs(np.nan_to_num(want)).max() if size else 1)
            assert_allclose(np.nan_to_num(got), np.nan_to_num(np.asarray(want)), relative=relative)


def test_what_is_estimated_is_within_its_own_error(run, data, weights):
    for seed, (_, params) in enumerate(weights):
        now = run.isel(seed=seed, time=-1)
        exact = lr.hessian_trace(NET, params, data.x_train, data.y_train, samples=500)
        error = np.hypot(float(now.hessian_trace_stderr), float(exact.stderr))
        assert abs(float(now.hessian_trace) - float(exact.value)) < 4 * error < float(exact.value)
        assert float(now.sharpness_residual) < 0.05 * float(now.sharpness)
        squares = [layer.singular_values**2 for layer in lr.weight_spectra(NET, params)]
        tails = [lr.fit_power_law_tail(s).exponent if len(s) >= 10 else np.nan for s in squares]
        assert np.isnan(tails[0]) and np.isnan(tails[-1])  # two singular values each
        assert_allclose(now.tail_exponent.values[1:-1], np.array(tails[1:-1]), relative=1e-2)


def test_nothing_has_moved_at_the_start(run):
    first = run.isel(time=0)
    for name in ("ntk_distance", "parameter_movement", "activation_movement", "linearised_distance"):
        assert (first[name] == 0).all()
    assert_allclose(first.ntk_cka.values, np.ones(2))
    assert_allclose(first.linearised_test_loss.values, first.test_loss.values, relative=1e-5)  # one is in float32


def test_on_the_plane_a_centred_network_is_what_it_has_become_less_what_it_was(data, weights):
    run = lr.train(
        NET, data, time=[STEPS * ETA], learning_rate=ETA, seeds=2, seed=4, record=("outputs", "plane"), centred=True
    )
    assert (run.f_plane.isel(time=0) == 0).all()
    # The corners of the grid as test points of their own.
    points = plane_grid(data).points[[0, 39, -40, -1]]
    corners = lr.Dataset(
        x_train=data.x_train, y_train=data.y_train, x_test=points, y_test=np.zeros((4, 2)), name="corners"
    )
    want = lr.train(NET, corners, time=[STEPS * ETA], learning_rate=ETA, seeds=2, seed=4, centred=True).f_test
    assert_allclose(run.f_plane.values[:, :, [0, 39, -40, -1]], want.values, relative=AFTER_TRAINING)


def test_a_plane_needs_two_inputs():
    digits = lr.load_data("digits", n_train=4, n_test=4)
    with pytest.raises(ValueError, match="A plane needs data with two inputs; digits has 64"):
        lr.train(NET, digits, time=1.0, seeds=1, record=("plane",))


def test_every_variable_says_what_it_is_and_is_saved_and_read(run, tmp_path):
    assert set(run.data_vars) <= set(VARIABLES)
    assert lr.load(lr.save(run, tmp_path / "run.nc")).identical(run)


def test_of_a_checkpoint_that_diverged_there_are_losses_and_outputs_alone(data):
    net, record = lr.Network(3, 16, "relu", 1.5, 0.2), ("loss", "outputs", "ntk", "sharpness", "weights")
    with pytest.warns(RuntimeWarning, match="diverged"):
        run = lr.train(net, data, time=1e5, learning_rate=5.0, seeds=2, record=record, ntk_points=PROBES)
    before, after = (run.isel(time=i) for i in (-2, -1))
    for name in ("train_loss", "f_test", "ntk", "sharpness"):
        assert np.isfinite(before[name]).all()
    assert not np.isfinite(after.train_loss).all()
    assert np.isnan(after.ntk).all() and np.isnan(after.sharpness).all() and np.isnan(after.singular_values).all()


def test_what_does_not_exist_at_the_weights_that_were_reached_is_said_and_the_rest_is_kept(data, monkeypatch):
    alignment = RECORDERS["alignment"]

    def of_dead_layers(at):
        """As if steps far too large had saturated every unit: no signal passes, and the kernel is zero."""
        if at.time == 0:
            return alignment(at)
        return lr.target_alignment(np.zeros((2, 2)), np.ones(2))

    monkeypatch.setitem(RECORDERS, "alignment", of_dead_layers)
    with pytest.warns(RuntimeWarning, match=r"alignment was not recorded at t = 0\.1: .*must not be zero"):
        run = lr.train(NET, data, time=[ETA], learning_rate=ETA, seeds=2, record=("loss", "alignment"))
    assert np.isfinite(run.train_loss).all() and np.isfinite(run.ntk_alignment[:, 0]).all()
    assert np.isnan(run.ntk_alignment[:, 1]).all() and np.isnan(run.layer_alignment[:, 1]).all()


@pytest.mark.parametrize("seconds", [1e-9, 1e9], ids=["one_step", "all_steps"])
def test_the_pieces_that_a_run_is_cut_into_change_no_bit(data, monkeypatch, seconds):
    arguments = {"time": [1.0, 3.0], "learning_rate": ETA, "seeds": 2, "momentum": 0.5, "batch_size": 3}
    want = lr.train(NET, data, **arguments)
    monkeypatch.setattr(run_module, "_PIECE", seconds)
    assert lr.train(NET, data, **arguments).identical(want)


def test_a_run_that_is_stopped_has_what_was_reached_and_goes_the_same_way_again(data):
    asked = []

    def stop():
        asked.append(None)
        return len(asked) > 3

    arguments = {"learning_rate": ETA, "seeds": 2, "batch_size": 3}
    run = lr.train(NET, data, time=np.array([0.1, 1e6]), stop=stop, **arguments)
    assert len(asked) == 4
    reached = float(run.time[-1])
    assert run.attrs["status"] == f"stopped at t = {reached:.3g}" and 0.1 < reached < 1e6
    whole = lr.train(NET, data, time=np.array([0.1, reached]), **arguments)
    assert whole.attrs["status"] == "complete"
    assert whole.drop_attrs().identical(run.drop_attrs())


def test_training_goes_on_at_its_pace_after_it_has_waited_for_stop(data, monkeypatch):
    """On a clock of its own: a millisecond passes from one look to the next, and ten seconds in some questions."""
    now, pieces, queue = [0.0], [], run_module.Run._queue

    def look(seconds=1e-3):
        now[0] += seconds
        return now[0]

    monkeypatch.setattr(run_module, "clock", SimpleNamespace(perf_counter=look))
    monkeypatch.setattr(run_module.Run, "_queue", lambda *given: (pieces.append(given[-1]), queue(*given))[1])
    lr.train(NET, data, time=[3000 * ETA], learning_rate=ETA, seeds=1, stop=lambda: look(10 * (len(pieces) == 4)) < 0)
    assert sum(pieces) == 3000 and len(pieces) > 6
    assert pieces[:-1] == sorted(pieces[:-1]) and pieces[4] > 1


def test_a_stop_at_the_last_step_changes_nothing(data):
    run = lr.train(NET, data, time=[ETA], learning_rate=ETA, seeds=2, stop=lambda: True)
    assert run.attrs["status"] == "complete" and len(run.time) == 2
