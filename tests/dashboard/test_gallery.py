"""Every page of the gallery keeps the same contract, and its claim holds as its badge says."""

import html
import json
import sys

import jax
import numpy as np
import pytest

from lazyrich_dashboard import gallery
from lazyrich_dashboard.__main__ import main
from lazyrich_dashboard.courier import Courier
from lazyrich_dashboard.gallery import checks, command, files, links, pages
from lazyrich_dashboard.gallery.badge import verdict
from lazyrich_dashboard.gallery.base import Picture
from lazyrich_dashboard.gallery.checks import Check
from lazyrich_dashboard.gallery.index import Index
from lazyrich_dashboard.gallery.plot import Plot
from lazyrich_dashboard.gallery.questions import questions
from lazyrich_dashboard.marks import column_names
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
    plots = [Plot(panel) for panel in page.panels]
    picture = page.predict()
    stream = iter(page.measure())
    for later in (Picture({}), next(stream)):
        picture = picture.then(later)
        assert_can_be_drawn(page, picture)
        for panel in page.panels:
            for low, high in page.ranges(panel, picture.columns.get(panel.name, {})):
                assert np.isfinite([low, high]).all() and low < high
        for plot in plots:
            plot.update(page, picture)
        assert page.summary(picture).endswith(".")
        rows = files.to_csv(page, picture).splitlines()
        assert len(rows) > len(page.values) + 2


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


PAPER = '''
"""A paper that costs nothing."""

from typing import ClassVar

import numpy as np
import param

from ...marks import Axis, Part
from ..base import GalleryPage, Panel, Picture, at
from ..checks import Check


class Example(GalleryPage):
    title = paper = "Example"
    look_for = "* Nothing."
    year, url, claim, topics = 2030, "https://arxiv.org/abs/0", "One is one.", ("numbers",)
    panels = (Panel("p", "Plot", (Part("a", "points", "test"), Part("r", "rule", "guide")), Axis("x"), Axis("y")),)
    size = param.Number(1.0, bounds=(0, 3), doc="Size.", label="Size")
    outcome: ClassVar = Check(True, "One is one.", {"one": 1.0, "slope": 2.0, "slope_stderr": 0.1})
    obstacle: ClassVar = None

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
        if cls.obstacle is not None:
            raise cls.obstacle
        return cls.outcome
'''


@pytest.fixture
def example(tmp_path, monkeypatch):
    """The page of one new file, which nothing else names."""
    (tmp_path / "example.py").write_text(PAPER)
    monkeypatch.setattr(pages, "__path__", [*pages.__path__, str(tmp_path)])
    gallery.page_classes.cache_clear()
    yield gallery.page_classes()["example"]
    gallery.page_classes.cache_clear()
    del sys.modules[f"{pages.__name__}.example"], pages.example


def test_a_new_paper_is_one_new_file(example):
    assert list(gallery.page_classes()) == [*PAGES, "example"]
    exhibit = gallery.example(size=2.0)
    assert isinstance(exhibit, gallery.Exhibit) and exhibit.page.size == 2.0
    assert "gallery?page=example" in Index(gallery.page_classes(), []).cards.object
    assert links.decode("?page=example&size=2", example)[0].size == 2


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
    assert files.to_csv(exhibit.page, exhibit.picture).splitlines()[-1] == "Plot,a,1.0,2.0"


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


NO_MEMORY = "RESOURCE_EXHAUSTED: Out of memory allocating 400 bytes."
OBSTACLES = {
    "its own rule": (ValueError("Width must be below 3; got 4. Lower it."), "Width must be below 3; got 4. Lower it."),
    "memory": (MemoryError("400 bytes"), "needs more memory than is free here (400 bytes). Close other programs"),
    "memory of a device": (jax.errors.JaxRuntimeError(NO_MEMORY), "needs more memory than is free here (RESOURCE"),
    "a package": (ModuleNotFoundError("No module named 'x'", name="x"), "needs the package x, which is not installed"),
}


@pytest.mark.parametrize("obstacle, words", OBSTACLES.values(), ids=OBSTACLES)
def test_a_check_that_cannot_run_says_why_on_the_page_and_on_the_command_line(example, obstacle, words, capsys):
    example.obstacle = obstacle
    badge = gallery.Exhibit(example()).badge
    assert "not checked yet" in badge.pane.object
    badge.button.clicks += 1
    assert badge.lane.idle.wait(60) and "! cannot run here" in badge.pane.object
    assert html.escape(words) in badge.pane.object
    assert main(["gallery", "check", "example"]) == 1
    said = capsys.readouterr().out
    assert "example" in said and "! cannot run" in said and words in said and "Error" not in said


def test_the_badge_is_what_a_run_finds_and_one_run_serves_all_sessions(example):
    badge, other = (gallery.Exhibit(example()).badge for _ in range(2))
    badge.button.clicks += 1
    assert badge.lane.idle.wait(60) and "✓ reproduced" in badge.pane.object
    example.outcome = Check(False, "", {})  # a second run would not hold
    other.button.clicks += 1
    assert other.lane.idle.wait(60) and "✓ reproduced" in other.pane.object
    assert "✗ not reproduced" in verdict(checks.run(lambda: Check(False, "Two is not one.", {})))


def test_the_command_runs_checks_keeps_them_and_says_which_could_not_run(example, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "page_classes", lambda: {"example": example})
    monkeypatch.setattr(checks, "write", lambda slug, record: WRITE(slug, record, tmp_path))
    assert main(["gallery", "check", "--write"]) == 0
    said = capsys.readouterr().out
    assert "example" in said and "✓ reproduced" in said and "1 checks were run, 0 could not be." in said
    record = checks.read("example", tmp_path)
    assert record is not None and record.check == example.outcome
    example.outcome = Check(False, "One is two.", {})
    assert main(["gallery", "check", "example"]) == 0  # a result, not a failure
    assert "✗ not reproduced at this scale" in capsys.readouterr().out
    example.obstacle = RuntimeError("Something else.")
    assert main(["gallery", "check", "example"]) == 1
    assert "! cannot run  RuntimeError: Something else." in capsys.readouterr().out
    assert main(["gallery", "check", "unknown"]) == 2


def test_a_script_and_a_notebook_give_what_is_on_screen(example, capsys):
    exhibit = gallery.Exhibit(example(size=2.0))
    wait_for(exhibit)
    exec(files.to_python(exhibit.page), {})
    table = files.to_csv(exhibit.page, exhibit.picture)
    assert capsys.readouterr().out == f"{table}\n2 <points>.\n"
    cells = json.loads(files.notebook(exhibit.page).content)["cells"]
    assert [cell["cell_type"] for cell in cells] == ["markdown", "code", "markdown", "markdown", "code"]
    names = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec(cell["source"], names)
    assert names["exhibit"].page.values == {"size": 2.0}


def test_the_menu_hands_out_link_code_notebook_and_table(example, monkeypatch):
    sent = []
    monkeypatch.setattr(Courier, "_send_msg", lambda _, message: sent.append(message))
    exhibit = gallery.Exhibit(example(size=2.0))
    wait_for(exhibit)
    assert exhibit.share.courier.query == ""  # a notebook's address is left alone
    exhibit.share.follow_address()
    exhibit.share.follow()
    assert exhibit.share.courier.query == "page=example&size=2.0"
    for item in exhibit.share.menu.items:
        exhibit.share.do(item["label"])
    link, code, notebook, table = sent
    assert link["query"] == "page=example&size=2.0" and "size=2.0" in code["text"]
    assert (notebook["name"], table["name"]) == ("example.ipynb", "example.csv")


def test_a_number_that_is_not_confirmed_is_told():
    stored = Check(True, "", {"one": 1.0, "slope": 2.0, "slope_stderr": 0.1})
    near = Check(True, "", {"one": 1.01, "slope": 2.5, "slope_stderr": 0.1})
    far = Check(True, "", {"one": 1.1, "slope": 2.7, "slope_stderr": 0.1})
    assert checks.differences(stored, near) == []
    assert [words.split()[0] for words in checks.differences(stored, far)] == ["one", "slope"]
    assert "Write them anew" in checks.differences(stored, Check(True, "", {}))[0]
