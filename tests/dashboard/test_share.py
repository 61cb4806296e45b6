"""Share and pins, and the tools of a view, without a browser."""

import dataclasses

import numpy as np
import pytest

import lazyrich as lr
from lazyrich_dashboard import Explorer
from lazyrich_dashboard.bookmark import decode
from lazyrich_dashboard.pinned import DASHES, MARKERS, SLOTS, difference, widened
from lazyrich_dashboard.remade_pins import remade
from lazyrich_dashboard.views import SpectrumView, TrainingView
from tests.dashboard.examples import SMALL

LIMIT = 240.0


@pytest.fixture
def explorer():
    explorer = Explorer(SMALL)
    sent: list[dict] = []
    explorer.share.courier._send_msg = sent.append
    for view in explorer.share.views():
        view.tools._send_msg = sent.append
    explorer.sent = sent
    yield explorer
    explorer.close()


def pinned(explorer, kind, label):
    return explorer.view(kind).live.source(f"pinned {label}").data


def choose(explorer, label):
    explorer.share._do(label)
    if explorer.share.saving is not None:
        assert explorer.share.saving.idle.wait(LIMIT)
    return explorer.sent[-1]


def test_a_pinned_run_stays_while_the_controls_go_on(explorer):
    assert explorer.wait(LIMIT)
    theory = dict(explorer.view(TrainingView).live.source("test: theory").data)
    nets = dict(explorer.view(TrainingView).live.source("test: nets").data)
    explorer.share.pin_button.clicks += 1
    assert explorer.share.pins.visible
    assert explorer.share.pins.pins == [{"slot": 0, "dash": DASHES[0], "marker": MARKERS[0], "words": "as now"}]

    explorer.state.param.update(depth=4, parametrization="mup")
    assert explorer.wait(LIMIT)
    assert explorer.share.pins.pins[0]["words"] == "depth 2, ntk"
    lines = pinned(explorer, TrainingView, "test: theory")
    np.testing.assert_array_equal(lines["ys"][0], theory["y"])
    assert not np.array_equal(explorer.view(TrainingView).live.source("test: theory").data["y"], theory["y"])
    points = pinned(explorer, TrainingView, "test: nets")
    np.testing.assert_array_equal(points["y"], nets["y"])
    assert set(points["marker"]) == {MARKERS[0]}
    assert len(pinned(explorer, SpectrumView, "theory")["xs"]) == 1

    explorer.share.pins._handle_msg({"unpin": 0})
    assert not explorer.share.pins.visible
    assert pinned(explorer, TrainingView, "test: theory")["ys"] == []


def test_at_most_four_runs_are_pinned_and_one_let_go_gives_its_slot_back(explorer):
    for _ in range(SLOTS + 1):
        explorer.share._pin()
    assert [pin["slot"] for pin in explorer.share.pins.pins] == list(range(SLOTS))
    assert explorer.sent[-1]["words"] == "At most 4 runs can be pinned. Unpin one first."
    explorer.share.pins.unpin(1)
    explorer.share._pin()
    assert [pin["slot"] for pin in explorer.share.pins.pins] == list(range(SLOTS))


def test_pinned_runs_of_a_link_are_computed_anew(explorer):
    assert explorer.wait(LIMIT)
    explorer.share._pin()
    explorer.state.depth = 3
    assert explorer.wait(LIMIT)
    query = explorer.share.query()
    assert query.endswith("&pin=depth%3D2")
    kept = {part: pinned(explorer, TrainingView, part) for part in ("test: theory", "test: nets")}
    again = Explorer(*decode(query)[:2])
    try:
        assert again.share.query() == query  # also while they are on their way
        assert again.wait(LIMIT) and again.share.remaking.idle.wait(LIMIT)
        assert again.share.pins.pins[0]["words"] == "depth 2"
        assert again.share.query() == query
        np.testing.assert_array_equal(pinned(again, TrainingView, "test: theory")["ys"], kept["test: theory"]["ys"])
        np.testing.assert_array_equal(pinned(again, TrainingView, "test: nets")["y"], kept["test: nets"]["y"])
    finally:
        again.close()


def test_a_run_that_was_let_go_does_not_come_back_with_its_networks(explorer):
    views = explorer.pages.on_screen()
    first, last = (item for item in remade([SMALL], views) if item is not None)
    explorer.share.pins.unpin(0)
    first.put(explorer.share.pins)
    with pytest.raises(KeyError):  # there is no place for pinned networks yet
        pinned(explorer, TrainingView, "test: nets")
    last.put(explorer.share.pins)
    assert len(pinned(explorer, TrainingView, "test: nets")["y"])
    explorer.share.pins.unpin(0)
    last.put(explorer.share.pins)
    assert explorer.share.pins.experiments == ()


def test_a_run_that_cannot_be_computed_is_left_out_in_words(explorer):
    lost = dataclasses.replace(SMALL, data=lr.DataSpec("file", 32, 40, file="mine.csv@0123456789abcdef"))
    refusals = list(remade([lost], explorer.pages.on_screen()))
    assert all(refusal.sentence.startswith("A pinned run of the link") for refusal in refusals)
    explorer.share._take_pins(refusals[:1])
    assert explorer.sentences == [refusals[0].sentence]


def test_a_difference_is_said_in_a_few_words():
    net = dataclasses.replace(SMALL.network, depth=3, width=32, activation="erf", bias_var=0.25)
    other = dataclasses.replace(SMALL, network=net)
    assert difference(SMALL, SMALL) == "as now"
    assert difference(other, SMALL) == "depth 3, width 32, erf and 1 more"


def test_an_axis_shows_what_is_pinned_but_the_present_curves_keep_most_of_it():
    inside, above = (
        {"pinned a": {"x": [], "y": np.array([0.5])}},
        {"pinned a": {"xs": [], "ys": [np.array([1e9, np.nan])]}},
    )
    assert widened((0.1, 1.0), inside, "y", log=True) == (0.1, 1.0)
    assert widened((0.1, 1.0), above, "y", log=True) == (0.1, 100.0)
    assert widened((0.0, 1.0), above, "y", log=False) == (0.0, 3.0)
    assert widened((0.0, 1.0), {}, "y", log=False) == (0.0, 1.0)


def test_the_menu_hands_out_what_its_entries_say(explorer):
    assert [item["label"] for item in explorer.share.menu.items][:2] == ["Copy link", "Copy Python"]
    assert choose(explorer, "Copy link")["query"] == explorer.share.query()
    assert choose(explorer, "Copy Python")["text"] == SMALL.to_python()
    assert choose(explorer, "Notebook (.ipynb)")["name"] == "lazyrich.ipynb"
    assert choose(explorer, "Data of this page (CSV)")["name"] == "lazyrich.csv"
    assert choose(explorer, "Web page: Kernel movement")["name"] == "lazyrich_kernel_movement.html"


def test_controls_that_make_no_experiment_give_a_sentence_in_place_of_a_link(explorer):
    explorer.state.depth = 0
    assert "depth must be a whole number" in choose(explorer, "Copy link")["words"]


def test_the_address_follows_what_is_drawn_and_only_on_a_page(explorer):
    explorer.state.scrub = 0.5
    assert explorer.share.courier.query == ""
    explorer.share.follow_address()
    explorer.state.scrub = 0.25
    assert explorer.share.following.idle.wait(LIMIT)
    assert explorer.share.courier.query == explorer.share.query()
    assert explorer.share.query().endswith("&scrub=0.25")


def test_a_drawer_shows_the_numbers_and_follows_them(explorer):
    tools = explorer.view(TrainingView).tools
    tools.drawer = "why"
    assert "What to look for" in tools.content
    tools.drawer = "data"
    before = tools.content
    assert "train: theory" in before
    explorer.state.depth = 3
    assert explorer.wait(LIMIT)
    assert tools.content != before


def test_a_view_gives_its_files(explorer):
    tools = explorer.view(TrainingView).tools
    for kind, name in (("csv", "training.csv"), ("netcdf", "training.nc"), ("html", "training.html")):
        tools._handle_msg({"file": kind})
        assert tools.saving.idle.wait(LIMIT)
        assert explorer.sent[-1]["name"] == f"lazyrich_{name}"
    count = len(explorer.sent)
    tools._handle_msg({"file": "../etc/passwd"})
    tools._handle_msg({})
    assert len(explorer.sent) == count


def test_linear_axes_show_the_same_data_from_zero(explorer):
    view = explorer.view(TrainingView)
    log = view.live
    view.tools._handle_msg({"toggle": "log_y"})
    assert [words for words, _ in view.tools.toggles.values()] == ["x: log", "y: lin", "flow"]
    assert view.live is not log
    assert view.live.source("test: theory") is log.source("test: theory")
    assert view.live.figure.y_range.start < 0 < view.live.figure.y_range.end
    assert view.tools.figures == [view.live.figure.id]
    view.tools._handle_msg({"toggle": "log_y"})
    assert view.live is log
    view.tools._handle_msg({"toggle": "title"})
    assert [words for words, _ in view.tools.toggles.values()] == ["x: log", "y: log", "flow"]
