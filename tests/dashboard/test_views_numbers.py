"""What views draw are the numbers of the core."""

import dataclasses

import numpy as np
import pytest
from scipy.special import ndtr

import lazyrich as lr
from lazyrich.data import MAKERS, plane_grid
from lazyrich_dashboard.results import Snapshot, frames, theory
from lazyrich_dashboard.tables import tidy
from lazyrich_dashboard.views import (
    AngleView,
    CorrelationView,
    KernelMatrixView,
    KernelMovementView,
    LearningCurvesView,
    PlaneView,
    SpectrumView,
    TrainingView,
    VarianceView,
)
from lazyrich_dashboard.views.function_space import FunctionOnPlaneView, FunctionView, ModesView
from lazyrich_dashboard.views.plane import plane
from tests.dashboard.examples import SMALL, WITH_A_COORDINATE, assert_is_spectrum_of, small
from tests.dashboard.snapshots import drawn, snapshot_of, with_its_own


@pytest.mark.parametrize("data", list(MAKERS))
def test_the_spectrum_is_that_of_the_core(data):
    experiment = small(data)
    columns = SpectrumView().columns(snapshot_of(experiment, "trained networks"))
    assert_is_spectrum_of(experiment, columns["theory"])
    at_start = next(iter(frames(experiment))).spectrum.mean(axis=0)
    assert columns["nets, t = 0"]["y"] == pytest.approx(at_start[: len(columns["nets, t = 0"]["y"])])


def test_the_power_law_is_the_fit_of_the_core():
    snapshot = snapshot_of(SMALL, "no networks yet")
    fit = lr.eigensystem(lr.ntk(SMALL.network, SMALL.load_data().x_train)).power_law()
    columns = SpectrumView().columns(snapshot)["power law"]
    assert list(columns["x"]) == [fit.first, fit.last]
    assert columns["y"] == pytest.approx(fit(columns["x"]) / SMALL.data.n_train)
    assert f"α = {fit.exponent:.2f}" in SpectrumView().summary(snapshot)


def test_where_there_is_no_power_law_the_summary_says_why():
    no_fit = dataclasses.replace(theory(SMALL), fit="A power law needs one exponent; got two. Look again.")
    snapshot = dataclasses.replace(snapshot_of(SMALL, "no networks yet"), theory=no_fit)
    assert "No exponent: A power law needs one exponent; got two; condition" in SpectrumView().summary(snapshot)
    assert not len(SpectrumView().columns(snapshot)["power law"]["x"])


def test_the_losses_are_those_of_the_core():
    snapshot = snapshot_of(SMALL, "trained networks")
    columns, result = TrainingView().columns(snapshot), theory(SMALL)
    run = snapshot.frames[1:]
    for role, loss in (("train", result.train_loss), ("test", result.test_loss)):
        np.testing.assert_array_equal(columns[f"{role}: theory"]["x"], result.times)
        np.testing.assert_array_equal(columns[f"{role}: theory"]["y"], loss)
        losses = np.array([frame.losses[role] for frame in run])
        assert columns[f"{role}: nets"]["y"] == pytest.approx(losses.mean(axis=1))
        spread = np.concatenate([losses.min(axis=1), losses.max(axis=1)[::-1]])
        assert columns[f"{role}: spread"]["y"] == pytest.approx(spread)


@pytest.mark.parametrize("of_edge", [None, 0.1, 2.0])
def test_theory_takes_the_networks_steps_if_asked_to(of_edge):
    edge = theory(SMALL).flow.max_learning_rate
    experiment = small(learning_rate=of_edge and of_edge * edge)
    view = TrainingView(steps=True)
    snapshot = with_its_own(view, experiment, snapshot_of(experiment, "no networks yet"))
    shown, y = view.columns(snapshot)["train: theory"], snapshot.theory.data.y_train
    net = experiment.network
    rate = edge * (of_edge or 0.25 / (1 + net.gamma**2 / net.width))
    steps = shown["x"] / rate
    assert steps == pytest.approx(np.round(steps)) and len(steps) > 2
    kernel, f = lr.ntk(experiment.network, snapshot.theory.data.x_train), np.zeros_like(y)
    for _ in range(round(steps[1])):
        f -= rate * kernel @ (f - y) / len(y)
    assert shown["y"][1] == pytest.approx(((f - y) ** 2).sum() / (2 * len(y)))
    assert np.isfinite(view.ranges(snapshot, view.columns(snapshot))).all()
    assert f"theory takes steps of {rate:.3g}" in view.summary(snapshot)


def test_the_lowest_test_loss_is_marked_unless_it_comes_last():
    noisy = dataclasses.replace(SMALL, data=dataclasses.replace(SMALL.data, noise=0.5))
    snapshot = snapshot_of(noisy, "no networks yet")
    mark = TrainingView().columns(snapshot)["lowest test loss"]
    assert mark["y"] == snapshot.theory.test_loss.min() and mark["x"] < snapshot.theory.times[-1]
    stopped = snapshot.theory.flow.early_stopping(snapshot.theory.data.y_test)
    assert mark["x"][0] == pytest.approx(stopped.time, rel=0.1)
    falling = TrainingView().columns(snapshot_of(SMALL, "no networks yet"))["lowest test loss"]
    assert not len(falling["x"])


def test_a_test_loss_that_does_not_rise_again_still_falls_or_has_settled():
    falling, flat = snapshot_of(SMALL, "no networks yet"), snapshot_of(small(time=1e5), "no networks yet")
    assert "The test loss still falls at the end." in TrainingView().summary(falling)
    assert "The test loss has settled at the end." in TrainingView().summary(flat)
    # The last digits of what has settled have a least one too, which is no time to stop.
    assert np.argmin(flat.theory.test_loss) < len(flat.theory.times) - 1
    assert not len(TrainingView().columns(flat)["lowest test loss"]["x"])


def test_the_movement_of_the_kernel_starts_at_zero_and_its_lazy_limit_stays_there():
    snapshot = snapshot_of(SMALL, "trained networks")
    columns = KernelMovementView().columns(snapshot)
    assert np.all(columns["lazy limit, infinite width"]["y"] == 0)
    assert columns["nets"]["y"] == pytest.approx([frame.movement.mean() for frame in snapshot.frames[1:]])
    assert columns["nets"]["y"][-1] > columns["nets"]["y"][0] > 0


@pytest.mark.parametrize("data", WITH_A_COORDINATE)
def test_the_function_is_that_of_the_core_along_the_coordinate(data):
    experiment = small(data)
    snapshot = snapshot_of(experiment, "trained networks", scrub=0.5)
    columns, points = FunctionView().columns(snapshot), experiment.load_data()
    x = points.x_test[:, 0] if data == "regression" else np.arctan2(points.x_test[:, 1], points.x_test[:, 0])
    order = np.argsort(x)
    f = theory(experiment).flow.test(snapshot.time)[order, 0]
    np.testing.assert_array_equal(columns["theory"]["x"], x[order])
    np.testing.assert_allclose(columns["theory"]["y"], f, rtol=1e-12)
    np.testing.assert_array_equal(columns["target"]["y"], points.y_test[order, 0])
    assert len(columns["training points"]["x"]) == experiment.data.n_train


@pytest.mark.parametrize(
    ("data", "view", "words"),
    [
        ("regression", FunctionView, "can only bend at x = 0"),
        ("spirals", FunctionOnPlaneView, "keeps its sign on"),
    ],
)
def test_a_function_without_bias_that_cannot_bend_is_said_to(data, view, words):
    changes = [{}, {"activation": "abs"}, {"bias_var": 0.1}, {"activation": "tanh"}, {"layer_norm": True}]
    for change, is_said in zip(changes, [True, True, False, False, False], strict=True):
        experiment = small(data)
        network = dataclasses.replace(experiment.network, **change)
        experiment = dataclasses.replace(experiment, network=network)
        assert (words in view().summary(snapshot_of(experiment, "no networks yet"))) == is_said
        x = experiment.load_data().x_train
        f = lr.ntk(network, np.concatenate([x[:1], 2 * x[:1]]), x)
        assert np.allclose(f[1], 2 * f[0]) == is_said


@pytest.mark.parametrize("colours", ["theory", "networks, mean", "first network"])
def test_the_picture_of_the_plane_is_the_function_at_the_middle_of_its_pixels(colours):
    experiment, view = small("spirals"), FunctionOnPlaneView(colours=colours)
    snapshot = with_its_own(view, experiment, snapshot_of(experiment, "trained networks", scrub=0.5))
    columns, data = view.columns(snapshot), experiment.load_data()
    points, frame = plane_grid(data).points, snapshot.frame
    kernel = lr.eigensystem(lr.ntk(experiment.network, data.x_train))
    flow = lr.LinearDynamics(kernel, data.y_train, lr.ntk(experiment.network, points, data.x_train))
    of = {"theory": flow.test(snapshot.time)[:, 0], "first network": frame.f_plane[0, :, 0]}
    of["networks, mean"] = frame.f_plane[..., 0].astype(float).mean(axis=0)
    drawn = tidy(view.parts, columns)
    pixels = drawn[drawn["part"] == "f"]
    np.testing.assert_allclose(pixels[["x", "y"]], points, atol=1e-12)
    np.testing.assert_allclose(pixels["value"], of[colours], rtol=1e-9, atol=1e-9)
    # Where theory decides, its function is 0 to the curvature within a pixel.
    line = columns["theory"]
    at = lr.ntk(experiment.network, np.stack([line["x0"], line["y0"]], axis=1), data.x_train)
    f = lr.LinearDynamics(kernel, data.y_train, at).test(snapshot.time)
    assert np.abs(f).max() < 0.1 * np.abs(of["theory"]).max()
    assert len(columns["y above"]["x"]) == (data.y_train > 0).sum()


def test_a_mode_is_learned_as_its_eigenvalue_says():
    snapshot = snapshot_of(SMALL, "no networks yet", scrub=0.5)
    result, columns = theory(SMALL), ModesView().columns(snapshot)
    learned = 1 - np.exp(-result.spectrum.values * snapshot.time / result.n)
    # The gradient-flow formula itself: what differs is its last few roundings.
    np.testing.assert_allclose(columns["theory"]["y"], learned, rtol=1e-9)
    assert columns["target in 1…i"]["y"][-1] == pytest.approx(1.0)
    assert (np.diff(columns["target in 1…i"]["y"]) >= 0).all()


def test_networks_in_a_catapult_leave_the_plot_of_modes_and_do_not_widen_it():
    snapshot = snapshot_of(SMALL, "trained networks")
    _, usual = ModesView().ranges(snapshot, ModesView().columns(snapshot))
    assert -0.2 < usual[0] < 0 and 1 < usual[1] < 1.5
    thrown = tuple(dataclasses.replace(frame, f_train=1e3 * frame.f_train) for frame in snapshot.frames)
    in_catapult = dataclasses.replace(snapshot, frames=thrown)
    columns = ModesView().columns(in_catapult)
    _, (low, high) = ModesView().ranges(in_catapult, columns)
    assert np.abs(columns["nets"]["y"]).max() > 100 and low >= -1.1 and high <= 2.1


def test_the_heat_map_is_the_kernel_of_the_core_ordered_by_class():
    data = SMALL.load_data()
    classes = data.y_train.argmax(axis=1)
    order = np.argsort(classes, kind="stable")
    kernels = {"NTK Θ": lr.ntk(SMALL.network, data.x_train), "NNGP K": lr.nngp(SMALL.network, data.x_train)}
    for kernel, expected in kernels.items():
        view = KernelMatrixView(kernel=kernel)
        snapshot, columns = drawn(view, SMALL)
        (image,) = columns["matrix"]["image"]
        np.testing.assert_allclose(image, expected[np.ix_(order, order)], rtol=1e-10)
        same = (classes[:, None] == classes) & ~np.eye(len(classes), dtype=bool)
        assert f"{expected[same].mean():.3g} on average within a class" in view.summary(snapshot)
    assert len(columns["classes"]["x0"]) == 2 * (len(set(classes)) - 1)


def test_the_heat_map_of_the_networks_is_their_mean_before_and_after():
    shown = {}
    for kernel, index in (("networks, t = 0", 0), ("networks, now", -1)):
        snapshot, columns = drawn(KernelMatrixView(kernel=kernel), SMALL)
        mean = snapshot.frames[index].ntk.mean(axis=0)
        order = snapshot.predicted.order
        np.testing.assert_allclose(columns["matrix"]["image"][0], mean[np.ix_(order, order)], rtol=1e-5)
        shown[kernel] = columns["matrix"]["image"][0]
    assert not np.allclose(*shown.values())


def test_points_on_the_circle_are_ordered_by_angle():
    snapshot, _ = drawn(KernelMatrixView(), small("circle"))
    x = small("circle").load_data().x_train
    angles = np.arctan2(x[:, 1], x[:, 0])[snapshot.predicted.order]
    assert (np.diff(angles) > 0).all()


def test_the_angular_curve_is_that_of_the_core_and_entries_stand_at_their_angles():
    view = AngleView()
    snapshot, columns = drawn(view, SMALL)
    angles = columns["theory Θ"]["x"]
    expected = lr.angular_kernels(SMALL.network, np.cos(np.radians(angles)))
    # The cosine of a small angle does not have all of its digits.
    np.testing.assert_allclose(columns["theory Θ"]["y"], expected.ntk, rtol=1e-6)
    np.testing.assert_allclose(columns["theory K (NNGP)"]["y"], expected.nngp, rtol=1e-6)
    x = SMALL.load_data().x_train
    cosines, first = x @ x.T / x.shape[1], snapshot.frames[0].ntk.mean(axis=0)
    entries = columns["nets, t = 0"]
    pairs = {(round(float(a), 4), round(float(k), 4)) for a, k in zip(entries["x"], entries["y"], strict=True)}
    angle = np.degrees(np.arccos(np.clip(cosines, -1, 1)))
    np.fill_diagonal(angle, 0.0)
    known = {(round(float(a), 4), round(float(k), 4)) for a, k in zip(angle.ravel(), first.ravel(), strict=True)}
    assert len(pairs & known) >= 0.98 * len(pairs)
    assert len(columns["nets, now"]["x"]) == len(entries["x"])


def test_the_critical_line_of_relu_is_where_the_weight_variance_is_two():
    view = PlaneView()
    snapshot, columns = drawn(view, SMALL)
    line = columns["critical line, χ⊥ = 1"]
    assert line["x0"] == pytest.approx(2.0, abs=1e-6)
    heights = np.concatenate([line["y0"], line["y1"]])
    assert (heights.min(), heights.max()) == (pytest.approx(0.0), pytest.approx(1.0))
    assert columns["this network"]["x"] == [SMALL.network.weight_var]
    assert "χ⊥ = 1, critical" in view.summary(snapshot)


def test_the_critical_line_of_gelu_is_where_networks_turn_from_order_to_chaos_down_to_no_bias():
    nodes = np.linspace(-8, 8, 801)  # the trapezoidal rule
    weights = np.exp(-(nodes**2) / 2) / np.exp(-(nodes**2) / 2).sum()

    def gelu(z):
        return z * ndtr(z)

    def mean(function, variance):
        return function(np.sqrt(variance)[:, None] * nodes) @ weights

    def perpendicular(w, b):
        variance = w + b
        for _ in range(1000):
            variance = np.minimum(w * mean(lambda z: gelu(z) ** 2, variance) + b, 1e3)
        return w * mean(lambda z: (ndtr(z) + z * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)) ** 2, variance)

    line = plane(dataclasses.replace(SMALL.network, activation="gelu")).critical
    order = np.argsort(line["y0"])
    w, b = line["x0"][order], line["y0"][order]
    assert b[0] < 0.01 and b[-1] > 0.9 and np.diff(b).max() < 0.1
    assert (np.diff(w) <= 0.02).all()  # once it went to and fro
    w, b = w[::6], b[::6]
    assert (perpendicular(0.99 * w, b) < 1).all() and (perpendicular(1.01 * w, b) > 1).all()


@pytest.mark.parametrize(("weight_var", "word"), [(1.0, "ordered"), (3.0, "chaotic")])
def test_the_plane_says_on_which_side_the_network_is(weight_var, word):
    network = dataclasses.replace(SMALL.network, activation="erf", weight_var=weight_var, bias_var=0.05)
    view, experiment = PlaneView(), dataclasses.replace(SMALL, network=network)
    snapshot = Snapshot(theory(experiment), (), 1.0, view.predict(experiment))
    chi = float(lr.criticality(network).perpendicular)
    assert f"χ⊥ = {chi:.3g}, {word}" in view.summary(snapshot)


@pytest.mark.parametrize(("kind", "name"), [(VarianceView, "variance"), (CorrelationView, "correlation")])
def test_signals_through_depth_are_those_of_the_core(kind, name):
    view = kind()
    snapshot, columns = drawn(view, SMALL)
    expected = lr.signal_propagation(SMALL.network, [0.9, 0.0], layers=24)
    curve = expected[name].values if name == "variance" else expected[name].values[:, 0]
    np.testing.assert_allclose(columns["theory" if name == "variance" else "theory from 0.9"]["y"], curve, rtol=1e-12)
    networks = lr.measured_signal_propagation(SMALL.network, [0.9, 0.0], layers=24, networks=12, seed=SMALL.seed)
    values = networks[name].values if name == "variance" else networks[name].values[..., 0]
    assert len(snapshot.measured) == 12
    np.testing.assert_allclose(columns["mean"]["y"][:24], values.mean(axis=0), rtol=1e-5)
    error = values.std(axis=0, ddof=1) / np.sqrt(12)
    np.testing.assert_allclose(columns["error"]["y1"][:24], values.mean(axis=0) + error, rtol=1e-5)


def test_a_variance_that_explodes_ends_the_plot_with_a_sentence():
    network = dataclasses.replace(SMALL.network, activation="exp", weight_var=1.0)
    view, experiment = VarianceView(), dataclasses.replace(SMALL, network=network)
    snapshot = Snapshot(theory(experiment), (), 1.0, view.predict(experiment))
    assert "which ends the plot" in view.summary(snapshot)
    assert 2 <= len(view.columns(snapshot)["theory"]["x"]) < 24


@pytest.mark.parametrize(("features", "ridge"), [("∞ (kernel)", 0.0), (16, 1.0)])
def test_learning_curves_are_the_risks_of_the_core(features, ridge):
    view = LearningCurvesView(features=features, ridge=ridge)
    snapshot, columns = drawn(view, SMALL, most=2)
    known = snapshot.predicted.pool
    data = lr.load_data("digits", n_train=383, n_test=1, seed=SMALL.seed)
    kernel = lr.ntk(SMALL.network, np.concatenate([data.x_train, data.x_test]))
    np.testing.assert_allclose(known.kernel, kernel, rtol=1e-10)
    pool, n = lr.spectrum_from_gram(kernel, np.concatenate([data.y_train, data.y_test])), columns["test: theory"]["x"]
    if features == 16:
        risk = lr.random_feature_risk(pool.eigenvalues, pool.coefficients, n=n, k=16, ridge=ridge, noise=pool.noise)
    else:
        risk = lr.held_out_risk(pool, n=n, ridge=ridge)
    np.testing.assert_allclose(columns["test: theory"]["y"], risk.test / 2, rtol=1e-7)
    losses = np.array([trial.losses[0] for trial in snapshot.measured])
    np.testing.assert_allclose(columns["test: measured"]["y"], losses.mean(axis=0), rtol=1e-12)
    # Two draws are within a factor of two of theory on this data set.
    assert np.abs(np.log(losses.mean(axis=0) / snapshot.predicted.at_sizes[0])).max() < np.log(2)
    assert "measured on 2 of 10" in view.summary(snapshot)
