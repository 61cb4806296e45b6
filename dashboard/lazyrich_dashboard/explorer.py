"""Explorer: the laboratory of one session. It ties the controls to the work and the work to the views.

In a notebook cell `Explorer()` is the whole thing, compactly; `lazyrich_dashboard.app` lays the same parts out as a
page. What is on screen always belongs to the controls on screen: a change drops the finite networks of the experiment
before, theory is drawn as soon as it is there, and the networks of the new experiment start once the controls rest.
"""

import dataclasses
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import panel as pn

import lazyrich as lr

from . import widgets
from .controls import build_controls
from .jobs import NETWORKS, THEORY, Latest, NotebookLoop, session_deliverer
from .pages import Pages, V
from .results import Frame, Snapshot, Theory, frames, theory
from .state import PRESET, State
from .theme import tokens
from .views import AbstractView
from .views.base import predicted

Predictions = dict[AbstractView, Any]

_REST_SECONDS = 0.4


def _compute(experiment: lr.Experiment, views: list[AbstractView]) -> tuple[Theory, Predictions]:
    """Return the theory of an experiment, and what views predict beside it."""
    return theory(experiment), {view: predicted(view, experiment) for view in views}


def _load_notebook_extension() -> None:
    """Load Panel into a notebook that has not done so, from this machine: a notebook may be offline."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if getattr(shell, "kernel", None) is not None and not pn.extension._loaded:
        pn.extension(inline=True)


class Explorer(pn.viewable.Viewer):
    """An interactive laboratory for one experiment.

    Args:
        experiment: where to start.

    `explorer.experiment` is what is on screen; setting it moves the controls.
    """

    def __init__(self, experiment: lr.Experiment = PRESET, **params):
        """Build controls and views and start computing."""
        _load_notebook_extension()
        super().__init__(**params)
        self.state = State(experiment)
        self.pages = Pages(on_change=self._turn, on_wish=self._grant)
        self.controls = build_controls(self.state)
        self._theory: Theory | None = None
        self._frames: tuple[Frame, ...] = ()
        self._trained: lr.Experiment | None = None  # the experiment whose networks were asked for last
        self._predicted: Predictions = {}
        self._measured: dict[AbstractView, tuple[Any, ...]] = {}
        self._started = 0.0
        self.sentences: list[str] = []  # above the plots
        self._deliver = session_deliverer()
        self.theory_lane = Latest(THEORY, self._deliver)
        self.networks_lane, self.measure_lane = (Latest(NETWORKS, self._deliver) for _ in range(2))
        self._build_layout()
        watched = [name for name in State.param if name not in ("name", "scrub", "complaint")]
        self.state.param.watch(lambda *_: self._change(), watched)
        self.state.param.watch(lambda _: self._draw(), "scrub")
        self.state.param.watch(lambda event: self.notify([event.new] if event.new else []), "complaint")
        # The first theory is drawn before anything is shown: the page opens on a picture, and a notebook's channel,
        # which may deliver out of order until it is open, has no new models to carry.
        try:
            page = self.pages.page
            self._show(*_compute(experiment, self.pages.on(page)), page)
        except ValueError as error:
            self._refuse(str(error))
        else:
            # Not before the page has loaded: what changes while it loads may never reach it.
            pn.state.onload(lambda: self._start(experiment))

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
        return None if self._theory is None else Snapshot(self._theory, self._frames, self.state.scrub)

    def view(self, kind: type[V]) -> V:
        """Return the session's view of a kind."""
        return self.pages.view(kind)

    def recolour(self, dark: bool, projected: bool = False) -> None:
        """Draw all views in the colours of the dark or the light page, in the sizes of a screen or a projector."""
        self.pages.recolour(tokens(dark, projected))

    def notify(self, sentences: list[str]) -> None:
        """Show sentences above the plots, or none; they go with the next change."""
        self.sentences = sentences
        self.alert.param.update(object="\n\n".join(map(widgets.plain, sentences)), visible=bool(sentences))

    def close(self) -> None:
        """Stop all work of this session."""
        self.theory_lane.cancel()
        self.networks_lane.cancel()
        self.measure_lane.cancel()

    def wait(self, seconds: float = 60.0) -> bool:
        """Wait until theory and networks are on screen (for scripts and notebook cells); say whether they are."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if isinstance(self._deliver, NotebookLoop):
                self._deliver.run_waiting()  # a cell that waits keeps the kernel's loop from doing so
            lanes = (self.theory_lane, self.networks_lane, self.measure_lane, self.theory_lane)
            if all(lane.idle.wait(0.05) for lane in lanes):
                return True
        return False

    # Layout

    def _build_layout(self) -> None:
        self.alert = widgets.alert()
        self.time_label = widgets.text("", "lr-time", width=110, sizing_mode=None, margin=(10, 8))
        self.progress = widgets.progress()
        self.status = widgets.text("", "lr-status", width=230, sizing_mode=None, margin=(6, 8))
        self.cancel_button = widgets.button("Cancel", variant="outlined")
        self.cancel_button.on_click(lambda _: self._cancel())
        bar = pn.Row(
            self.time_label,
            widgets.time_slider(self.state.param.scrub),
            self.progress,
            self.status,
            self.cancel_button,
            sizing_mode="stretch_width",
            height=56,
            **widgets.named("time_bar"),
        )
        self.grid = self.pages.__panel__()
        self.main = pn.Column(
            self.alert, self.pages.tabs, self.grid, bar, sizing_mode="stretch_both", **widgets.styled("lr-plots")
        )
        side = pn.Column(*self.controls, width=290, height=640, scroll=True)
        self._cell = pn.Row(side, self.main, height=660, sizing_mode="stretch_width")

    def __panel__(self) -> pn.viewable.Viewable:
        """Return controls and views side by side, for a notebook cell."""
        return self._cell

    @contextmanager
    def _one_update(self) -> Iterator[None]:
        """Send all changes made inside as one message; a notebook has to be told to send those of Bokeh models."""
        with pn.io.hold():
            yield
        pn.io.push_notebook(self.main)

    # What happens

    def _change(self) -> None:
        """Drop what belongs to the controls before, and compute the theory of those on screen."""
        self.networks_lane.cancel()
        self._trained = None
        self._turn()

    def _grant(self, wish: dict[str, Any]) -> None:
        """Set the controls that a click on a plot asks to change."""
        self.state.param.update(**wish)

    def _turn(self) -> None:
        """Compute and draw the page asked for; the networks of the experiment on screen go on."""
        self.measure_lane.cancel()
        page = self.pages.page
        try:
            experiment = self.state.experiment
        except ValueError as error:
            self.theory_lane.cancel()
            self._refuse(str(error))
            return

        views = self.pages.on(page)  # made here: HoloViews is not thread-safe

        def show(results: list[tuple[Theory, Predictions]]) -> None:
            if self._trained != experiment:
                self._frames = ()
            self._show(*results[-1], page)
            self._start(experiment)

        self.theory_lane.submit(lambda: iter([_compute(experiment, views)]), show, lambda: None, self._refuse)

    def _refuse(self, sentence: str) -> None:
        """Put a sentence where the plots were; they come back with the next experiment that makes sense."""
        self.notify([sentence])
        self.grid.visible = False
        self._report("", running=False)

    def _show(self, result: Theory, predictions: Predictions, page: str) -> None:
        """Draw a theory on a page; what had been measured was another experiment's."""
        self._theory, self._predicted, self._measured = result, predictions, {}
        self.notify([])
        self.grid.visible = True
        self._draw()
        self.pages.show(page)

    def _start(self, experiment: lr.Experiment) -> None:
        """Start what the views on screen measure, and train their networks, once the controls rest."""
        views = list(self._predicted)
        trains = any(view.needs_training for view in views)
        if trains:
            self._train(experiment)
        streams = [(view, items) for view in views if (items := view.measure(experiment)) is not None]
        if not trains and self._trained is None:
            self._report("measuring starts when the controls rest" if streams else "", running=bool(streams))
        if streams:
            self.measure_lane.submit(
                lambda: ((view, item) for view, items in streams for item in items),
                self._add_measured,
                lambda: None if self._trained else self._report("measured", running=False),
                self._fail,
                delay=_REST_SECONDS,
            )

    def _train(self, experiment: lr.Experiment) -> None:
        """Start the networks of an experiment once the controls rest, unless they have been."""
        if self._trained == experiment:
            return
        self._trained = experiment
        self._report("networks start when the controls rest", running=True)
        self._started = 0.0
        self.networks_lane.submit(
            lambda: iter(frames(experiment)),
            self._add_frames,
            self._finish,
            self._fail_networks,
            delay=_REST_SECONDS,
        )

    def _draw(self) -> None:
        snapshot = self.snapshot
        if snapshot is None:
            return
        with self._one_update():
            self.time_label.object = f"t = {snapshot.time:.3g}"
            for view, prediction in self._predicted.items():
                measured = self._measured.get(view, ())
                view.update(dataclasses.replace(snapshot, predicted=prediction, measured=measured))

    def _add_measured(self, new: list[tuple[AbstractView, Any]]) -> None:
        for view, item in new:
            self._measured[view] = (*self._measured.get(view, ()), item)
        self._draw()

    def _add_frames(self, new: list[Frame]) -> None:
        self._frames = (*self._frames, *new)
        frame = new[-1]
        now = time.monotonic()
        self._started = self._started or now
        done = frame.time / frame.end
        left = f", {(now - self._started) * (1 / done - 1):.0f} s left" if done > 0.02 else ""
        self._report(
            f"networks at t = {frame.time:.3g} of {frame.end:g}{left}",
            running=True,
            done=100 * done,
        )
        self._draw()

    def _finish(self) -> None:
        status = self._frames[-1].status if self._frames else "complete"
        count = self.state.seeds
        words = (
            f"{count} network{'s' * (count > 1)} of width {self.state.width} trained"
            if status == "complete"
            else status
        )
        self._report(words, running=False)

    def _fail(self, sentence: str) -> None:
        """Something cannot be measured, but the theory stands: say why beside it."""
        self.notify([sentence])

    def _fail_networks(self, sentence: str) -> None:
        self._fail(sentence)
        self._report("no finite networks", running=False)

    def _cancel(self) -> None:
        self.networks_lane.cancel()
        self.measure_lane.cancel()
        self._report("networks cancelled; move a control to train again", running=False)

    def _report(self, words: str, *, running: bool, done: float = 0.0) -> None:
        self.status.object = words
        self.progress.value = int(min(done, 100)) if running else 0
        self.progress.visible = running
        self.cancel_button.disabled = not running
