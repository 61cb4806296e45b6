"""Explorer: the laboratory of one session. It ties the controls to the work and the work to the views.

In a notebook cell `Explorer()` is the whole thing, compactly; `lazyrich_dashboard.app` lays the same parts out as a
page. What is on screen always belongs to the controls on screen: a change drops the finite networks of the experiment
before, theory is drawn as soon as it is there, and the networks of the new experiment start once the controls rest.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import panel as pn

import lazyrich as lr

from . import widgets
from .bookmark import NOTHING, Bookmark
from .controls import build_controls
from .deliver import session_deliverer
from .notebook import cell, load_notebook_extension
from .pages import Pages, V
from .playback import Playback
from .results import Snapshot, Theory
from .share import Share
from .state import PRESET, State
from .theme import tokens
from .time_bar import TimeBar
from .views import AbstractView, View
from .work import Work


class Explorer(pn.viewable.Viewer):
    """An interactive laboratory for one experiment.

    Args:
        experiment: where to start.
        bookmark: the page, the time and the options of views to start with.
        views: classes of `lazyrich_dashboard.views` to show in place of all pages, as in (TrainingView,).

    `explorer.experiment` is what is on screen; setting it moves the controls.
    """

    def __init__(
        self,
        experiment: lr.Experiment = PRESET,
        bookmark: Bookmark = NOTHING,
        views: Sequence[type[AbstractView]] = (),
        **params,
    ):
        """Build controls and views and start computing."""
        load_notebook_extension()
        super().__init__(**params)
        self.state = State(experiment, scrub=bookmark.scrub, mode=bookmark.mode)
        self.pages = Pages(self._turn, self._grant, bookmark.options, alone=views, page=bookmark.page)
        deliver = session_deliverer()
        self.share = Share(self, bookmark, deliver)
        self.controls = build_controls(self.state)
        self.sentences: list[str] = []  # above the plots
        self.work = Work(self, deliver)
        self.bar = TimeBar(self.state, on_cancel=self.work.cancel_networks)
        self._playback = Playback(self.bar.player, deliver, self._pictures)
        self._build_layout()
        watched = [name for name in State.param if name not in ("name", "scrub", "mode", "complaint")]
        self.state.param.watch(lambda *_: self._change(), watched)
        self.state.param.watch(lambda *_: self._scrub(), ["scrub", "mode"])
        self.state.param.watch(lambda event: self._complain(event.old, event.new), "complaint")
        # The first theory is drawn before anything is shown: the page opens on a picture.
        try:
            page, experiment = self.pages.page, self.state.experiment  # as the controls make it, and will again
            self.work.compute_now(experiment, self.pages.on(page), page)
            self._playback.cancel()  # until the page has loaded
        except ValueError as error:
            self.refuse(str(error))
        else:
            # Not before the page has loaded: what changes while it loads may never reach it.
            pn.state.onload(lambda: self._begin(experiment))

    @property
    def experiment(self) -> lr.Experiment:
        """The experiment on screen; raises ValueError when the controls make none."""
        return self.state.experiment

    @experiment.setter
    def experiment(self, experiment: lr.Experiment) -> None:
        self.state.load(experiment)

    @property
    def snapshot(self) -> Snapshot | None:
        """What the views show; None before the first theory has come."""
        return self.work.snapshot(self.bar.scrub)

    def view(self, kind: type[V]) -> V:
        """Return the session's view of a kind."""
        return self.pages.view(kind)

    def recolour(self, dark: bool, projected: bool = False) -> None:
        """Draw all views in the colours of the dark or the light page, in the sizes of a screen or a projector."""
        self.pages.recolour(tokens(dark, projected))

    def notify(self, sentences: list[str]) -> None:
        """Show sentences above the plots, or none; they go with the next change."""
        self.sentences = sentences
        widgets.say(self.alert, sentences)

    def close(self) -> None:
        """Stop all work of this session."""
        self.work.cancel()
        self._playback.cancel()
        self.share.close()

    def wait(self, seconds: float = 60.0) -> bool:
        """Wait until theory and networks are on screen (for scripts and notebook cells); say whether they are."""
        return self.work.wait(seconds)

    # Layout

    def _build_layout(self) -> None:
        self.alert = widgets.alert()
        self.grid = self.pages.__panel__()
        above = (self.alert, self.share.row(self.pages.tabs), self.share.pins)
        self.main = pn.Column(*above, self.grid, self.bar, sizing_mode="stretch_both", **widgets.styled("lr-plots"))

    def __panel__(self) -> pn.viewable.Viewable:
        """Return controls and views side by side, for a notebook cell."""
        return cell(self.controls, self.main)

    @contextmanager
    def _one_update(self) -> Iterator[None]:
        """Send all changes made inside as one message; a notebook has to be told to send those of Bokeh models."""
        with pn.io.hold():
            yield
        pn.io.push_notebook(self.main)

    # What happens

    def _begin(self, experiment: lr.Experiment) -> None:
        """Start what the first theory on screen is to be compared with."""
        self._playback.refresh(self.bar.player.position)
        self.work.start(experiment)
        self.share.restore_pins()

    def _change(self) -> None:
        """Drop what belongs to the controls before, and compute the theory of those on screen."""
        self.work.forget_networks()
        self._turn()

    def _grant(self, wish: dict[str, Any]) -> None:
        """Set the controls that a click on a plot asks to change."""
        self.state.param.update(**wish)

    def _complain(self, before: str, now: str) -> None:
        """Say what cannot be taken as it was typed; what has been said since stays."""
        if now or self.sentences == [before]:
            self.notify([now] if now else [])

    def _turn(self) -> None:
        """Compute and draw the page asked for; the networks of the experiment on screen go on."""
        self.notify([])
        self._playback.cancel()
        page = self.pages.page
        try:
            experiment = self.state.experiment
        except ValueError as error:
            self.work.theory_lane.cancel()
            self.work.measure_lane.cancel()
            self.refuse(str(error))
            return
        self.work.compute(experiment, self.pages.on(page), page)  # views are made here: HoloViews is not thread-safe

    # What `Work` asks for

    def refuse(self, sentence: str) -> None:
        """Put a sentence where the plots were; they come back with the next experiment that makes sense."""
        self.notify([sentence])
        self.grid.visible = False
        self.bar.report("", running=False)

    def report(self, words: str, *, running: bool, done: float = 0.0) -> None:
        """Say in the time bar what is being computed."""
        self.bar.report(words, running=running, done=done)

    def take_theory(self, page: str, theory: Theory) -> None:
        """Draw a page whose theory is new."""
        self.grid.visible = True
        with self._one_update():
            at = self._draw()
            self.pages.show(page)
            self._playback.restart(at, theory)

    def take_results(self) -> None:
        """Draw what has come since."""
        with self._one_update():
            self._playback.refresh(self._draw())

    def _scrub(self) -> None:
        with self._one_update():
            self.bar.player.note_drawn(self._draw())

    def _draw(self) -> int:
        """Update the views on screen, and return the grid time at which."""
        for view, snapshot in self._snapshots().items():
            view.update(snapshot)
        self.share.follow()
        return self.bar.player.position

    def _snapshots(self) -> dict[AbstractView, Snapshot]:
        """Return what each view on screen shows, the mode and what has been pinned included."""
        mode = self.state.mode
        return {
            view: dataclasses.replace(snapshot, pinned=self.share.pins.of(type(view)), mode=mode)
            for view, snapshot in self.work.snapshots(self.bar.scrub).items()
        }

    def _pictures(self) -> Iterator[tuple[View, Snapshot]]:
        """Yield the plots on screen, each with what it shows."""
        for view in self.work.predicted:
            if view.shown is not None and view.shown.snapshot is not None:
                yield view.shown, view.shown.snapshot
