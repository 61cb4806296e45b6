"""The served page: one session, from the link it was opened with until its visitor has left."""

import dataclasses
from collections.abc import Callable

import panel as pn
import panel_material_ui as pmui

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
    if pn.state.curdoc is not None and pn.state.curdoc.session_context is not None:
        pn.state.on_session_destroyed(release_page(layout.page, explorer.close))
    return layout.page


def _lesson(options: PageOptions) -> tuple[Lesson | None, list[str]]:
    """Return the lesson that a link names, if it does and there is one, and otherwise why not."""
    if not options.lesson:
        return None, []
    try:
        return load_lesson(options.lesson), []
    except ValueError as error:
        return None, [f"{error} (In the link; it was left out.)"]


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
