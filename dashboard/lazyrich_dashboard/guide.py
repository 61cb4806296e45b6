"""Guide: the panel beside the plots with the named phenomena and the lessons."""

import html

import panel as pn

from . import widgets
from .lesson_panel import LessonPanel
from .lessons import FOLDER, load_lesson
from .lessons import lesson_names as names_in
from .presets import Preset, load_presets
from .screen import Navigator
from .texts import rendered


class Guide(pn.viewable.Viewer):
    """What to look at, for those who come without a question of their own.

    Args:
        navigator: moves the screen.

    It is closed at first, and filled when it is opened: most sessions never do.
    """

    def __init__(self, navigator: Navigator, **params):
        """Start closed."""
        super().__init__(**params)
        self._navigator = navigator
        self.lesson: LessonPanel | None = None
        size = {"width": 310, "sizing_mode": "stretch_height", "scroll": "y-auto", "margin": 0}
        self.panel = pn.Column(visible=False, **size, **widgets.styled("lr-guide"))

    @property
    def is_open(self) -> bool:
        """Whether it is on screen."""
        return self.panel.visible

    def toggle(self) -> None:
        """Open or close it; a lesson under way stays."""
        self.panel.visible = not self.is_open  # first, as the page makes room by it
        if self.is_open and not len(self.panel):
            self.list_all()

    def open_lesson(self, lesson: LessonPanel) -> None:
        """Show a lesson."""
        self.lesson = lesson
        back = widgets.button("All phenomena and lessons", variant="text")
        back.on_click(lambda _: self.list_all())
        self.panel[:] = [back, lesson]
        self.panel.visible = True

    def list_all(self) -> None:
        """Show the lists of lessons and phenomena, or why one of them cannot be read."""
        if self.lesson is not None:
            self._navigator.explorer.share.remember(lesson=None, step=None)
        self.lesson = None
        self.panel[:] = [_heading("Lessons"), *self._lessons(), _heading("Phenomena"), *self._presets()]

    def _lessons(self) -> list[pn.viewable.Viewable]:
        items = []
        for name in names_in(FOLDER):
            try:
                lesson = load_lesson(name)
            except ValueError as error:
                items.append(_text(f"<p>{html.escape(str(error))}</p>"))
                continue
            start = widgets.button(lesson.title, variant="outlined")
            start.on_click(lambda _, lesson=lesson: self._start(LessonPanel(lesson, self._navigator)))
            items += [start, _text(rendered(lesson.text))]
        return items

    def _start(self, lesson: LessonPanel) -> None:
        with pn.io.hold():
            self.open_lesson(lesson)
        lesson.enter()

    def _presets(self) -> list[pn.viewable.Viewable]:
        try:
            presets = load_presets()
        except ValueError as error:
            return [_text(f"<p>{html.escape(str(error))}</p>")]
        return [item for preset in presets for item in self._preset(preset)]

    def _preset(self, preset: Preset) -> list[pn.viewable.Viewable]:
        show = widgets.button(preset.title, variant="outlined")
        show.on_click(lambda _: self._navigator.open(preset.link))
        question = f"<p><em>{html.escape(preset.question)}</em></p>"
        return [show, _text(f"{rendered(preset.text)}{question}")]

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the layout."""
        return self.panel


def _heading(title: str) -> pn.pane.HTML:
    return widgets.text(f"<h2>{title}</h2>", "lr-group", margin=(8, 10, 2, 10))


def _text(written: str) -> pn.pane.HTML:
    return widgets.text(written, "lr-guide", margin=(0, 10, 6, 10))
