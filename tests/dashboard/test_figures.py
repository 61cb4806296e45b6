"""Figures: what is copied is what HoloViews drew, in models of its own."""

import weakref
from collections import Counter

import numpy as np
import pytest
from bokeh.document import Document
from bokeh.io import doc

from lazyrich_dashboard import figures
from lazyrich_dashboard.figures import named_renderers, new_figure
from lazyrich_dashboard.images import _empty_mosaic
from lazyrich_dashboard.views import TrainingView

TRAINING = (TrainingView.parts, TrainingView.x, TrainingView.y, 0)


def models(figure):
    """How many models of each kind a figure has."""
    return Counter(type(model) for model in figure.references())


@pytest.mark.parametrize(("make", "arguments"), [(new_figure, TRAINING), (_empty_mosaic, ())], ids=["view", "images"])
def test_a_copy_is_what_was_drawn_and_shares_nothing_with_other_copies(make, arguments):
    drawn, first, second = make.__wrapped__(*arguments), make(*arguments), make(*arguments)
    assert models(first) == models(second) == models(drawn)
    assert {name: type(part.glyph) for name, part in named_renderers(first).items()} == {
        name: type(part.glyph) for name, part in named_renderers(drawn).items()
    }
    ids = [{model.id for model in figure.references()} for figure in (drawn, first, second)]
    assert not (ids[0] & ids[1] or ids[0] & ids[2] or ids[1] & ids[2])
    name = next(iter(named_renderers(first)))
    named_renderers(first)[name].data_source.data = {"x": np.arange(3.0), "y": np.arange(3.0)}
    assert len(named_renderers(second)[name].data_source.data["x"]) != 3


def test_changes_inside_a_copy_are_noticed():
    """Lists and columns are Bokeh's own kind, which a document is told of; plain ones would change in silence."""
    document, figure = Document(), new_figure(*TRAINING)
    document.add_root(figure)
    changed = []
    document.on_change(lambda event: changed.append(event.attr if hasattr(event, "attr") else "data"))
    figure.renderers.append(figure.renderers[0])
    figure.tags.append("more")
    next(iter(named_renderers(figure).values())).data_source.data["x"] = np.zeros(0)
    assert {"renderers", "tags", "data"} <= set(changed)


def test_holoviews_draws_once(monkeypatch):
    new_figure(*TRAINING)
    monkeypatch.setattr(figures, "rendered", None)  # it would be called
    assert set(named_renderers(new_figure(*TRAINING))) >= {part.label for part in TrainingView.parts}


def test_a_figure_is_drawn_while_the_current_document_is_one_that_has_gone(monkeypatch):
    gone = weakref.ref(Document())
    monkeypatch.setattr(doc, "_PATCHED_CURDOCS", [gone])
    with pytest.raises(RuntimeError, match="destroyed"):
        doc.curdoc()
    assert named_renderers(new_figure.__wrapped__(*TRAINING))
