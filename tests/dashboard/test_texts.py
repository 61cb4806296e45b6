"""Texts: every view has one that says why, and every formula in them is drawn."""

import html
import re
import xml.etree.ElementTree as ET

import pytest

from lazyrich_dashboard import texts, widgets
from lazyrich_dashboard.gallery.questions import shown
from lazyrich_dashboard.views import PAGES, View
from lazyrich_dashboard.views.own_points import OwnPointsView

VIEWS: list[type[View]] = [
    kind for page in PAGES.values() for column in page for place in column for kind in shown(place)
]


@pytest.mark.parametrize("kind", [*VIEWS, OwnPointsView])
def test_every_view_says_its_formula_its_source_and_what_to_look_for(kind):
    text = kind.why()
    assert "<math" in text and 'display="block"' in text
    assert "<strong>Source.</strong>" in text
    assert "<strong>What to look for.</strong>" in text


@pytest.mark.parametrize("path", sorted(texts.WHY.glob("*.md")), ids=lambda path: path.stem)
def test_every_formula_of_a_text_is_drawn(path):
    text = path.read_text()
    formulas = re.findall(r"<math.*?</math>", texts.rendered(text), re.DOTALL)
    assert len(formulas) == text.count("$$") / 2 + (text.count("$") - 2 * text.count("$$")) / 2
    for formula in formulas:
        words = "".join(ET.fromstring(formula).itertext())
        assert words and "\\" not in words, words  # a command that is not known is left as it is


def test_a_text_is_shown_as_it_is_written_but_for_its_formulas():
    text = texts.rendered("a **b** $x^2$ <img src=x>\n\n$$\\frac{1}{n}$$")
    assert "<strong>b</strong>" in text and "<msup>" in text and "<mfrac>" in text
    assert "&lt;img" in text


def test_a_view_without_a_text_has_none():
    assert texts.why("no such view") == ""


def test_a_text_that_changes_sends_no_style_sheets():
    pane = widgets.text("before", "lr-page")
    model = pane.get_root()
    sheets = model.stylesheets
    pane.object = "after & <b>later</b>"
    assert html.unescape(model.text) == "after & <b>later</b>"
    assert model.stylesheets is sheets
