"""Every view keeps the same contract on every data set, whatever the networks do."""

import dataclasses
import functools
import html

import holoviews as hv
import numpy as np
import pytest
from bokeh.events import Tap

import lazyrich as lr
from lazyrich.data import MAKERS
from lazyrich_dashboard.marks import column_names
from lazyrich_dashboard.results import Refusal
from lazyrich_dashboard.views import (
    PAGES,
    AbcMapView,
    AgainstRichnessView,
    AgainstWidthView,
    AlignmentView,
    AngleView,
    CorrelationView,
    FunctionSpaceView,
    KernelMatrixView,
    KernelMovementView,
    LearningCurvesView,
    OverTimeView,
    PlaneView,
    SharpnessView,
    SpectrumView,
    StartAlignmentView,
    SweepView,
    TrainingView,
    VarianceView,
)
from lazyrich_dashboard.views.base import View, mean_and_error
from lazyrich_dashboard.views.function_space import FunctionOnPlaneView, FunctionView, ModesView, OwnPointsView
from tests.dashboard.examples import SMALL, WITH_A_COORDINATE, small
from tests.dashboard.snapshots import snapshot_of, with_its_own

WITHOUT_ANGLES = ("regression", "spirals", "points")
OFFLINE = (*MAKERS, "points")
VIEWS = {
    SpectrumView: OFFLINE,
    TrainingView: OFFLINE,
    KernelMovementView: OFFLINE,
    FunctionView: WITH_A_COORDINATE,
    OwnPointsView: ("points",),
    FunctionOnPlaneView: ("spirals",),
    ModesView: tuple(name for name in MAKERS if name not in (*WITH_A_COORDINATE, "spirals")),
    KernelMatrixView: OFFLINE,
    AngleView: tuple(name for name in MAKERS if name not in WITHOUT_ANGLES),
    AlignmentView: OFFLINE,
    StartAlignmentView: ("digits",),
    SharpnessView: ("digits",),
    AgainstRichnessView: ("digits",),
    AgainstWidthView: ("digits",),
    AbcMapView: ("digits",),
    PlaneView: ("digits",),  # this one and the next two do not look at the data
    VarianceView: ("digits",),
    CorrelationView: ("digits",),
    LearningCurvesView: ("digits", "circle"),
}
# Every point of these has networks of another width, which compile anew.
SWEEPS = (AgainstRichnessView, AgainstWidthView)
CASES = [(view, data) for view, names in VIEWS.items() for data in names]
SITUATIONS = ("no networks yet", "networks at the start", "trained networks", "diverged networks")
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
    view, most = view_of(kind), 1 if kind in SWEEPS else 3
    whole = with_its_own(view, small(data), snapshot_of(small(data), situation), most)
    for scrub, mode in ((0.0, 0), (0.7, 2), (1.0, 0)):
        snapshot = dataclasses.replace(whole, scrub=scrub, mode=mode)

        columns = view.columns(snapshot)
        assert set(columns) == {part.label for part in view.parts}
        kinds = {part.label: part.kind for part in view.parts}
        for label, part in columns.items():
            assert set(part) == set(column_names(kinds[label]))
            assert len({len(column) for column in part.values()}) == 1, label
            for name in set(part) - {"text"}:
                assert np.isfinite(part[name]).all(), f"{label}: {name}"

        for axis, (low, high) in zip((view.x, view.y), view.ranges(snapshot, columns), strict=True):
            assert np.isfinite([low, high]).all()
            assert low < high
            assert low > 0 or not axis.log

        assert_can_be_read(view.summary(snapshot))

        view.update(snapshot)
        for label, part in columns.items():
            for name, column in part.items():
                sent = column if name == "text" else np.asarray(column, np.float32)
                np.testing.assert_array_equal(view.live.source(label).data[name], sent)
        assert html.unescape(view.summary_pane.object) == f"{view.summary(snapshot)} {view.hint}".rstrip()

    plot = hv.renderer("bokeh").get_plot(view.plot(snapshot)).state
    assert len(plot.renderers) == len(view.parts)


def test_the_diverged_networks_above_do_diverge():
    before, after = snapshot_of(SMALL, "diverged networks").frames[-2:]
    assert before.is_finite
    assert not np.isfinite(after.losses["train"]).all()
    assert np.isnan(after.movement).all()


def test_where_the_plane_is_too_dear_there_is_a_sentence():
    costly = dataclasses.replace(small("spirals"), network=lr.Network(depth=8, width=16, activation="selu"))
    with pytest.raises(ValueError, match=r"got 8 layers and 32 points\. Take fewer"):
        FunctionSpaceView().predict(costly)


@pytest.mark.parametrize(
    ("data", "kind"), [(data, kind) for kind in (FunctionView, FunctionOnPlaneView, ModesView) for data in VIEWS[kind]]
)
def test_the_function_space_shows_functions_where_data_have_one_coordinate_or_two_and_modes_elsewhere(data, kind):
    view = FunctionSpaceView()
    for name in ("digits", data):
        view.update(
            dataclasses.replace(snapshot_of(small(name), "no networks yet"), predicted=view.predict(small(name)))
        )
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


def test_every_view_stands_on_a_page():
    on_pages = {kind for page in PAGES.values() for column in page for kind in column}
    chosen = {*OverTimeView.kinds.values(), *SweepView.kinds.values()}
    several = {FunctionSpaceView, OverTimeView, SweepView}
    plotted = {FunctionView, FunctionOnPlaneView, ModesView, OwnPointsView}
    assert on_pages | chosen | plotted == set(VIEWS) | several


def test_points_without_an_angle_get_a_sentence_in_place_of_the_curve():
    with pytest.raises(ValueError, match="those of regression differ in it"):
        AngleView().predict(small("regression"))


def test_a_click_on_the_plane_asks_for_the_variances_there():
    view = PlaneView()
    view._tapped(Tap(None, x=1.234, y=0.512))
    assert view.wish == {"weight_var": 1.2, "bias_var": 0.5}
    view._tapped(Tap(None, x=-3.0, y=7.0))
    assert view.wish == {"weight_var": 0.1, "bias_var": 1.0}


def test_a_training_set_larger_than_the_pool_allows_is_refused_in_words():
    big = dataclasses.replace(SMALL, data=dataclasses.replace(SMALL.data, n_train=600))
    with pytest.raises(ValueError, match=r"Lower the number of points to 512 or less\."):
        LearningCurvesView().predict(big)


@pytest.mark.parametrize("kind", [KernelMatrixView, AngleView, LearningCurvesView])
def test_one_training_point_can_be_drawn(kind):
    one = small("circle", ntk_points=1)
    one = dataclasses.replace(one, data=dataclasses.replace(one.data, n_train=1))
    view = kind()
    snapshot = with_its_own(view, one, snapshot_of(one, "no networks yet"))
    view.update(snapshot)
    assert_can_be_read(view.summary(snapshot))


def test_a_refusal_takes_the_plots_place_until_there_is_something_to_show():
    view, snapshot = KernelMatrixView(), snapshot_of(SMALL, "no networks yet")
    view.update(dataclasses.replace(snapshot, predicted=Refusal("Too large. Lower it.")))
    assert view.refusal.object == "Too large. Lower it."
    assert view._place[0] is view.refusal
    view.update(with_its_own(view, SMALL, snapshot))
    assert list(view._place) == view._plot
