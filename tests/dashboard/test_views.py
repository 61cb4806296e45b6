"""Every view keeps the same contract on every data set, whatever the networks do; its numbers are the core's."""

import dataclasses
import functools
import html
import itertools

import holoviews as hv
import numpy as np
import pytest

import lazyrich as lr
from lazyrich.data import MAKERS
from lazyrich_dashboard.results import Snapshot, frames, theory
from lazyrich_dashboard.views import FunctionSpaceView, KernelMovementView, SpectrumView, TrainingView
from lazyrich_dashboard.views.base import View, mean_and_error
from lazyrich_dashboard.views.function_space import FunctionView, ModesView
from tests.dashboard.examples import SMALL, UNSTABLE_STEP, assert_is_spectrum_of, small

WITH_A_COORDINATE = ("circle", "regression")
VIEWS = {
    SpectrumView: tuple(MAKERS),
    TrainingView: tuple(MAKERS),
    KernelMovementView: tuple(MAKERS),
    FunctionView: WITH_A_COORDINATE,
    ModesView: tuple(name for name in MAKERS if name not in WITH_A_COORDINATE),
}
CASES = [(view, data) for view, names in VIEWS.items() for data in names]
SITUATIONS = ("no networks yet", "networks at the start", "trained networks", "diverged networks")


def snapshot_of(experiment: lr.Experiment, situation: str, scrub: float = 1.0) -> Snapshot:
    """A snapshot of an experiment in one of the situations that a session comes through."""
    if situation == "diverged networks":  # at their second step
        diverging = dataclasses.replace(experiment.training, learning_rate=UNSTABLE_STEP, time=2 * UNSTABLE_STEP)
        experiment = dataclasses.replace(experiment, training=diverging)
    stream = frames(experiment) if situation != "no networks yet" else []
    count = 1 if situation == "networks at the start" else None
    return Snapshot(theory(experiment), tuple(itertools.islice(stream, count)), scrub)


# Drawn once and patched from then on, as on a page.
view_of = functools.cache(lambda kind: kind())


def assert_can_be_read(sentence: str) -> None:
    """Assert that a summary is one line of words in which every number is one."""
    assert sentence.strip() == sentence != ""
    assert "\n" not in sentence
    assert sentence.endswith(".")
    words = sentence.replace(",", " ").replace(";", " ").lower().split()
    assert not {"nan", "inf", "-inf", "none"} & {word.strip("().") for word in words}, sentence


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize(("kind", "data"), CASES, ids=[f"{view.__name__}-{data}" for view, data in CASES])
def test_a_view_can_always_be_drawn_and_said_in_words(kind: type[View], data, situation):
    view = view_of(kind)
    for scrub in (0.0, 0.7, 1.0):
        snapshot = snapshot_of(small(data), situation, scrub)

        columns = view.columns(snapshot)
        assert set(columns) == {part.label for part in view.parts}
        for label, part in columns.items():
            assert set(part) == {"x", "y"}
            assert len(part["x"]) == len(part["y"]), label
            for name in "xy":
                assert np.isfinite(part[name]).all(), f"{label}: {name}"

        for axis, (low, high) in zip((view.x, view.y), view.ranges(snapshot, columns), strict=True):
            assert np.isfinite([low, high]).all()
            assert low < high
            assert low > 0 or not axis.log

        assert_can_be_read(view.summary(snapshot))

        view.update(snapshot)
        for label, part in columns.items():
            np.testing.assert_array_equal(view.live.source(label).data["y"], part["y"].astype(np.float32))
        assert html.unescape(view.summary_pane.object) == view.summary(snapshot)

    plot = hv.renderer("bokeh").get_plot(view.plot(snapshot)).state
    assert len(plot.renderers) == len(view.parts)


def test_the_diverged_networks_above_do_diverge():
    before, after = snapshot_of(SMALL, "diverged networks").frames[-2:]
    assert before.is_finite
    assert not np.isfinite(after.losses["train"]).all()
    assert np.isnan(after.movement).all()


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


def test_a_mode_is_learned_as_its_eigenvalue_says():
    snapshot = snapshot_of(SMALL, "no networks yet", scrub=0.5)
    result, columns = theory(SMALL), ModesView().columns(snapshot)
    learned = 1 - np.exp(-result.spectrum.values * snapshot.time / result.n)
    # The gradient-flow formula itself: what differs is its last few roundings.
    np.testing.assert_allclose(columns["learned"]["y"], learned, rtol=1e-9)
    assert columns["target in 1…i"]["y"][-1] == pytest.approx(1.0)
    assert (np.diff(columns["target in 1…i"]["y"]) >= 0).all()


@pytest.mark.parametrize(("data", "kind"), [(data, kind) for kind in (FunctionView, ModesView) for data in VIEWS[kind]])
def test_the_function_space_shows_functions_where_data_have_a_coordinate_and_modes_elsewhere(data, kind):
    view = FunctionSpaceView()
    view.update(snapshot_of(small("digits"), "no networks yet"))
    view.update(snapshot_of(small(data), "no networks yet"))
    assert type(view.shown) is kind
    assert [type(shown) for shown in view.__panel__().objects] == [type(view.shown.__panel__())]


@pytest.mark.parametrize("data", VIEWS[ModesView])
def test_only_images_have_pictures_of_their_modes(data):
    view = ModesView()
    view.update(snapshot_of(small(data), "no networks yet"))
    assert view.images.pane.visible == (data == "digits")


def test_a_mean_comes_with_its_standard_error_over_seeds():
    assert mean_and_error(np.array([1.0, 3.0])) == "2 ± 1"
    assert mean_and_error(np.array([2.0])) == "2"
