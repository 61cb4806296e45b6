"""Bookmarks: a link brings back page, time and options; one bad value costs that field alone."""

import dataclasses

import pytest

import lazyrich as lr
from lazyrich_dashboard import Explorer
from lazyrich_dashboard.bookmark import NOTHING, Bookmark, decode, encode, pins_left_out
from lazyrich_dashboard.link import MOST_CHARACTERS
from lazyrich_dashboard.state import PRESET
from lazyrich_dashboard.views import AbcMapView, KernelMatrixView, LearningCurvesView, OverTimeView, TrainingView
from lazyrich_dashboard.views.abc_plane import OUTPUTS
from tests.dashboard.examples import SMALL

pytestmark = pytest.mark.usefixtures("production")

FULL = Bookmark(
    page="Learning curves",
    scrub=0.25,
    mode=3,
    options={
        LearningCurvesView: {"features": 64, "ridge": 0.1},
        TrainingView: {"log_y": False},
        KernelMatrixView: {"kernel": "networks, t = 0"},
        AbcMapView: {"output": 1.0, "hidden": 0.05},
        OverTimeView: {"quantity": "sharpness"},
    },
    others=(("lesson", "lazy & rich"),),
    pins=(SMALL, dataclasses.replace(SMALL, data=lr.DataSpec("parity", 32, 40, degree=3), seed=5)),
)


def test_the_opening_screen_needs_no_more_than_the_version():
    assert encode(PRESET, NOTHING) == "v=1"
    assert decode("?v=1") == (PRESET, NOTHING, [])


def test_a_screen_comes_back_from_its_link():
    query = encode(SMALL, FULL)
    assert len(query) < MOST_CHARACTERS
    assert decode("?" + query) == (SMALL, FULL, [])


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("page=<b>", "page must be one of Dynamics, "),
        ("scrub=2", "scrub must be a number from 0 to 1; got '2'"),
        ("scrub=nan", "scrub must be a number from 0 to 1; got 'nan'"),
        ("scrub=x", "scrub must be a number from 0 to 1; got 'x'"),
        ("training.log_y=maybe", "training.log_y must be one of true, false; got 'maybe'"),
        ("learning_curves.ridge=7", "learning_curves.ridge must be one of 0.0, "),
        ("abc_map.output=7", f"abc_map.output must be a number from {OUTPUTS[0]} to {OUTPUTS[1]}; got '7'"),
        ("depth=0", "depth must be a whole number"),
        ("mode=51", "mode must be a whole number from 0 to 50; got '51'"),
        ("mode=²", "mode must be a whole number from 0 to 50; got '²'"),
        ("pin=depth%3D0", "pin: depth must be a whole number"),
    ],
)
def test_a_bad_value_costs_that_field_alone(query, sentence):
    experiment, mark, notices = decode(f"{query}&seed=5&kernel_matrix.kernel=NNGP+K")
    assert experiment == dataclasses.replace(PRESET, seed=5)
    assert mark == Bookmark(options={KernelMatrixView: {"kernel": "NNGP K"}})
    assert len(notices) == 1
    assert notices[0].startswith(sentence)


def test_a_fifth_pin_and_pins_without_room_are_left_out():
    experiment, mark, notices = decode("pin=same&pin=depth%3D3&pin=width%3D8&pin=seed%3D1&pin=seed%3D2")
    assert [pin.network.depth for pin in mark.pins] == [2, 3, 2, 2]
    assert len(notices) == 1 and notices[0].startswith("pin must not stand more than 4 times")
    kept = encode(experiment, mark)
    assert decode(kept)[1] == mark and pins_left_out(kept, mark) == 0
    full = dataclasses.replace(mark, others=(("hide", "x" * 455),))
    assert pins_left_out(encode(experiment, full), full) == 2
    assert len(decode(encode(experiment, full))[1].pins) == 2


def test_names_that_are_not_ours_are_kept():
    _, mark, notices = decode("hide=time&training.live=1&page=Kernel")
    assert mark.page == "Kernel" and notices == []
    assert dict(mark.others) == {"hide": "time", "training.live": "1"}
    assert encode(PRESET, mark) == "v=1&page=Kernel&hide=time&training.live=1"


def test_what_others_add_is_dropped_rather_than_make_a_link_that_cannot_be_read():
    long = Bookmark(page="Kernel", others=(("lesson", "x" * 490), ("hide", "time")))
    assert encode(PRESET, long) == "v=1&page=Kernel&hide=time"


def test_a_link_that_would_be_too_long_is_refused_in_words():
    exponents = (0.123456789012,) * 40
    net = lr.Network(depth=39, parametrization=lr.ABC(exponents, exponents, 0.0))
    with pytest.raises(ValueError, match="at most 500 characters; this one would have"):
        encode(dataclasses.replace(PRESET, network=net), NOTHING)
    assert decode("x=" + "y" * 600)[1] == NOTHING


def test_an_explorer_opens_on_its_bookmark_and_writes_it_again():
    mark = dataclasses.replace(FULL, pins=())
    explorer = Explorer(SMALL, mark)
    assert explorer.pages.page == "Learning curves"
    assert explorer.state.scrub == 0.25
    curves, training = explorer.view(LearningCurvesView), explorer.view(TrainingView)
    assert (curves.features, curves.ridge, training.log_y) == (64, 0.1, False)
    for kind in (KernelMatrixView, AbcMapView, OverTimeView):
        explorer.view(kind)
    assert explorer.share.query() == encode(SMALL, mark)
    explorer.close()
