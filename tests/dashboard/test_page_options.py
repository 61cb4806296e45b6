"""What a link says beside the experiment: screen, hidden controls, looks; and the way from one screen to another."""

import pytest

from lazyrich_dashboard import page_options, screen
from lazyrich_dashboard.explorer import Explorer
from lazyrich_dashboard.layout import Layout, hide
from lazyrich_dashboard.page_options import PageOptions
from lazyrich_dashboard.screen import Navigator, Screen
from lazyrich_dashboard.state import State
from lazyrich_dashboard.theme import DARK, tokens
from lazyrich_dashboard.views import LearningCurvesView, TrainingView
from tests.dashboard.examples import SMALL

TINY = "n_train=16&width=8&time=1&seeds=1"


@pytest.fixture
def explorer():
    explorer = Explorer(SMALL)
    yield explorer
    explorer.close()


def test_a_link_says_how_the_page_looks():
    query = "?hide=depth,tabs&ui=minimal&theme=projector&lesson=lazy_and_rich&step=3&depth=4"
    expected = PageOptions(("depth", "tabs"), "minimal", "projector", "lazy_and_rich", 3)
    assert page_options.decode(query) == (expected, [])
    assert page_options.decode("") == (PageOptions(), [])


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("ui=<b>", "ui must be one of full, minimal; got '<b>'"),
        ("theme=pink", "theme must be one of light, dark, projector; got 'pink'"),
        ("step=0", "step must be a whole number from 1; got '0'"),
        ("step=-1", "step must be a whole number from 1; got '-1'"),
        ("step=²", "step must be a whole number from 1; got '²'"),
    ],
)
def test_a_bad_option_costs_itself_alone(query, sentence):
    options, notices = page_options.decode(f"?{query}&hide=depth")
    assert options == PageOptions(hide=("depth",))
    assert len(notices) == 1 and notices[0].startswith(sentence)


def test_a_link_says_what_is_on_the_screen():
    shown, notices = screen.decode("page=Learning+curves&scrub=0.25&learning_curves.features=64&depth=3")
    assert notices == []
    assert (shown.bookmark.page, shown.bookmark.scrub, shown.experiment.network.depth) == ("Learning curves", 0.25, 3)
    assert shown.bookmark.options == {LearningCurvesView: {"features": 64}}


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("page=Home", "page must be one of Dynamics"),
        ("scrub=2", "scrub must be a number from 0 to 1; got '2'"),
        ("scrub=nan", "scrub must be a number from 0 to 1; got 'nan'"),
        ("learning_curves.features=7", "learning_curves.features must be one of"),
    ],
)
def test_a_bad_part_of_a_screen_costs_itself_alone(query, sentence):
    shown, notices = screen.decode(f"{query}&depth=3")
    assert shown.experiment.network.depth == 3
    assert (shown.bookmark.page, shown.bookmark.scrub, shown.bookmark.options) == ("Dynamics", 1.0, {})
    assert len(notices) == 1 and notices[0].startswith(sentence)


def test_every_control_can_be_hidden_by_its_name_and_so_can_groups(explorer):
    controls = set(State.param) - {"name", "scrub", "mode", "complaint"}
    groups = {"data_controls", "network_controls", "training_controls", "tabs", "time_bar"}
    assert hide(explorer, tuple(controls | groups)) == []
    assert not any(group.visible for group in explorer.controls) and not explorer.pages.tabs.visible


def test_a_control_stays_hidden_when_another_data_set_is_chosen(explorer):
    def labels(data):
        explorer.state.data = data
        return {control.label for control in explorer.controls[0][-1]}

    assert {"Degree k", "Label noise"} < labels("parity") and "Degree k" not in labels("circle")
    assert hide(explorer, ("noise", "degree")) == []
    assert labels("circle") == {"Points n"}
    assert labels("parity") == {"Dimension D", "Points n"}


def test_a_name_that_cannot_be_hidden_is_said_and_the_others_are_hidden(explorer):
    (sentence,) = hide(explorer, ("deptb", "tabs"))
    assert sentence.startswith("hide must name some of data_controls, data") and "got 'deptb'" in sentence
    assert not explorer.pages.tabs.visible


def test_reset_goes_back_to_what_was_opened_and_keeps_the_seed(explorer):
    navigator = Navigator(explorer, Screen(SMALL))
    navigator.open(f"{TINY}&page=Learning+curves&learning_curves.ridge=1.0&scrub=0.5")
    assert (explorer.pages.page, explorer.state.scrub) == ("Learning curves", 0.5)
    assert explorer.view(LearningCurvesView).ridge == 1.0
    before = explorer.state.seed
    navigator.new_seed()
    seed = explorer.state.seed
    assert seed != before
    explorer.state.depth = 9
    explorer.view(LearningCurvesView).ridge = 10.0
    navigator.reset()
    assert (explorer.state.depth, explorer.state.seed, explorer.view(LearningCurvesView).ridge) == (2, seed, 1.0)
    navigator.open(TINY)
    assert (explorer.pages.page, explorer.view(LearningCurvesView).ridge) == ("Dynamics", 0.0)


def test_what_a_screen_leaves_out_is_said(explorer):
    Navigator(explorer, Screen(SMALL)).open(f"{TINY}&page=Home")
    assert explorer.sentences[0].startswith("page must be one of")


def test_the_projector_has_larger_text_and_thicker_lines_and_they_go_back(explorer):
    live = explorer.view(TrainingView).live

    def drawn():
        (line,) = [r.glyph.line_width for r in live.figure.renderers if r.name == "test: theory"]
        (dots,) = [r.glyph.size for r in live.figure.renderers if r.name == "test: nets"]
        return line, dots, live.figure.tags[1]

    before = drawn()
    explorer.recolour(True, True)
    line, dots, font = drawn()
    assert line > before[0] and dots > before[1] and font >= 20
    assert tokens(True, True).test == DARK.test
    explorer.recolour(False)
    assert drawn() == pytest.approx(before)


def test_the_minimal_page_has_plots_and_time_alone(explorer):
    page = Layout(Navigator(explorer, Screen(SMALL)), PageOptions(ui="minimal", theme="dark")).page
    assert page.sidebar == [] and page.header == [] and page.dark_theme
    assert not explorer.pages.tabs.visible
