"""Every page of the gallery keeps the same contract, and its claim holds as its badge says."""

import numpy as np
import pytest

from lazyrich_dashboard import gallery
from lazyrich_dashboard.gallery import checks
from lazyrich_dashboard.gallery.base import Picture
from lazyrich_dashboard.marks import column_names

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
