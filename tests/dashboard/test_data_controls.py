"""Files that a visitor uploads, points put down with the mouse, and images that have to be fetched."""

import dataclasses
import threading
import time

import numpy as np
import pytest

import lazyrich as lr
from lazyrich.data import hold, openml
from lazyrich_dashboard import Explorer
from lazyrich_dashboard.link import decode, encode
from lazyrich_dashboard.views import AngleView, FunctionSpaceView, LearningCurvesView
from lazyrich_dashboard.widgets import Upload
from tests.dashboard.examples import SMALL, assert_is_spectrum_of, small
from tests.dashboard.test_explorer import LIMIT, controls, said, spectrum

CSV = "a,b,label\n" + "\n".join(f"{i % 7},{i * i % 11},{i % 2}" for i in range(60))


@pytest.fixture(autouse=True)
def no_networks(monkeypatch):
    """Nothing here looks at finite networks: the controls never rest long enough for them to start."""
    monkeypatch.setattr("lazyrich_dashboard.work._REST_SECONDS", 1e6)


def is_drawn(explorer: Explorer) -> bool:
    """Wait until the theory of the controls, or the sentence in its place, is on screen."""
    return explorer.work.theory_lane.idle.wait(LIMIT)


@pytest.fixture
def explorer():
    explorer = Explorer(SMALL)
    yield explorer
    explorer.close()


def choose_file(explorer: Explorer, name: str, contents: bytes) -> None:
    """Upload a file, as its bytes come from the browser, and wait until it is read."""
    button, outcome = next(part for group in explorer.controls for part in group.select(Upload)), threading.Event()
    watcher = explorer.state.param.watch(lambda event: event.new and outcome.set(), ["file", "complaint"])
    button._process_chunk({"name": name, "chunk": 1, "total_chunks": 1, "mime_type": "", "data": contents})
    button._flush_buffer()
    assert outcome.wait(LIMIT)
    explorer.state.param.unwatch(watcher)
    assert is_drawn(explorer)


def test_a_file_is_asked_for_read_and_shown(explorer):
    explorer.state.data = "file"
    assert is_drawn(explorer)
    assert "The data of a file need one; got none." in said(explorer)
    choose_file(explorer, "mine.csv", CSV.encode())
    assert not explorer.alert.visible and explorer.grid.visible
    data = explorer.experiment.data
    assert data.file == hold("mine.csv", CSV.encode())
    assert (data.n_train, data.n_test) == (32, 28)  # what is not trained on is tested on
    assert_is_spectrum_of(explorer.experiment, spectrum(explorer))


def test_a_file_smaller_than_the_training_set_lowers_its_size(explorer):
    explorer.state.data = "file"
    choose_file(explorer, "mine.csv", "\n".join(CSV.splitlines()[:13]).encode())
    assert (explorer.experiment.data.n_train, explorer.experiment.data.n_test) == (8, 4)
    assert explorer.grid.visible


@pytest.mark.parametrize(
    ("name", "contents", "sentence"),
    [
        ("bad.csv", b"a,b\n1,<b>x</b>\n", "Every row of a CSV file must be numbers"),
        ("bad.npz", b"PK rubbish", "An NPZ file must be what numpy.savez writes"),
        ("bad.exe", b"MZ", "A data file must be a .csv or .npz; got 'bad.exe'"),
    ],
)
def test_rubbish_gets_a_sentence_and_what_was_on_screen_stays(explorer, name, contents, sentence):
    explorer.state.data = "file"
    choose_file(explorer, "mine.csv", CSV.encode())
    before = explorer.experiment
    for _ in range(2):  # and again, if it is tried again
        explorer.notify([])
        choose_file(explorer, name, contents)
        assert sentence in said(explorer) and explorer.alert.visible
    assert explorer.experiment == before and explorer.grid.visible
    choose_file(explorer, "mine.csv", CSV.replace("label", "y").encode())
    assert not explorer.alert.visible
    assert explorer.experiment != before


def test_a_browser_that_sends_more_than_it_may_is_cut_off():
    button = Upload(most=100)
    chunk = {"name": "a.csv", "total_chunks": 9, "mime_type": "", "data": b"1" * 60}
    button._process_chunk({**chunk, "chunk": 1})
    for again in ({**chunk, "chunk": 2}, {**chunk, "name": "b.csv", "chunk": 1}):
        with pytest.raises(ValueError, match="A file can be up to 100 bytes; got more"):
            button._process_chunk(again)


def test_a_link_to_a_file_of_another_session_says_so_and_the_page_lives_on():
    elsewhere = dataclasses.replace(SMALL, data=lr.DataSpec("file", file="mine.csv@0123456789abcdef"))
    experiment, notices = decode(encode(elsewhere))
    assert notices == []
    explorer = Explorer(experiment)
    assert "got mine.csv, which was uploaded to another session" in said(explorer)
    explorer.state.param.update(data="circle", n_train=32)
    assert is_drawn(explorer)
    assert explorer.grid.visible and not explorer.alert.visible
    explorer.close()


@pytest.fixture
def drawn():
    """An explorer of own points, and the view in which they are moved."""
    explorer = Explorer(small("points"))
    view = explorer.view(FunctionSpaceView).shown
    yield explorer, view
    explorer.close()


def shown_points(view) -> list[list[float]]:
    data = view.live.source("training points").data
    return np.round(np.stack([data["x"], data["y"]], axis=1).astype(float), 2).tolist()


def test_a_point_that_is_moved_moves_theory_and_stays_where_the_pointer_is(drawn):
    explorer, view = drawn
    before = np.array(view.live.source("theory").data["y"])
    in_the_browser = shown_points(view)
    view._edited({"x": [-1.0, 0.0, 3.7], "y": [0.301, -0.5, 1.0]})  # beyond the right end
    assert is_drawn(explorer)
    assert explorer.experiment.data.points == ((-1.0, 0.3), (0.0, -0.5), (2.0, 1.0))
    assert (view.live.source("theory").data["y"] != before).any()
    assert_is_spectrum_of(explorer.experiment, spectrum(explorer))
    assert shown_points(view) == in_the_browser  # the server sends back nothing that comes from there
    explorer.state.points = ((0.5, 0.5),)  # typed
    assert is_drawn(explorer)
    assert shown_points(view) == [[0.5, 0.5]]


def test_a_drag_never_compiles_and_its_last_position_wins(drawn, compilations):
    explorer, view = drawn
    assert is_drawn(explorer)
    x = [float(x) for x, _ in explorer.state.points]
    compilations.clear()
    for y in np.linspace(-1, 1, 9).tolist():
        view._edited({"x": x, "y": [y] * len(x)})
    assert is_drawn(explorer)
    assert {y for _, y in explorer.experiment.data.points} == {1.0}
    assert explorer.snapshot.theory.data.y_train[:, 0].tolist() == [1.0] * len(x)
    assert compilations == []


@pytest.mark.parametrize("columns", [{"x": [], "y": []}, {"x": [0.0] * 25, "y": [0.0] * 25}, {"x": [None], "y": ["a"]}])
def test_too_many_points_none_or_rubbish_get_a_sentence_and_those_before_come_back(drawn, columns):
    explorer, view = drawn
    before, points = explorer.experiment, shown_points(view)
    view.live.source("training points").data = columns
    view._edited(columns)
    assert explorer.alert.visible
    assert explorer.experiment == before and shown_points(view) == points


def test_points_can_be_typed_and_what_are_none_changes_nothing(drawn):
    explorer, _ = drawn
    field = controls(explorer)["Points x, y"]
    field.value = "0, 1\n0.5, -0.25"
    assert is_drawn(explorer)
    assert explorer.experiment.data.points == ((0.0, 1.0), (0.5, -0.25))
    field.value = "0, 1\nfive"
    assert "points must be pairs of numbers; got 'five'" in said(explorer)
    assert explorer.experiment.data.points == ((0.0, 1.0), (0.5, -0.25))
    field.value = "0, 1\n0.5, -0.25"
    assert not explorer.alert.visible


def test_images_are_fetched_off_the_loop_and_drawn_when_they_are_there(explorer, monkeypatch, rng):
    future = openml.Future()
    monkeypatch.setattr(openml, "_downloads", {"mnist": future})
    openml._prepared.cache_clear()
    explorer.state.data = "mnist"
    assert is_drawn(explorer)
    assert "mnist must be fetched from OpenML first; got nothing yet." in said(explorer)
    future.set_result((rng.integers(0, 256, (300, 64)).astype(np.uint8), rng.integers(0, 10, 300)))
    assert is_drawn(explorer)
    assert explorer.grid.visible and not explorer.alert.visible
    assert_is_spectrum_of(explorer.experiment, spectrum(explorer))
    openml._prepared.cache_clear()


def test_images_that_cannot_be_fetched_leave_a_sentence_and_are_tried_for_once_a_choice(explorer, monkeypatch):
    tries = []

    def cut_off(**_):
        tries.append(1)
        raise OSError("no network")

    monkeypatch.setattr(openml, "_downloads", {})
    monkeypatch.setattr(openml, "fetch_openml", cut_off)
    for count in (1, 2):
        explorer.state.data = "fashion"
        with pytest.raises(OSError, match="no network"):
            openml._downloads["fashion"].result(LIMIT)
        sentence = "fashion must be fetched from OpenML, which needs a network; got OSError: no network"
        deadline = time.monotonic() + LIMIT
        while sentence not in said(explorer) and time.monotonic() < deadline:  # the download's thread tells the page
            time.sleep(0.01)
        assert sentence in said(explorer)
        assert len(tries) == count
        explorer.state.data = "digits"
        assert is_drawn(explorer)
        assert explorer.grid.visible


@pytest.mark.parametrize(
    ("view", "data", "sentence"),
    [
        (AngleView, "spirals", "those of spirals differ in it"),
        (LearningCurvesView, "points", "need a pool of points to choose from; got 8 own points"),
    ],
)
def test_a_view_that_data_do_not_have_says_why(view, data, sentence):
    with pytest.raises(ValueError, match=sentence):
        view().predict(small(data))


def test_learning_curves_take_all_of_a_small_set_as_their_pool():
    two = dataclasses.replace(SMALL, data=dataclasses.replace(SMALL.data, classes=(3, 8)))
    curves = LearningCurvesView().predict(two)
    assert len(curves.pool.y) == 357
