"""The page "Lazy to rich": what its views show over time and at the end is the core's, whichever of them is chosen."""

import dataclasses
import math
import re

import numpy as np
import pytest

import lazyrich as lr
from lazyrich_dashboard import Explorer, movement
from lazyrich_dashboard.movement import FEW_WIDTHS, WIDTHS, Moved, Point
from lazyrich_dashboard.results import Snapshot, frames, theory
from lazyrich_dashboard.views import (
    AgainstRichnessView,
    AgainstWidthView,
    AlignmentView,
    OverTimeView,
    SharpnessView,
    StartAlignmentView,
    SweepView,
    alignment,
)
from lazyrich_dashboard.views.base import View
from tests.dashboard.examples import SMALL, small

LIMIT = 60.0  # seconds until a test that waits for another thread gives up
LIMIT_OF_WIDTH = "mean field, N → ∞"


def with_network(**fields) -> lr.Experiment:
    return dataclasses.replace(SMALL, network=dataclasses.replace(SMALL.network, **fields))


def shown(view: View, experiment: lr.Experiment = SMALL, measured: tuple = ()) -> Snapshot:
    return Snapshot(theory(experiment), tuple(frames(SMALL)), 1.0, view.predict(experiment), measured)


# Over time


def test_alignment_is_that_of_the_core_and_its_lazy_limit_that_of_the_infinite_kernel():
    view, data = AlignmentView(), SMALL.load_data()
    snapshot = shown(view, measured=tuple(view.measure(SMALL)))
    columns = view.columns(snapshot)
    limit = lr.target_alignment(lr.ntk(SMALL.network, data.x_train), data.y_train)
    np.testing.assert_allclose(columns["lazy limit"]["y"], limit, rtol=1e-9)
    y, drawn = data.y_train, columns["with labels: nets"]["y"]
    for frame, mean in zip(snapshot.trained, drawn, strict=True):
        kernels = frame.ntk.astype(np.float64)
        expected = [np.trace(y.T @ kernel @ y) / np.linalg.norm(kernel) / np.linalg.norm(y) ** 2 for kernel in kernels]
        np.testing.assert_allclose(mean, np.mean(expected), rtol=1e-9)
    assert f"stays {limit:.3g}" in view.summary(snapshot)


def test_alignment_with_the_start_leaves_its_lazy_limit():
    view = StartAlignmentView()
    snapshot = shown(view, measured=tuple(view.measure(SMALL)))
    columns = view.columns(snapshot)
    assert (columns["lazy limit: 1"]["y"] == 1).all()
    first, last = snapshot.frames[0], snapshot.frames[-1]
    cka = [lr.centred_kernel_alignment(*pair) for pair in zip(last.ntk, first.ntk, strict=True)]
    np.testing.assert_allclose(columns["with its start: nets"]["y"][-1], np.mean(cka), rtol=1e-6)
    assert columns["with its start: nets"]["y"][-1] < columns["with its start: nets"]["y"][0] < 1


def test_one_point_and_labels_of_zero_have_no_alignment_and_are_refused_in_words():
    one = dataclasses.replace(SMALL, data=dataclasses.replace(SMALL.data, n_train=1))
    with pytest.raises(ValueError, match=r"at least 2 training points; got 1\. Add points\."):
        StartAlignmentView().predict(one)
    zeros = dataclasses.replace(SMALL, data=lr.DataSpec("points", points=((0.0, 0.0), (1.0, 0.0))))
    with pytest.raises(ValueError, match="labels that are not all 0; got zeros alone"):
        AlignmentView().predict(zeros)


def test_a_network_without_an_alignment_has_none_and_leaves_the_others_theirs():
    kernels = np.array([np.eye(3), np.full((3, 3), np.nan), np.ones((3, 3))])
    found = alignment._of_each(lr.centred_kernel_alignment, kernels, [np.diag([1.0, 2, 3])] * 3)
    assert np.isfinite(found).tolist() == [True, False, False]


def test_the_lazy_sharpness_alone_is_drawn_in_the_middle_of_its_axis():
    view, snapshot = SharpnessView(), shown(SharpnessView())
    columns = view.columns(snapshot)
    (_, (low, high)), lazy = view.ranges(snapshot, columns), columns["lazy limit λmax(Θ)/n"]["y"][0]
    assert high / low == pytest.approx(3) and lazy == pytest.approx(math.sqrt(low * high))


def test_sharpness_is_that_of_the_core_with_the_edge_of_its_step():
    view = SharpnessView()
    snapshot = shown(view, measured=tuple(view.measure(SMALL)))
    columns = view.columns(snapshot)
    run = lr.train(SMALL.network, SMALL.load_data(), **dataclasses.asdict(SMALL.training), record=("sharpness",))
    np.testing.assert_allclose(columns["λ of nets"]["y"], run.sharpness.values[:, 1:].mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(columns["edge 2/η"]["y"], 2 / run.learning_rate, rtol=1e-12)
    top = theory(SMALL).spectrum.values[0] / SMALL.data.n_train
    np.testing.assert_allclose(columns["lazy limit λmax(Θ)/n"]["y"], top, rtol=1e-12)
    assert f"2/η = {2 / run.learning_rate:.3g}" in view.summary(snapshot)


def test_an_edge_far_above_is_left_out_of_the_plot_and_said_in_words():
    experiment, view = small(learning_rate=1e-3, time=0.01), SharpnessView()
    snapshot = shown(view, experiment, tuple(view.measure(experiment)))
    assert not len(view.columns(snapshot)["edge 2/η"]["x"])
    assert "2/η = 2000" in view.summary(snapshot)


# Against richness and width


def law(point: Point, networks: int = 3) -> Moved:
    """Movement 0.3 s^2 with s = gamma_0 in the limit and gamma / sqrt(N) in the NTK parametrization."""
    s = point.richness / (math.sqrt(point.width) if math.isfinite(point.width) else 1)
    return Moved(point, 0.3 * s**2 * np.linspace(0.9, 1.1, networks))


def test_movement_is_that_of_a_training_run():
    point = Point(32, 0.5)
    (moved,) = movement.measurement(SMALL, [point])
    network = dataclasses.replace(SMALL.network, width=32, richness=0.5)
    training = dataclasses.asdict(SMALL.training) | {"seeds": 3, "checkpoints": 2}
    run = lr.train(network, SMALL.load_data(), **training, record=("ntk",))
    expected = [lr.kernel_distance(kernels[-1], kernels[0]) for kernels in run.ntk.values]
    np.testing.assert_allclose(moved.distance, expected, rtol=1e-3)  # single precision
    assert moved.at == point


def test_the_mean_field_limit_moves_as_its_particles_do(monkeypatch):
    monkeypatch.setattr(movement, "_PARTICLES", 64)
    shallow = with_network(depth=1, parametrization="mup")
    (moved,) = movement.measurement(shallow, [Point(math.inf, 0.7)])
    run = lr.mean_field(
        shallow.network, shallow.load_data(), time=8.0, richness=0.7, particles=64, seed=1, record=("ntk",),
        checkpoints=2,
    )  # fmt: skip
    assert len(moved.distance) == 2
    np.testing.assert_allclose(moved.distance[1], lr.kernel_distance(run.ntk[-1], run.ntk[0]), rtol=1e-3)


def test_in_ntk_each_width_has_the_limit_at_its_own_richness():
    view, experiment = AgainstRichnessView(), with_network(depth=1)
    measured = tuple(law(point) for point in view.points(experiment))
    snapshot = shown(view, experiment, measured)
    columns = view.columns(snapshot)
    for width in FEW_WIDTHS:
        drawn = columns[f"N = {width}"]
        np.testing.assert_allclose(drawn["y"], 0.3 * drawn["x"] ** 2 / width, rtol=1e-9)
    limit = columns[LIMIT_OF_WIDTH]
    on_some = [np.isclose(limit["y0"], 0.3 * limit["x0"] ** 2 / width, rtol=0.2) for width in FEW_WIDTHS]
    assert len(limit["x0"]) and np.any(on_some, axis=0).all()
    assert "that is 1 to 1 times what the mean-field limit says" in view.summary(snapshot)


def test_in_mup_all_widths_have_one_limit():
    view, experiment = AgainstRichnessView(), with_network(depth=1, parametrization="mup")
    points = view.points(experiment)
    assert sum(math.isinf(point.width) for point in points) == 5
    limit = view.columns(shown(view, experiment, tuple(law(point) for point in points)))[LIMIT_OF_WIDTH]
    np.testing.assert_allclose(np.unique(limit["x0"]), [0.1, 0.2, 0.5, 1.0, 2.0])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "the mean-field curve is drawn for one hidden layer: set depth L to 1"),
        ({"depth": 1, "parametrization": "standard"}, "the mean-field limit is one of ntk and mup"),
    ],
    ids=["deep", "standard"],
)
def test_where_there_is_no_limit_the_summary_says_why(change, words):
    view, experiment = AgainstRichnessView(), with_network(**change)
    points = view.points(experiment)
    assert all(math.isfinite(point.width) for point in points)
    snapshot = shown(view, experiment, tuple(law(point) for point in points))
    assert words in view.summary(snapshot)
    assert not len(view.columns(snapshot)[LIMIT_OF_WIDTH]["x0"])


@pytest.mark.parametrize(
    ("change", "words", "written"),
    [
        ({}, "slope -1.00 ± 0.00, in theory -1", ["∝ N⁻¹"]),
        ({"parametrization": "mup"}, "in theory -1/2 turning to 0", ["∝ N⁰"]),
        ({"parametrization": "standard"}, "with no width limit to compare with", []),
    ],
    ids=["ntk", "mup", "standard"],
)
def test_the_slope_in_the_width_is_measured_and_the_expected_one_written_beside_it(change, words, written):
    view, experiment = AgainstWidthView(), with_network(**change)
    snapshot = shown(view, experiment, tuple(law(Point(width, 1.0)) for width in WIDTHS))
    columns = view.columns(snapshot)
    assert words in view.summary(snapshot)
    assert list(columns["in words"]["text"]) == written
    np.testing.assert_allclose(columns["nets"]["y"], 0.3 / np.array(WIDTHS), rtol=1e-9)
    if not change:
        np.testing.assert_allclose(columns["expected slope"]["y"], 0.3 / np.array([WIDTHS[0], WIDTHS[-1]]), rtol=1e-9)


def test_networks_that_diverged_are_left_out_and_counted():
    view = AgainstWidthView()
    lost = Moved(Point(WIDTHS[0], 1.0), np.array([0.1, np.nan, 0.1]))
    snapshot = shown(view, SMALL, (lost, *(law(Point(width, 1.0)) for width in WIDTHS[1:])))
    assert list(view.columns(snapshot)["nets"]["x"]) == list(WIDTHS[1:])
    assert view.summary(snapshot).endswith("1 point at which networks diverged is left out.")


def test_what_would_take_minutes_is_refused_before_anything_is_trained():
    explorer = Explorer(small(time=1e7), views=(SweepView,))
    assert explorer.wait(LIMIT)
    (view,) = explorer.pages.on(explorer.pages.page)
    assert re.search(r"may take 3·10¹² operations to train; got .* Lower the training time", view.shown.refusal.object)
    assert not explorer.work.measured
    explorer.close()


# Whichever is chosen


def test_the_view_that_is_chosen_shows_what_it_predicts_and_measures():
    explorer = Explorer(SMALL, views=(OverTimeView,))
    view = explorer.view(OverTimeView)
    assert type(view.shown) is AlignmentView
    view.quantity = "sharpness"
    assert explorer.wait(LIMIT)
    assert type(view.shown) is SharpnessView
    assert len(view.shown.live.source("λ of nets").data["x"]) == 4
    assert explorer.bar.status.object == "2 networks of width 16 trained"
    assert explorer.bar.progress.value == 0
    explorer.close()


def test_a_view_that_is_chosen_comes_up_with_its_own_results_alone():
    view = OverTimeView()
    assert view.shown is None
    of_alignment = Snapshot(theory(SMALL), (), 1.0, view.predict(SMALL))
    view.quantity = "sharpness"
    view.update(of_alignment)  # a scrub, say, before the theory has come again
    assert type(view.shown) is AlignmentView
    view.update(dataclasses.replace(of_alignment, predicted=view.predict(SMALL)))
    assert type(view.shown) is SharpnessView
