"""The served gallery: `gallery` is the index, `gallery?page=grokking` a page of it, beside `gallery?page=questions`."""

from collections.abc import Callable
from urllib.parse import parse_qs

import panel as pn
import panel_material_ui as pmui

from .. import lean, link, widgets
from ..app import TITLE, tie_to_session
from . import page_classes
from .exhibit import Exhibit
from .index import Index
from .links import decode
from .questions import question_page

NAME = "gallery"
_QUESTIONS = "questions"


def create_gallery() -> pmui.Page:
    """Return the page of a new session."""
    pn.extension(notifications=False)
    query = pn.state.location.search if pn.state.location else ""
    asked = parse_qs(query.lstrip("?")).get("page", [""])[0]
    pages = page_classes()
    if asked in pages:
        return _exhibit_page(*decode(query, pages[asked]))
    if asked == _QUESTIONS:
        return _page([question_page(TITLE)])
    names = ", ".join([*pages, _QUESTIONS])
    notice = f"The pages of the gallery are {names}; got {asked!r}. Choose one below."
    index = Index(pages, [notice] if asked else [])
    page = _page([index])
    page.param.watch(lambda event: index.recolour(event.new), "dark_theme")
    index.recolour(page.dark_theme)
    return page


def _exhibit_page(shown, notices: list[str]) -> pmui.Page:
    exhibit = Exhibit(shown, notices)
    exhibit.share.follow_address()
    laboratory = f"{TITLE}?{link.encode(shown.experiment)}" if shown.experiment is not None else TITLE
    page = _page([exhibit.main], list(exhibit.controls), laboratory, exhibit.close)
    page.param.watch(lambda event: exhibit.recolour(event.new), "dark_theme")
    exhibit.recolour(page.dark_theme)
    return page


def _page(
    main: list, sidebar: list | None = None, laboratory: str = TITLE, close: Callable[[], None] = lambda: None
) -> pmui.Page:
    """Return a page that lets go of its session, whose work `close` ends."""
    places = {"All papers": NAME, "Which view answers which question?": f"{NAME}?page={_QUESTIONS}"}
    page = lean.page(
        title=f"{TITLE}: gallery",
        sidebar=sidebar or [],
        main=main,
        header=[widgets.links({**places, "To the laboratory": laboratory})],
        sidebar_width=300,
        busy_indicator=None,
        sx={"& .MuiToolbar-root": {"minHeight": "44px !important"}},
    )
    tie_to_session(page, close)
    return page
