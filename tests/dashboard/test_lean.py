"""Lean: with less work than Panel's, widgets hear of what visitors change and the parts of a page know its root."""

import pytest
from bokeh.document import Document
from bokeh.model import DataModel
from panel.io.state import set_curdoc

from lazyrich_dashboard import widgets
from lazyrich_dashboard.explorer import Explorer
from lazyrich_dashboard.layout import Layout
from lazyrich_dashboard.page_options import PageOptions
from lazyrich_dashboard.screen import Navigator, Screen
from lazyrich_dashboard.state import State
from tests.dashboard.examples import SMALL


@pytest.fixture
def document():
    document = Document()
    with set_curdoc(document):
        yield document


@pytest.mark.parametrize(
    ("make", "changed"),
    [
        (lambda p: widgets.slider(p.depth), {"value", "value_throttled"}),
        (lambda p: widgets.steps(p.width, [16, 32]), {"value", "value_throttled"}),
        (lambda p: widgets.field(p.seeds), {"value", "value_input"}),
        (lambda p: widgets.select(p.activation, "Activation"), {"value"}),
        (lambda p: widgets.switch(p.centred), {"value"}),
        (lambda p: widgets.button("Reset"), set()),
    ],
    ids=["slider", "steps", "field", "select", "switch", "button"],
)
def test_a_widget_listens_to_what_a_visitor_changes_of_it(document, make, changed):
    data = make(State().param).get_root(document).data
    heard = {name for name, listeners in data._callbacks.items() if listeners}
    assert changed <= heard <= changed | {"value"}


def test_every_part_of_a_page_knows_its_root_once(document):
    explorer = Explorer(SMALL)
    Layout(Navigator(explorer, Screen(SMALL)), PageOptions()).page.server_doc(document)
    explorer.close()
    root = document.roots[0]
    parts = [model for model in document.models if isinstance(model, DataModel)]
    assert len(parts) > 30
    assert {tuple(part.tags) for part in parts} == {(f"__ref:{root.id}",)}
