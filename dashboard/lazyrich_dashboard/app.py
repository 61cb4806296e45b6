"""The served page: one session, from the link it was opened with until its visitor has left."""

import dataclasses
from collections.abc import Callable

import panel as pn
import panel_material_ui as pmui
from bokeh.document import Document
from bokeh.io.state import curstate

from . import bookmark, page_options, screen
from .explorer import Explorer
from .layout import TITLE as TITLE
from .layout import Layout
from .lesson_panel import LessonPanel
from .lessons import Lesson, load_lesson
from .page_options import PageOptions
from .screen import Navigator, Screen


def create_app() -> pmui.Page:
    """Return the page of a new session."""
    pn.extension(notifications=False)
    query = pn.state.location.search if pn.state.location else ""
    options, odd = page_options.decode(query)
    experiment, mark, notices = bookmark.decode(query)
    lesson, refusals = _lesson(options)
    if lesson is not None:
        step = lesson.steps[min(options.step, len(lesson.steps)) - 1]
        start, _ = screen.decode(step.start)
        experiment, mark = start.experiment, dataclasses.replace(start.bookmark, others=mark.others)

    explorer = Explorer(experiment, mark)
    explorer.share.follow_address()
    navigator = Navigator(explorer, Screen(experiment, mark))
    layout = Layout(navigator, options)
    if lesson is not None:
        layout.guide.open_lesson(LessonPanel(lesson, navigator, options.step))
    # Beside what the experiment may have been refused with.
    explorer.notify([*notices, *odd, *refusals, *layout.notices, *explorer.sentences])
    explorer.bar.player.takes_page_keys = True
    tie_to_session(layout.page, explorer.close)
    return layout.page


def _lesson(options: PageOptions) -> tuple[Lesson | None, list[str]]:
    """Return the lesson that a link names, if it does and there is one, and otherwise why not."""
    if not options.lesson:
        return None, []
    try:
        return load_lesson(options.lesson), []
    except ValueError as error:
        return None, [f"{error} (In the link; it was left out.)"]


def tie_to_session(page: pmui.Page, close: Callable[[], None]) -> None:
    """Let a page end with its session, whose own work `close` ends.

    A `pmui.Page` watches the `busy` flag of the whole process, even with no indicator of it. So the process would hold
    every page for ever with all it has, and each event of any session would update the pages of all; removing the
    reference watchers is the cure until panel-material-ui has one.
    """
    private = page._param__private
    for _, watcher in list(private.ref_watchers):
        (watcher.cls if watcher.inst is None else watcher.inst).param.unwatch(watcher)
    private.ref_watchers = []
    document = pn.state.curdoc
    if document is not None and document.session_context is not None:

        def leave(_: object) -> None:
            close()
            _forget(document)

        pn.state.on_session_destroyed(leave)


def _forget(document: Document) -> None:
    """Let go of a session's document where Bokeh has it as the current one outside of sessions.

    A callback that fails leaves its document as the current one (bokeh.io.doc.patch_curdoc, seen in 3.9.2), and Panel
    sets what was current before it made a page (panel.io.handlers.run_app, seen in 1.9.4).
    """
    if curstate().document is document:
        curstate().document = Document()
