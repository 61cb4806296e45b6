"""Kept outputs: a page that has an output as it was written, and is told what has changed, has it as it is now."""

import numpy as np
import pytest
from bokeh.document import Document
from bokeh.models import ColumnDataSource, Div, Range1d, Row
from bokeh.plotting import figure

from lazyrich_dashboard.kept_output import KeptOutput


@pytest.fixture
def output():
    """A document with a plot beside words, and its root."""
    plot = figure(x_range=Range1d(0, 1), y_range=Range1d(0, 1), tags=[1, 2])
    plot.line("x", "y", source=ColumnDataSource({"x": np.arange(3.0), "y": np.zeros(3)}, name="source"))
    image = ColumnDataSource({"image": [np.zeros((2, 3))], "x": [0], "y": [0], "dw": [1], "dh": [1]}, name="pixels")
    plot.image("image", "x", "y", "dw", "dh", source=image)
    return Document(), Row(children=[plot, Div(text="first", name="words")])


@pytest.fixture
def kept(output):
    """What keeps the output, and the document of a page that has been loaded since."""
    document, root = output
    result = KeptOutput(document, root.id)
    document.add_root(root)
    document.hold()  # as Panel does: what changes is sent by it, and not heard of otherwise
    return result, Document.from_json(document.to_json(deferred=False))


def told(kept: KeptOutput, page: Document):
    """What the page has after the message."""
    kept.catch_up().apply_to_document(page)
    return written(page)


def written(document: Document):
    """What a page that loads a document has of it."""
    return Document.from_json(document.to_json(deferred=False)).to_json(deferred=False)["roots"]


def change_all(document: Document, root: Row) -> None:
    plot, words = root.children
    document.get_model_by_name("source").data = {"x": np.arange(5.0), "y": np.ones(5)}
    document.get_model_by_name("pixels").data["image"] = [np.ones((2, 3))]
    plot.x_range.update(start=-1.0, end=7.0)
    plot.tags.append(3)
    words.text = "second"
    root.children = [plot, words, Div(text="new", name="other")]


def test_a_page_with_the_kept_output_has_what_it_is_now_after_one_message(output, kept):
    document, root = output
    keeper, page = kept
    change_all(document, root)
    assert told(keeper, page) == written(document)
    # What comes later finds its models there.
    document.get_model_by_name("other").text = "newer"
    assert not document.models._new_models


def test_each_page_that_is_loaded_anew_is_told_all_and_what_was_put_back_too(output, kept):
    document, root = output
    keeper, page = kept
    again = Document.from_json(page.to_json(deferred=False))
    change_all(document, root)
    told(keeper, page)
    root.children = root.children[:1]
    root.children[0].tags = []
    root.children[0].x_range.update(start=0.0, end=1.0)
    assert told(keeper, again) == written(document)


def test_of_an_output_that_has_not_changed_nothing_is_told(kept):
    keeper, _ = kept
    assert keeper.catch_up().content["events"] == []
