"""The served page: one session's `Explorer` with its controls in a side bar."""

from collections.abc import Callable

import panel as pn
import panel_material_ui as pmui

from . import bookmark, widgets
from .explorer import Explorer

TITLE = "lazyrich"


def create_app() -> pmui.Page:
    """Return the page of a new session."""
    pn.extension(notifications=False)
    experiment, mark, notices = bookmark.decode(pn.state.location.search if pn.state.location else "")
    explorer = Explorer(experiment, mark)
    explorer.share.follow_address()
    explorer.notify([*notices, *explorer.sentences])  # beside what the experiment may have been refused with
    page = pmui.Page(
        title=TITLE,
        sidebar=list(explorer.controls),
        main=[explorer.main],
        header=[widgets.links({"Gallery of papers": "gallery"})],
        sidebar_width=300,
        busy_indicator=None,
        sx={"& .MuiToolbar-root": {"minHeight": "44px !important"}},
    )
    explorer.bar.player.takes_page_keys = True
    page.param.watch(lambda event: explorer.recolour(event.new), "dark_theme")
    explorer.recolour(page.dark_theme)
    if pn.state.curdoc is not None and pn.state.curdoc.session_context is not None:
        pn.state.on_session_destroyed(release_page(page, explorer.close))
    return page


def release_page(page: pmui.Page, close: Callable[[], None]):
    """Return a callback that lets go of a session, whose own work `close` ends.

    A `pmui.Page` is watched by the process-wide `pn.state` (for its `busy` flag) and would stay alive for ever with all
    it holds; removing its reference watchers is the cure until panel-material-ui does so itself.
    """

    def release(_context) -> None:
        close()
        private = page._param__private
        for _, watcher in list(private.ref_watchers):
            (watcher.cls if watcher.inst is None else watcher.inst).param.unwatch(watcher)
        private.ref_watchers = []

    return release
