"""The index of the gallery: a card for each page, those that answer to the words looked for."""

import base64
import html
from pathlib import Path

import panel as pn

from .. import widgets
from . import checks
from .badge import verdict
from .base import GalleryPage


def thumbnail(slug: str, dark: bool, folder: Path = checks.FOLDER) -> str:
    """Return a page's picture as an address that holds it; empty where none was drawn."""
    path = folder / f"{slug}-{'dark' if dark else 'light'}.png"
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}" if path.exists() else ""


def matches(page: type[GalleryPage], words: str) -> bool:
    """Whether each of the words is in what a page says of itself."""
    said = " ".join((page.title, page.paper, page.claim, *page.topics)).casefold()
    return all(word in said for word in words.casefold().split())


def card(page: type[GalleryPage], dark: bool) -> str:
    """Return a page's card as HTML."""
    picture, record = thumbnail(page.slug(), dark), checks.read(page.slug())
    found = html.escape(record.check.sentence) if record else ""
    title, paper, claim = (html.escape(words) for words in (page.title, page.paper, page.claim))
    return (
        f"<a class='card' href='gallery?page={page.slug()}'>"
        + (f"<img src='{picture}' alt='The plots of this page'>" if picture else "")
        + f"<h2>{title}</h2><p class='paper'>{paper}</p><p>{claim}</p>"
        f"<p class='badge' title='{found}'>{verdict(record)}</p>"
        f"<p class='topics'>{html.escape(', '.join(page.topics))}</p></a>"
    )


class Index(pn.viewable.Viewer):
    """All pages, with a field that narrows them down."""

    def __init__(self, pages: dict[str, type[GalleryPage]], notices: list[str], **params):
        """Show them all."""
        super().__init__(**params)
        self._pages, self._dark = list(pages.values()), False
        self.search = widgets.search("Search titles, claims and topics")
        self.alert = widgets.alert()
        widgets.say(self.alert, notices)
        self.cards = widgets.text("", "lr-cards", margin=(6, 10))
        head = "<h1>Papers as live experiments</h1><p>Each claim is checked here: the badge is what was found.</p>"
        self._layout = pn.Column(
            pn.Row(widgets.text(head, "lr-page", margin=(4, 10)), self.search, sizing_mode="stretch_width"),
            self.alert,
            self.cards,
            sizing_mode="stretch_width",
        )
        self.search.param.watch(lambda _: self._draw(), "value_input")
        self._draw()

    def recolour(self, dark: bool) -> None:
        """Show pictures of the dark or the light page."""
        self._dark = dark
        self._draw()

    def _draw(self) -> None:
        found = [card(page, self._dark) for page in self._pages if matches(page, self.search.value_input or "")]
        words = html.escape(self.search.value_input or "")
        nothing = f"<p>No page has all of the words “{words}”. Take some out.</p>"
        self.cards.object = f"<div class='cards'>{''.join(found)}</div>" if found else nothing

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the layout."""
        return self._layout
