"""The served page: one session, from the link it was opened with until its visitor has left."""

import panel as pn
import panel_material_ui as pmui

from . import page_options, screen
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
    shown, notices = screen.decode(query)
    lesson, refusals = _lesson(options)
    if lesson is not None:
        step = lesson.steps[min(options.step, len(lesson.steps)) - 1]
        shown, _ = screen.decode(step.start)

    explorer = Explorer(shown.experiment)
    navigator = Navigator(explorer, shown)
    layout = Layout(navigator, options)
    if lesson is not None:
        layout.guide.open_lesson(LessonPanel(lesson, navigator, options.step))
    # Beside what the experiment may have been refused with.
    explorer.notify([*notices, *odd, *refusals, *layout.notices, *explorer.sentences])
    _turn(navigator, shown)
    if pn.state.curdoc is not None and pn.state.curdoc.session_context is not None:
        pn.state.on_session_destroyed(_release(layout.page, explorer))
    return layout.page


def _lesson(options: PageOptions) -> tuple[Lesson | None, list[str]]:
    """Return the lesson that a link names, if it does and there is one, and otherwise why not."""
    if not options.lesson:
        return None, []
    try:
        return load_lesson(options.lesson), []
    except ValueError as error:
        return None, [f"{error} (In the link; it was left out.)"]


def _turn(navigator: Navigator, shown: Screen) -> None:
    """Show what the screen has beside its experiment: the time at once, another page when this one has loaded."""
    explorer = navigator.explorer
    explorer.state.scrub = shown.scrub
    if shown.page != explorer.pages.page or shown.options:
        # What changes while a page loads may never reach it.
        pn.state.onload(lambda: navigator.show(shown))


def _release(page: pmui.Page, explorer: Explorer):
    """Return a callback that lets go of a session.

    A `pmui.Page` is watched by the process-wide `pn.state` (for its `busy` flag) and would stay alive for ever with all
    it holds; removing its reference watchers is the cure until panel-material-ui does so itself.
    """

    def release(_context) -> None:
        explorer.close()
        private = page._param__private
        for _, watcher in list(private.ref_watchers):
            (watcher.cls if watcher.inst is None else watcher.inst).param.unwatch(watcher)
        private.ref_watchers = []

    return release
