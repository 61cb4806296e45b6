"""Every page of the gallery keeps the same contract, and its claim holds as its badge says."""

from typing import ClassVar

import numpy as np
import param
import pytest

from lazyrich_dashboard import gallery
from lazyrich_dashboard.__main__ import main
from lazyrich_dashboard.gallery import checks, command, links
from lazyrich_dashboard.gallery.badge import verdict
from lazyrich_dashboard.gallery.base import GalleryPage, Panel, Picture, at
from lazyrich_dashboard.gallery.checks import Check
from lazyrich_dashboard.gallery.index import Index
from lazyrich_dashboard.gallery.questions import questions
from lazyrich_dashboard.gallery.tables import to_csv
from lazyrich_dashboard.marks import Axis, Part, column_names
from lazyrich_dashboard.views import View

PAGES = gallery.page_classes()
each_page = pytest.mark.parametrize("kind", PAGES.values(), ids=list(PAGES))


def assert_can_be_drawn(page, picture: Picture):
    """Assert that a picture has columns of the page's parts, finite but for the height of rules."""
    panels = {panel.name: panel for panel in page.panels}
    assert set(picture.columns) <= set(panels)
    for name, columns in picture.columns.items():
        kinds = {part.label: part.kind for part in panels[name].parts}
        assert set(columns) <= set(kinds)
        for label, part in columns.items():
            assert set(part) == set(column_names(kinds[label])), label
            assert len({len(column) for column in part.values()}) == 1, label
            for column in set(part) - ({"text"} | ({"y"} if kinds[label] == "rule" else set())):
                assert np.isfinite(part[column]).all(), f"{label}: {column}"


@each_page
def test_a_page_says_what_it_is(kind):
    for words in (kind.title, kind.paper, kind.claim, kind.look_for):
        assert words.strip()
    assert kind.claim.endswith(".") and "\n" not in kind.claim
    assert kind.url.startswith(("https://arxiv.org/abs/", "https://doi.org/"))
    assert kind.topics
    assert all(kind.param[name].doc and kind.param[name].label for name in kind.controls())
    assert len({panel.name for panel in kind.panels}) == len(kind.panels)


@each_page
def test_a_page_can_be_drawn_before_and_while_it_measures(kind):
    page = kind()
    picture = page.predict()
    stream = iter(page.measure())
    for later in (Picture({}), next(stream)):
        picture = picture.then(later)
        assert_can_be_drawn(page, picture)
        for panel in page.panels:
            for low, high in page.ranges(panel, picture.columns.get(panel.name, {})):
                assert np.isfinite([low, high]).all() and low < high
        assert page.summary(picture).endswith(".")


@each_page
def test_the_claim_is_checked_in_numbers(kind):
    found = kind.check()
    assert found.sentence.endswith(".") and found.numbers
    assert np.isfinite(list(found.numbers.values())).all()
    stored = checks.read(kind.slug())
    if stored is not None:  # a new page has none until its author writes it
        assert checks.differences(stored.check, found) == []
        assert stored.check.holds == found.holds


WRITE = checks.write
GROKKING = PAGES["grokking"]


def test_a_link_brings_back_the_page_that_wrote_it():
    page = GROKKING(alpha=4.0, n_train=300)
    assert links.encode(page) == "page=grokking&alpha=4.0&n_train=300"
    again, notices = links.decode("?" + links.encode(page), GROKKING)
    assert (again.values, notices) == (page.values, [])


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("alpha=1e9", "from 0.03125 to 32; got '1e9'"),
        ("alpha=<script>", "must be a number from 0.03125 to 32; got '<script>'"),
        ("n_train=2.5", "must be a whole number from 30 to 600; got '2.5'"),
        ("alpha=" + "1" * 600, "at most 500 characters; got"),
    ],
)
def test_a_bad_value_in_a_link_costs_that_value_alone(query, words):
    page, notices = links.decode(f"?seed=3&{query}&stranger=1", GROKKING)
    assert page.values == GROKKING(seed=3 if len(query) < 500 else 0).values
    (notice,) = notices
    assert words in notice


def test_the_index_finds_pages_by_their_words_and_shows_what_is_typed_as_text():
    index = Index(PAGES, [])
    assert index.cards.object.count("class='card'") == len(PAGES)
    index.search.value_input = "Tangent  KERNEL"
    assert "gallery?page=neural_tangent_kernel" in index.cards.object
    assert "gallery?page=grokking" not in index.cards.object
    index.search.value_input = "<b>nothing"
    assert "&lt;b&gt;nothing" in index.cards.object and "card" not in index.cards.object


def test_every_view_of_the_laboratory_answers_a_question():
    rows = questions()
    assert {kind.question for kind in View.__subclasses__() if kind.__dict__.get("question")} <= {
        row[0] for row in rows
    }
    assert all(all(row) for row in rows)


@pytest.fixture
def example(monkeypatch):
    """A page that costs nothing, as `gallery` would find it."""

    class Example(GalleryPage):
        title = paper = look_for = "Example"
        year, url, claim, topics = 2000, "https://arxiv.org/abs/0", "One is one.", ("numbers",)
        panels = (Panel("p", "Plot", (Part("a", "points", "test"), Part("r", "rule", "guide")), Axis("x"), Axis("y")),)
        size = param.Number(1.0, bounds=(0, 3), doc="Size.", label="Size")
        outcome: ClassVar = Check(True, "One is one.", {"one": 1.0, "slope": 2.0, "slope_stderr": 0.1})

        def predict(self):
            if self.size == 3:
                raise ValueError("Size must be below 3; got 3. Lower it.")
            return Picture({"p": {"r": at(1.0)}})

        def measure(self):
            for count in (1, 2):
                x = np.arange(count, dtype=float)
                yield Picture({"p": {"a": {"x": x, "y": self.size * x}}}, {"count": count})

        def summary(self, picture):
            return f"{picture.numbers.get('count', 0)} <points>."

        @classmethod
        def check(cls):
            if not cls.outcome.holds:
                raise ValueError("Memory must suffice; got little. Buy some.")
            return cls.outcome

    Example.__module__ = "pages.example"
    monkeypatch.setattr(command, "page_classes", lambda: {"example": Example})
    return Example


def wait_for(exhibit: gallery.Exhibit):
    lanes = (exhibit.theory_lane, exhibit.measure_lane, exhibit.badge.lane)
    assert all(lane.idle.wait(60) for lane in (*lanes, *lanes))


def test_an_exhibit_draws_what_is_predicted_and_measured_of_the_controls_on_screen(example):
    exhibit = gallery.Exhibit(example())
    exhibit.page.size = 2.0
    wait_for(exhibit)
    (plot,) = exhibit.plots
    np.testing.assert_array_equal(plot.live.source("a").data["y"], [0.0, 2.0])
    assert np.isfinite(plot.live.source("r").data["y"]).all()
    assert exhibit.summary_pane.object == "2 &lt;points&gt;."
    assert "?page=example&amp;size=2.0" in exhibit.link_pane.object
    assert to_csv(exhibit.page, exhibit.picture).splitlines()[-1] == "Plot,a,1.0,2.0"


def test_a_setting_without_a_picture_gets_a_sentence_and_the_next_one_its_picture(example):
    exhibit = gallery.Exhibit(example(size=3))
    assert "Size must be below 3" in exhibit.alert.object and not exhibit.grid.visible
    exhibit.page.size = 1.0
    wait_for(exhibit)
    assert exhibit.grid.visible and not exhibit.alert.visible


def test_what_a_link_was_told_stands_until_a_control_moves(example):
    exhibit = gallery.Exhibit(example(), ["Size must be a number."])
    wait_for(exhibit)
    assert "Size must be a number" in exhibit.alert.object and exhibit.alert.visible
    exhibit.page.size = 2.0
    wait_for(exhibit)
    assert not exhibit.alert.visible


def test_the_badge_is_what_a_run_finds_or_why_it_cannot_run_and_one_run_serves_all_sessions(example):
    holds, example.outcome = example.outcome, Check(False, "", {})
    badge, other = (gallery.Exhibit(example()).badge for _ in range(2))
    assert "not checked yet" in badge.pane.object
    badge.button.clicks += 1
    assert badge.lane.idle.wait(60) and "Memory must suffice; got little. Buy some." in badge.pane.object
    example.outcome = holds
    badge.button.clicks += 1
    assert badge.lane.idle.wait(60) and "✓ reproduced" in badge.pane.object
    example.outcome = Check(False, "", {})  # a second run would not hold
    other.button.clicks += 1
    assert other.lane.idle.wait(60) and "✓ reproduced" in other.pane.object
    assert "✗ not reproduced" in verdict(checks.run(lambda: Check(False, "Two is not one.", {})))


def test_the_command_runs_checks_keeps_them_and_says_which_could_not_run(example, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(checks, "write", lambda slug, record: WRITE(slug, record, tmp_path))
    assert main(["gallery", "check", "--write"]) == 0
    assert "✓ reproduced" in capsys.readouterr().out
    record = checks.read("example", tmp_path)
    assert record is not None and record.check == example.outcome
    example.outcome = Check(False, "", {})
    assert main(["gallery", "check", "example"]) == 1
    assert "! cannot run  ValueError: Memory must suffice" in capsys.readouterr().out
    assert main(["gallery", "check", "unknown"]) == 2


def test_a_number_that_is_not_confirmed_is_told():
    stored = Check(True, "", {"one": 1.0, "slope": 2.0, "slope_stderr": 0.1})
    near = Check(True, "", {"one": 1.01, "slope": 2.5, "slope_stderr": 0.1})
    far = Check(True, "", {"one": 1.1, "slope": 2.7, "slope_stderr": 0.1})
    assert checks.differences(stored, near) == []
    assert [words.split()[0] for words in checks.differences(stored, far)] == ["one", "slope"]
    assert "Write them anew" in checks.differences(stored, Check(True, "", {}))[0]
