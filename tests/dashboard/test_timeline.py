"""Timelines: at each time of the grid a view's columns, and nothing that does not move."""

import dataclasses
import itertools

import numpy as np
import pytest

from lazyrich_dashboard.results import Refusal, Snapshot, frames, theory
from lazyrich_dashboard.timeline import STEPS, Slices, nearest, time_label, timeline, tracks
from lazyrich_dashboard.views import (
    PAGES,
    AbcMapView,
    AlignmentView,
    AngleView,
    FunctionSpaceView,
    KernelMatrixView,
    KernelMovementView,
    LearningCurvesView,
    SharpnessView,
    SpectrumView,
    TrainingView,
)
from lazyrich_dashboard.views.base import View
from lazyrich_dashboard.views.function_space import FunctionOnPlaneView, FunctionView, ModesView
from tests.dashboard.examples import SMALL, small

TIMED = {
    SpectrumView: "digits",
    TrainingView: "digits",
    KernelMovementView: "digits",
    AlignmentView: "digits",
    SharpnessView: "digits",
    ModesView: "digits",
    FunctionView: "circle",
    FunctionOnPlaneView: "spirals",
    KernelMatrixView: "digits",
    AngleView: "circle",
}
SITUATIONS = {"no networks": 0, "networks on their way": 3, "networks": None}


def made(kind: type[View]) -> View:
    return kind(kernel="networks, now") if kind is KernelMatrixView else kind()


def snapshot_of(view: View, data: str, count: int | None = None) -> Snapshot:
    run = tuple(itertools.islice(frames(small(data)), count))
    return Snapshot(theory(small(data)), run, 1.0, view.predict(small(data)))


def content(slices: Slices, k: int):
    """What the browser makes of a column at time k."""
    i = slices.index[k]
    values = slices.values[slices.offsets[i] : slices.offsets[i + 1]]
    if slices.shape is None:
        return values
    return [np.reshape(values, slices.shape)] if len(values) else []


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize(("kind", "data"), TIMED.items(), ids=[kind.__name__ for kind in TIMED])
def test_at_each_time_it_is_what_the_view_draws_and_the_axes_stay(kind, data, situation):
    view = made(kind)
    snapshot = snapshot_of(view, data, SITUATIONS[situation])
    moving = timeline(view, snapshot)
    at_end = {**view.columns(snapshot), **view.beside(snapshot)}
    frame = view.ranges(snapshot, at_end)
    for k in range(0, STEPS + 1, 8):
        moment = dataclasses.replace(snapshot, scrub=k / STEPS)
        drawn = view.columns(moment)
        assert view.ranges(moment, drawn) == frame
        for label, columns in {**drawn, **view.beside(moment)}.items():
            for name, column in columns.items():
                slices = moving.get(label, {}).get(name)
                # What is in no timeline stays as it was drawn, here at the end.
                shown = at_end[label][name] if slices is None else content(slices, k)
                if name == "text":
                    assert list(shown) == list(column)
                else:
                    np.testing.assert_array_equal(np.asarray(shown, np.float32), np.asarray(column, np.float32))


def test_what_moves_is_what_depends_on_time():
    parts = {kind: set(timeline(view := made(kind), snapshot_of(view, data))) for kind, data in TIMED.items()}
    assert parts == {
        SpectrumView: {"nets, now"},
        TrainingView: {"time t"},
        KernelMovementView: {"time t"},
        AlignmentView: {"time t"},
        SharpnessView: {"time t"},
        ModesView: {"theory", "nets", "spread", "off theory", "learned, in words"},
        FunctionView: {"theory", "nets", "spread", "off theory"},
        FunctionOnPlaneView: {"f", "theory", "nets"},
        KernelMatrixView: {"matrix"},
        AngleView: {"nets, now"},
    }


def test_columns_that_stay_are_left_out_and_equal_ones_are_kept_once():
    view = SpectrumView()
    snapshot = snapshot_of(view, "digits")
    slices = timeline(view, snapshot)["nets, now"]["y"]
    assert len(slices.offsets) - 1 == len(snapshot.frames) < STEPS  # the start among them
    moving = timeline(ModesView(), snapshot_of(ModesView(), "digits"))
    assert set(moving["theory"]) == {"y"}
    assert set(moving["learned, in words"]) == {"text"}


# The map of parametrizations once stopped the timelines of its page: it had those of its labels made for each time.
TIMELESS = (AbcMapView, *itertools.chain(*PAGES["Depth"]), *itertools.chain(*PAGES["Learning curves"]))


def test_views_without_time_have_no_timelines():
    for kind in TIMELESS:
        view = kind().shown
        assert view is not None
        assert timeline(view, snapshot_of(view, "digits")) == {}


def test_a_refusal_has_no_timeline():
    refused = Snapshot(theory(SMALL), (), 1.0, Refusal("No."))
    assert timeline(LearningCurvesView(), refused) == {}


def test_tracks_name_the_data_sources_on_screen_which_the_browser_then_keeps_to_itself():
    space = FunctionSpaceView()
    assert space.shown is None
    snapshot = snapshot_of(ModesView(), "digits")
    space.update(snapshot)
    view = space.shown
    assert view is not None
    sent = tracks(view, timeline(view, snapshot))
    labels = ("theory", "nets", "spread", "off theory", "learned, in words")
    sources = [view.source(label) for label in labels]
    assert sorted(track["source"] for track in sent) == sorted(source.id for source in sources)
    assert not any(source.syncable for source in sources)
    assert view.source("target in 1…i").syncable
    assert sent[0]["columns"]["y"]["values"].dtype == np.float32


def test_labels_are_the_times_of_the_grid():
    times = theory(SMALL).times
    wanted = {0: times[0], nearest(0.5): np.sqrt(times[0] * times[-1]), STEPS: times[-1]}
    for k, time in wanted.items():
        assert time_label(theory(SMALL), k) == f"t = {time:.3g}"
