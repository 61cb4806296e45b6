"""Which view answers which question: a table made of what the views say of themselves."""

import html
from collections.abc import Iterable
from typing import cast
from urllib.parse import urlencode

import panel as pn

from .. import widgets
from ..views import PAGES, AbstractView, View
from ..views.chosen import ChosenView
from ..views.function import FunctionView
from ..views.function_on_plane import FunctionOnPlaneView
from ..views.function_space import FunctionSpaceView, ModesView

# A view that shows one of others, according to the data; of a `ChosenView` it says itself which.
_STANDS_FOR: dict[type[AbstractView], tuple[type[View], ...]] = {
    FunctionSpaceView: (FunctionView, FunctionOnPlaneView, ModesView)
}


def questions() -> list[tuple[str, str, str]]:
    """Return question, view and the tab that it stands on, for every view."""
    places = [(tab, place) for tab, columns in PAGES.items() for column in columns for place in column]
    return [(view.question, view.title, tab) for tab, place in places for view in shown(place)]


def shown(place: type[AbstractView]) -> Iterable[type[View]]:
    """Return the plots that may stand in the place of a view on its page."""
    if issubclass(place, ChosenView):
        return place.kinds.values()
    return _STANDS_FOR.get(place) or (cast(type[View], place),)


def question_page(laboratory: str) -> pn.viewable.Viewable:
    """Return the table as a page, whose links lead to the tabs of the laboratory at an address."""
    rows = "".join(_row(laboratory, *row) for row in questions())
    table = f"<table><tr><th>Question</th><th>View</th><th>Tab of the laboratory</th></tr>{rows}</table>"
    return pn.Column(
        widgets.text("<h1>Which view answers which question?</h1>", "lr-page", margin=(4, 10)),
        widgets.text(table, "lr-table", margin=(6, 10)),
        sizing_mode="stretch_width",
    )


def _row(laboratory: str, question: str, view: str, tab: str) -> str:
    address = f"{laboratory}?{urlencode({'page': tab})}"
    link = f"<a href='{html.escape(address)}'>{html.escape(tab)}</a>"
    return f"<tr><td>{html.escape(question)}</td><td>{html.escape(view)}</td><td>{link}</td></tr>"
