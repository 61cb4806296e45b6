"""Screen: all that a link shows. The experiment, the page, where the time stands, and the options of views.

A preset and a step of a lesson each name a screen by a link; `Navigator` opens it in a session that is under way, goes
back to it, and takes new seeds.
"""

import dataclasses
import random
import re
from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import parse_qsl

import param

import lazyrich as lr

from . import link
from .explorer import Explorer
from .state import State
from .views import PAGES, AbstractView

_FIRST = next(iter(PAGES))
_END = cast(float, State.param.scrub.default)


def slug(kind: type[AbstractView]) -> str:
    """Return a view's name in links: `LearningCurvesView` is learning_curves."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__.removesuffix("View")).lower()


_KINDS = {slug(kind): kind for columns in PAGES.values() for column in columns for kind in column}


@dataclasses.dataclass(frozen=True)
class Screen:
    """What a link shows; `options` has the options of views that are not at their defaults, by kind and name."""

    experiment: lr.Experiment
    page: str = _FIRST
    scrub: float = _END
    options: Mapping[type[AbstractView], Mapping[str, Any]] = dataclasses.field(default_factory=dict)


def decode(query: str) -> tuple[Screen, list[str]]:
    """Return the screen of a query string, and a sentence for each part of it that was left out."""
    experiment, notices = link.decode(query)
    screen = Screen(experiment)
    if link.is_too_long(query):
        return screen, notices
    for name, text in parse_qsl(query.lstrip("?")):
        try:
            screen = _with(screen, name, text)
        except ValueError as error:
            notices.append(f"{error} (In the link; it was left out.)")
    return screen, notices


def _with(screen: Screen, name: str, text: str) -> Screen:
    kind, _, option = name.partition(".")
    if name == "page":
        return dataclasses.replace(screen, page=_one_of(text, name, {page: page for page in PAGES}))
    if name == "scrub":
        return dataclasses.replace(screen, scrub=_fraction(text, name))
    if kind in _KINDS and option in _KINDS[kind].options:
        view = _KINDS[kind]
        choices = {str(value): value for value in cast(param.Selector, view.param[option]).objects}
        chosen = {**screen.options.get(view, {}), option: _one_of(text, name, choices)}
        return dataclasses.replace(screen, options={**screen.options, view: chosen})
    return screen


def _one_of(text: str, name: str, choices: Mapping[str, Any]) -> Any:
    if text not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}; got {text!r}. Pick one of these.")
    return choices[text]


def _fraction(text: str, name: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must be a number from 0 to 1; got {text!r}. Correct it.")
    return value


class Navigator:
    """What is opened in a session: from a link, a preset or a lesson.

    Args:
        explorer: the session's laboratory, which shows the screen's experiment already.
        screen: what the page was opened on.
    """

    def __init__(self, explorer: Explorer, screen: Screen):
        """Start on a screen."""
        self.explorer = explorer
        self.screen = screen
        self.on_open: list[Callable[[], None]] = []

    def open(self, query: str) -> None:
        """Show the screen of a link; what it leaves out is said above the plots."""
        screen, notices = decode(query)
        self.show(screen)
        self.explorer.notify(notices)

    def show(self, screen: Screen) -> None:
        """Show a screen; options of views that it does not name go back to their defaults."""
        self.screen = screen
        explorer = self.explorer
        explorer.state.scrub = screen.scrub
        explorer.experiment = screen.experiment
        for kind in _KINDS.values():
            chosen = screen.options.get(kind, {})
            if chosen or kind in explorer.pages.made:
                defaults = {name: kind.param[name].default for name in kind.options}
                explorer.view(kind).param.update(**{**defaults, **chosen})
        explorer.pages.page = screen.page

    def reset(self) -> None:
        """Go back to what was opened last, with the seed that is on screen."""
        seed = self.explorer.state.seed
        self.show(dataclasses.replace(self.screen, experiment=dataclasses.replace(self.screen.experiment, seed=seed)))

    def new_seed(self) -> None:
        """Draw data and networks anew, and change nothing else."""
        seeds = [random.randrange(10_000) for _ in range(2)]
        self.explorer.state.seed = next(seed for seed in (*seeds, 0, 1) if seed != self.explorer.state.seed)
