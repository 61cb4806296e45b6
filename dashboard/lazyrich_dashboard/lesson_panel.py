"""Lesson panel: a lesson beside the plots, one step at a time: predict, then move."""

import html
from urllib.parse import urlencode

import panel as pn

from . import widgets
from .lessons import Lesson, Step
from .screen import Navigator
from .texts import rendered


class LessonPanel(pn.viewable.Viewer):
    """A lesson under way: a click on a choice commits to it, and moves the screen.

    Args:
        lesson: what is taught.
        navigator: moves the screen.
        number: the step to start with, from 1; one beyond the last is the last.
    """

    def __init__(self, lesson: Lesson, navigator: Navigator, number: int = 1, **params):
        """Show a step; the screen is moved by `enter`, which the page may have done already."""
        super().__init__(**params)
        self.lesson, self._navigator = lesson, navigator
        self.number = min(number, len(lesson.steps))
        self._heading = widgets.text("", "lr-guide")
        self._body = pn.Column(sizing_mode="stretch_width", margin=0)
        self.back = widgets.button("Back", variant="outlined")
        self.next = widgets.button("Next")
        self.back.on_click(lambda _: self._go(self.number - 1))
        self.next.on_click(lambda _: self._go(self.number + 1))
        self._link = widgets.text("", "lr-guide", margin=(8, 8))
        self._layout = pn.Column(
            self._heading, self._body, pn.Row(self.back, self.next, self._link), sizing_mode="stretch_width", margin=0
        )
        self._show()

    @property
    def step(self) -> Step:
        """The step on screen."""
        return self.lesson.steps[self.number - 1]

    def enter(self) -> None:
        """Move the screen to where the step starts."""
        self._navigator.open(self.step.start)

    def commit(self, index: int) -> None:
        """Take the choice of that index, move the screen, and say whether it was right and why."""
        step = self.step
        for button in self.choices:
            button.disabled = True
        self._navigator.open(step.move)
        right = step.choices[step.right]
        verdict = "You were right." if index == step.right else f"You said: {step.choices[index]}. It is: {right}."
        answer = rendered(step.look) + f"<p><b>{html.escape(verdict)}</b></p>" + rendered(step.answer)
        self.result.object = f"<div role='status'>{rendered(step.doing)}{answer}</div>"

    def _go(self, number: int) -> None:
        self.number = number
        with pn.io.hold():
            self._show()
        self.enter()

    def _show(self) -> None:
        step, count = self.step, len(self.lesson.steps)
        title = html.escape(self.lesson.title)
        introduction = rendered(self.lesson.text) if self.number == 1 else ""
        place = f"<h3>{self.number} of {count}: {html.escape(step.title)}</h3>"
        self._heading.object = f"<h2>{title}</h2>{introduction}{place}{rendered(step.text)}"
        self.choices = [widgets.choice(words) for words in step.choices]
        for index, button in enumerate(self.choices):
            button.on_click(lambda _, index=index: self.commit(index))
        question = widgets.text(f"<p><b>{html.escape(step.question)}</b></p>", "lr-guide", margin=(8, 10, 0, 10))
        self.result = widgets.text("<div role='status'></div>", "lr-guide")
        self._body[:] = [question, *self.choices, self.result]
        self.back.disabled, self.next.disabled = self.number == 1, self.number == count
        place = {"lesson": self.lesson.name, "step": str(self.number)}
        self._link.object = f"<a href='?{urlencode(place)}'>Link to this step</a>"
        self._navigator.explorer.share.remember(**place)  # so that a reload comes back to it

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the layout."""
        return self._layout
