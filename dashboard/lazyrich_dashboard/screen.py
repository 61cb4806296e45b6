"""Screen: all that a link shows, and the way from one to another.

A preset and a step of a lesson each name a screen by a link; `Navigator` opens it in a session that is under way, goes
back to it, and takes new seeds.
"""

import dataclasses
import random

import lazyrich as lr

from . import bookmark
from .bookmark import NOTHING, Bookmark
from .explorer import Explorer


@dataclasses.dataclass(frozen=True)
class Screen:
    """What a link shows: an experiment, and the bookmark with page, time and options of views."""

    experiment: lr.Experiment
    bookmark: Bookmark = NOTHING


def decode(query: str) -> tuple[Screen, list[str]]:
    """Return the screen of a query string, and a sentence for each part of it that was left out."""
    experiment, mark, notices = bookmark.decode(query)
    return Screen(experiment, mark), notices


class Navigator:
    """What is opened in a session: from a link, a preset or a lesson.

    Args:
        explorer: the session's laboratory, which shows the screen already.
        screen: what the page was opened on.
    """

    def __init__(self, explorer: Explorer, screen: Screen):
        """Start on a screen."""
        self.explorer = explorer
        self.screen = screen

    def open(self, query: str) -> None:
        """Show the screen of a link; what it leaves out is said above the plots."""
        screen, notices = decode(query)
        self.show(screen)
        self.explorer.notify(notices)

    def show(self, screen: Screen) -> None:
        """Show a screen; options of views that it does not name go back to their defaults."""
        self.screen = screen
        explorer, mark = self.explorer, screen.bookmark
        explorer.state.param.update(scrub=mark.scrub, mode=mark.mode)
        explorer.experiment = screen.experiment
        for kind in {**explorer.pages.views, **mark.options}:
            defaults = {name: kind.param[name].default for name in kind.linked()}
            explorer.view(kind).param.update(**{**defaults, **mark.options.get(kind, {})})
        explorer.pages.page = mark.page

    def reset(self) -> None:
        """Go back to what was opened last, with the seed that is on screen."""
        seed = self.explorer.state.seed
        self.show(dataclasses.replace(self.screen, experiment=dataclasses.replace(self.screen.experiment, seed=seed)))

    def new_seed(self) -> None:
        """Draw data and networks anew, and change nothing else."""
        seeds = [random.randrange(10_000) for _ in range(2)]
        self.explorer.state.seed = next(seed for seed in (*seeds, 0, 1) if seed != self.explorer.state.seed)
