"""Explorer without a browser: set a control, wait, and look at the data sources that a browser would draw."""

import dataclasses
import re

import numpy as np
import panel as pn
import pytest

import lazyrich as lr
from lazyrich.data import OPTIONS
from lazyrich_dashboard import Explorer
from lazyrich_dashboard.results import frames, theory
from lazyrich_dashboard.views import FunctionSpaceView, SpectrumView, TrainingView
from tests.dashboard.examples import SMALL, UNSTABLE_STEP, assert_is_spectrum_of, small

LIMIT = 60.0  # seconds until a test that waits for another thread gives up


@pytest.fixture
def fresh():
    explorer = Explorer(SMALL)
    yield explorer
    explorer.close()


@pytest.fixture(scope="module")
def session():
    explorer = Explorer(SMALL)
    yield explorer
    explorer.close()


@pytest.fixture
def explorer(session):
    """One session that lives through all tests that only move its controls: to draw a page takes a second."""
    session.experiment = SMALL
    assert session.work.theory_lane.idle.wait(LIMIT)
    assert_is_spectrum_of(SMALL, spectrum(session))
    return session


def spectrum(explorer: Explorer, label: str = "theory"):
    return explorer.view(SpectrumView).live.source(label).data


def controls(explorer: Explorer) -> dict[str, pn.widgets.Widget]:
    """The widgets of the side bar and of the time bar, by their labels."""
    parts = (*explorer.controls, explorer.main)
    return {widget.label: widget for part in parts for widget in part.select(has_a_value)}


def said(explorer: Explorer) -> str:
    """The text above the plots as its Markdown shows it: every mark in it is escaped."""
    return re.sub(r"\\(.)", r"\1", explorer.alert.object)


def has_a_value(shown: pn.viewable.Viewable) -> bool:
    return "value" in shown.param and "label" in shown.param and bool(shown.label)


def test_it_opens_on_a_picture(fresh):
    assert_is_spectrum_of(SMALL, spectrum(fresh))
    assert fresh.grid.visible
    assert not fresh.alert.visible


def test_networks_come_in_until_all_are_trained(fresh):
    assert fresh.wait(LIMIT)
    assert fresh.bar.status.object == "2 networks of width 16 trained"
    assert fresh.bar.progress.value == 0
    assert fresh.bar.cancel_button.disabled
    times = [frame.time for frame in frames(SMALL) if frame.time > 0]
    # Columns travel in single precision.
    np.testing.assert_allclose(fresh.view(TrainingView).live.source("train: nets").data["x"], times, rtol=1e-6)


@pytest.mark.parametrize(
    "change",
    [{"depth": 5}, {"n_train": 48}, {"activation": "tanh"}, {"weight_var": 1.0}, {"bias_var": 0.5}, {"seed": 3},
     {"data": "circle"}, {"data": "regression", "bias_var": 0.1, "depth": 3}],
    ids=str,
)  # fmt: skip
def test_a_control_moves_the_spectrum_to_what_the_core_says(explorer, change):
    explorer.state.param.update(**change)
    assert explorer.work.theory_lane.idle.wait(LIMIT)
    assert_is_spectrum_of(explorer.experiment, spectrum(explorer))


def test_noise_and_time_move_the_losses_to_what_the_core_says(explorer):
    explorer.state.param.update(noise=0.5, time=20.0)
    assert explorer.work.theory_lane.idle.wait(LIMIT)
    result = theory(explorer.experiment)
    assert result.data.y_train.std() > SMALL.load_data().y_train.std()
    assert result.times[-1] == pytest.approx(20.0)
    got = explorer.view(TrainingView).live.source("test: theory").data
    np.testing.assert_allclose(got["x"], result.times, rtol=1e-6)  # single precision, here and below
    np.testing.assert_allclose(got["y"], result.test_loss, rtol=1e-6)


BAD = {
    "n_train": (-3, "n_train must be a whole number from 1 to"),
    "weight_var": (-1.0, "weight_var must be a finite number of at least 0; got -1.0"),
    "bias_var": (-0.5, "bias_var must be a finite number of at least 0; got -0.5"),
    "noise": (-1.0, "noise must be a finite number of at least 0; got -1.0"),
    "depth": (0, "depth must be a whole number from 1 to"),
    "width": (0, "width must be a whole number from 1 to"),
    "richness": (0.0, "richness must be a finite number above 0; got 0.0"),
    "seed": (-1, "seed must be a whole number from 0 to"),
    "seeds": (0, "seeds must be a whole number from 1 to"),
    "time": (0.0, "time must be a finite number above 0; got 0.0"),
    "learning_rate": (-0.1, "learning_rate must be a finite number above 0; got -0.1"),
    "n_train beyond the data": (5000, "digits has 1797 images"),
    "weight_var that overflows": (1e200, "kernel must be finite"),
}


def test_a_bad_value_that_is_typed_over_rubbish_keeps_its_sentence(explorer):
    state = explorer.state
    rubbish = "Seed must be a whole number; got 'x'. Type digits."
    state.complaint = rubbish
    assert rubbish in said(explorer)
    state.param.update(seed=-1, complaint="")  # as a field does
    assert explorer.wait(LIMIT)
    assert explorer.alert.visible and "seed must be a whole number from 0 to" in said(explorer)

    state.param.update(seed=SMALL.seed, complaint="")
    assert explorer.wait(LIMIT)
    assert explorer.grid.visible and not explorer.alert.visible
    state.complaint = rubbish
    state.complaint = ""
    assert not explorer.alert.visible


@pytest.mark.parametrize("case", list(BAD))
def test_a_bad_value_puts_the_sentence_where_the_plots_were_and_a_good_one_brings_them_back(explorer, case):
    name, (value, sentence) = case.split()[0], BAD[case]
    good = getattr(explorer.state, name)

    setattr(explorer.state, name, value)
    assert explorer.wait(LIMIT)
    assert explorer.alert.visible
    assert sentence in said(explorer)
    assert not explorer.grid.visible
    assert explorer.bar.progress.value == 0
    assert explorer.snapshot.theory is theory(SMALL)

    setattr(explorer.state, name, good)
    assert explorer.wait(LIMIT)
    assert explorer.grid.visible
    assert not explorer.alert.visible
    assert_is_spectrum_of(SMALL, spectrum(explorer))
    assert "trained" in explorer.bar.status.object


def test_a_start_that_makes_no_sense_is_refused_in_words_and_the_session_lives_on():
    zero = dataclasses.replace(SMALL, network=dataclasses.replace(SMALL.network, weight_var=0.0))
    explorer = Explorer(zero)
    assert "kernel must not be zero" in said(explorer)
    assert not explorer.grid.visible
    assert explorer.snapshot is None
    explorer.state.scrub = 0.5  # with nothing to draw yet
    explorer.state.weight_var = 2.0
    assert explorer.wait(LIMIT)
    assert explorer.grid.visible
    assert_is_spectrum_of(SMALL, spectrum(explorer))
    explorer.close()


def test_networks_that_diverge_say_so_beside_the_theory(explorer):
    explorer.state.param.update(learning_rate=UNSTABLE_STEP, time=2 * UNSTABLE_STEP)
    assert explorer.wait(LIMIT)
    assert "diverged" in explorer.bar.status.object
    assert explorer.grid.visible
    assert_is_spectrum_of(SMALL, spectrum(explorer))
    for view in map(explorer.view, (SpectrumView, TrainingView)):
        assert "nan" not in view.summary_pane.object


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [("learning_rate", 1e-12, "steps of the learning rate"), ("seeds", 500_000, "Lower their number, width or depth")],
)
def test_networks_that_cannot_be_trained_say_so_beside_the_theory(explorer, name, value, sentence):
    good = getattr(explorer.state, name)
    setattr(explorer.state, name, value)
    assert explorer.wait(LIMIT)
    assert sentence in said(explorer)
    assert explorer.alert.visible
    assert explorer.bar.status.object == "no finite networks"
    assert explorer.grid.visible
    setattr(explorer.state, name, good)
    assert explorer.wait(LIMIT)
    assert not explorer.alert.visible
    assert "trained" in explorer.bar.status.object


def test_views_can_stand_alone_and_follow_the_controls_both_ways():
    explorer = Explorer(SMALL, views=(TrainingView,))
    assert not explorer.pages.tabs.visible
    explorer.state.noise = 0.5
    assert explorer.work.theory_lane.idle.wait(LIMIT)
    assert [type(view) for view in explorer.pages.on(explorer.pages.page)] == [TrainingView]
    got = explorer.view(TrainingView).live.source("test: theory").data
    np.testing.assert_allclose(got["y"], theory(explorer.experiment).test_loss, rtol=1e-6)
    explorer.close()


def test_a_view_that_is_none_is_refused_in_words():
    with pytest.raises(ValueError, match=r"views must be classes of lazyrich_dashboard.views, .*; got 'Training'."):
        Explorer(SMALL, views=("Training",))


def test_setting_an_experiment_moves_the_controls(explorer):
    other = small("sphere", learning_rate=0.5)
    other = dataclasses.replace(other, seed=4, network=lr.Network(depth=15, width=24, richness=0.3))
    explorer.experiment = other
    assert explorer.work.theory_lane.idle.wait(LIMIT)
    assert explorer.experiment == other
    shown = {label: widget.value for label, widget in controls(explorer).items()}
    expected = {"Data set": "sphere", "Depth L": 15, "Width N": 24, "Richness γ₀": 0.3, "Step η": "0.5", "Seed": "4"}
    assert {label: shown[label] for label in expected} == expected
    assert_is_spectrum_of(other, spectrum(explorer))


def test_moving_a_widget_changes_the_experiment(explorer):
    shown = controls(explorer)
    shown["Depth L"].value = 3
    shown["Parametrization"].value = "mup"
    shown["Seed"].value = "6"
    network = explorer.experiment.network
    assert (network.depth, network.parametrization, explorer.experiment.seed) == (3, "mup", 6)


def test_every_control_of_the_state_has_a_widget(fresh):
    of_data = {option for options in OPTIONS.values() for option in options}
    labels = {fresh.state.param[name].label for name in fresh.state.param if name not in of_data}
    shown = {"Data set", "Classes", "Cancel", "Pin", "Share"}
    assert labels - {"Name", "Complaint", "Data", "Time t", "Mode"} | shown == set(controls(fresh))
    assert fresh.bar.player.param.position.label == fresh.state.param.scrub.label == "Time t"


@pytest.mark.parametrize(
    ("data", "labels"),
    [
        ("circle", {"Points n", "Label noise"}),
        ("parity", {"Dimension D", "Degree k", "Points n", "Label noise"}),
        ("staircase", {"Dimension D", "Degree k", "Leap", "Points n", "Label noise"}),
        ("spirals", {"Turns", "Points n", "Label noise"}),
        ("points", {"Points x, y"}),
        ("file", {"Choose a CSV or NPZ file", "Points n", "Label noise"}),
    ],
)
def test_only_the_controls_of_the_chosen_data_set_are_shown(explorer, data, labels):
    explorer.state.data = data
    of_data = {"Classes", "Dimension D", "Degree k", "Leap", "Turns", "Points x, y", "Choose a CSV or NPZ file"}
    assert (of_data | {"Points n", "Label noise"}) & set(controls(explorer)) == labels


@pytest.mark.parametrize(("label", "rule"), [("Seed", "a whole number"), ("Step η", "a number")])
def test_a_field_that_holds_no_number_changes_nothing_and_says_so(explorer, label, rule):
    field = controls(explorer)[label]
    before = field.value
    field.value = "banana"
    assert explorer.alert.visible
    assert said(explorer) == f"{label} must be {rule}; got 'banana'. Type digits."
    assert explorer.experiment == SMALL
    assert explorer.grid.visible
    field.value = before
    assert not explorer.alert.visible


@pytest.mark.parametrize(
    ("label", "name", "typed"),
    [
        ("Seed", "seed", str(2**31 + 1)),
        ("Seed", "seed", str(10**12)),
        ("Step η", "learning_rate", "0.1234567890123"),
        ("Step η", "learning_rate", "1e-05"),
        ("Step η", "learning_rate", "0.1"),
    ],
)
def test_a_field_shows_the_very_number_that_was_typed(explorer, label, name, typed):
    field = controls(explorer)[label]
    field.value = typed
    assert getattr(explorer.state, name) == float(typed)
    assert field.value == typed
    assert not explorer.state.complaint


def test_scrubbing_through_time_moves_the_plots_and_starts_no_work(fresh):
    assert fresh.wait(LIMIT)
    networks = fresh.snapshot.frames
    late = dict(fresh.view(FunctionSpaceView).shown.live.source("theory").data)
    fresh.state.scrub = 0.2
    early = fresh.view(FunctionSpaceView).shown.live.source("theory").data
    assert (early["y"] <= late["y"]).all()
    assert early["y"].sum() < late["y"].sum()
    assert fresh.work.theory_lane.idle.is_set()
    assert fresh.work.networks_lane.idle.is_set()
    assert fresh.snapshot.frames is networks
    player = fresh.bar.player
    assert player.ends == list(fresh.snapshot.theory.times[[0, -1]])
