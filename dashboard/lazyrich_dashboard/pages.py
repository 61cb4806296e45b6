"""Pages: the views of a session, those that stand together on one page, and the tabs that turn to another.

A view is made at its first use and kept. A page is shown when there is something to draw on it, so that no picture of
controls before comes up with it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import panel as pn
import param

from . import widgets
from .theme import LIGHT, Tokens
from .views import PAGES, AbstractView

V = TypeVar("V", bound=AbstractView)


class Pages(pn.viewable.Viewer):
    """The views of one session.

    Args:
        on_change: called when another page or another option of a view is asked for.
        on_wish: called with the controls that a click on a plot asks to change.
        options: what views start with, where that is not their defaults.
        alone: kinds of view that stand beside one another on the only page; by default there are all pages.
    """

    page = param.Selector(default=next(iter(PAGES)), objects=list(PAGES), doc="The page asked for.", label="Page")

    def __init__(
        self,
        on_change: Callable[[], None],
        on_wish: Callable[[dict], None],
        options: Mapping[type[AbstractView], Mapping[str, Any]] | None = None,
        alone: Sequence[type[AbstractView]] = (),
        **params,
    ):
        """Start with nothing to show."""
        super().__init__(**params)
        self._columns = {self.page: tuple((kind,) for kind in _checked(alone))} if alone else PAGES
        self._on_change, self._on_wish = on_change, on_wish
        self._options = options or {}
        self.views: dict[type[AbstractView], AbstractView] = {}  # those made so far
        self._pages: dict[str, pn.Row] = {}
        self._shown = ""
        self._tokens = LIGHT
        self.tabs = widgets.tabs(self.param.page)
        self.tabs.visible = not alone
        self._layout = pn.Column(sizing_mode="stretch_both", min_height=500, margin=0, **widgets.styled("lr-grid"))
        self.param.watch(lambda _: on_change(), "page")

    def view(self, kind: type[V]) -> V:
        """Return the session's view of a kind."""
        if kind not in self.views:
            view = self.views[kind] = kind(**self._options.get(kind, {}))
            view.recolour(self._tokens)
            view.param.watch(lambda event: self._on_wish(event.new), "wish")
            if view.options:
                view.param.watch(lambda *_: self._on_change(), list(view.options))
        return self.views[kind]  # pyright: ignore[reportReturnType]

    def on(self, page: str) -> list[AbstractView]:
        """Return the views of a page."""
        return [self.view(kind) for column in self._columns[page] for kind in column]

    def on_screen(self) -> dict[type[AbstractView], AbstractView]:
        """Return the views on screen by their kind; none before the first page is shown."""
        columns = self._columns[self._shown] if self._shown else ()
        return {kind: self.view(kind) for column in columns for kind in column}

    def show(self, page: str) -> None:
        """Put a page on screen."""
        if page == self._shown:
            return
        if page not in self._pages:
            columns = [_column([self.view(kind) for kind in column]) for column in self._columns[page]]
            self._pages[page] = pn.Row(*columns, sizing_mode="stretch_both", margin=0, **widgets.styled("lr-columns"))
        self._shown = page
        self._layout[:] = [self._pages[page]]

    def recolour(self, tokens: Tokens) -> None:
        """Draw all views, those to come too, in the colours of the page's theme."""
        self._tokens = tokens
        for view in self.views.values():
            view.recolour(tokens)

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the place of the page on screen."""
        return self._layout


def _column(views: list[AbstractView]) -> pn.Column:
    """Return views below one another."""
    styled = widgets.styled(f"lr-column-{len(views)}")
    if any(view.is_tall for view in views):
        styled["css_classes"].append("lr-tall")
    return pn.Column(*views, sizing_mode="stretch_both", margin=0, **styled)


def _checked(kinds: Sequence[type[AbstractView]]) -> Sequence[type[AbstractView]]:
    """Return the kinds of view, or say which is none."""
    for kind in kinds:
        if not (isinstance(kind, type) and issubclass(kind, AbstractView)):
            raise ValueError(
                f"views must be classes of lazyrich_dashboard.views, as in (TrainingView,); got {kind!r}. Name some."
            )
    return kinds
