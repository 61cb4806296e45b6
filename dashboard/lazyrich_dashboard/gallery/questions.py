"""Which view answers which question: a table made of what the views say of themselves."""

import html

import panel as pn

from .. import widgets
from ..views import PAGES, AbstractView, View
from ..views.function import FunctionView
from ..views.function_space import FunctionSpaceView, ModesView

# A view that shows one of others, according to the data.
_STANDS_FOR: dict[type[AbstractView], tuple[type[View], ...]] = {FunctionSpaceView: (FunctionView, ModesView)}


def questions() -> list[tuple[str, str, str]]:
    """Return question, view and the tab that it stands on, for every view."""
    rows = []
    for tab, columns in PAGES.items():
        for kind in (kind for column in columns for kind in column):
            shown = _STANDS_FOR.get(kind, (kind,))
            rows += [(view.question, view.title, tab) for view in shown if issubclass(view, View)]
    return rows


def question_page() -> pn.viewable.Viewable:
    """Return the table as a page."""
    cells = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in questions())
    table = f"<table><tr><th>Question</th><th>View</th><th>Tab of the laboratory</th></tr>{cells}</table>"
    return pn.Column(
        widgets.text("<h1>Which view answers which question?</h1>", "lr-page", margin=(4, 10)),
        widgets.text(table, "lr-table", margin=(6, 10)),
        sizing_mode="stretch_width",
    )
