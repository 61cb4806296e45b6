"""Work: what one session computes, and when.

Theory is computed at once. What views measure, the training of networks, and the timelines that let the browser move
through time start once the controls rest. A change drops what belongs to the controls before.
"""

import dataclasses
import time
from typing import Any, Protocol

import lazyrich as lr

from .deliver import Deliver, NotebookLoop
from .jobs import NETWORKS, THEORY, Latest
from .progress import Progress
from .results import Frame, Refusal, Snapshot, Theory, frames, theory
from .views import AbstractView
from .views.base import predicted

Predictions = dict[AbstractView, Any]

_REST_SECONDS = 0.4


class Screen(Protocol):
    """Where results go; called on the session's event loop."""

    def take_theory(self, page: str, theory: Theory) -> None:
        """Draw a page whose theory is new."""

    def take_results(self) -> None:
        """Draw what has come since."""

    def refuse(self, sentence: str) -> None:
        """Say why there is nothing to draw."""

    def notify(self, sentences: list[str]) -> None:
        """Say something beside what is drawn."""

    def report(self, words: str, *, running: bool, done: float = 0.0) -> None:
        """Say what is being computed, and how many per cent of it are done."""


class Work:
    """The jobs of one session and what has come of them.

    Args:
        screen: where results go.
        deliver: runs a callback on the session's event loop.
    """

    def __init__(self, screen: Screen, deliver: Deliver):
        """Start with nothing computed."""
        self._screen, self._deliver = screen, deliver
        self.theory: Theory | None = None
        self.experiment: lr.Experiment | None = None  # whose theory that is
        self.frames: tuple[Frame, ...] = ()
        self.predicted: Predictions = {}
        self.measured: dict[AbstractView, tuple[Any, ...]] = {}
        self._measuring: list[AbstractView] = []
        self._trained: lr.Experiment | None = None  # the experiment whose networks were asked for last
        self._progress = Progress(screen.report)
        self.theory_lane = Latest(THEORY, deliver)
        self.networks_lane, self.measure_lane = (Latest(NETWORKS, deliver) for _ in range(2))

    def snapshot(self, scrub: float) -> Snapshot | None:
        """Return what has come, at a place on the time axis; None before the first theory has."""
        return None if self.theory is None else Snapshot(self.theory, self.frames, scrub, experiment=self.experiment)

    def snapshots(self, scrub: float) -> dict[AbstractView, Snapshot]:
        """Return what each view on screen shows."""
        snapshot = self.snapshot(scrub)
        if snapshot is None:
            return {}
        return {
            view: dataclasses.replace(snapshot, predicted=prediction, measured=self.measured.get(view, ()))
            for view, prediction in self.predicted.items()
        }

    def wait(self, seconds: float) -> bool:
        """Wait until theory and networks are on screen, and say whether they are."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if isinstance(self._deliver, NotebookLoop):
                self._deliver.run_waiting()  # a cell that waits keeps the kernel's loop from doing so
            lanes = (self.theory_lane, self.networks_lane, self.measure_lane, self.theory_lane)
            if all(lane.idle.wait(0.05) for lane in lanes):
                return True
        return False

    def cancel(self) -> None:
        """Stop all work."""
        for lane in (self.theory_lane, self.networks_lane, self.measure_lane):
            lane.cancel()

    def cancel_networks(self) -> None:
        """Stop what takes long; what has come stays."""
        self.networks_lane.cancel()
        self.measure_lane.cancel()
        self._progress.cancel()

    def forget_networks(self) -> None:
        """Drop the networks of the controls before."""
        self.networks_lane.cancel()
        self._trained = None
        self._progress.forget_training()

    def compute(self, experiment: lr.Experiment, views: list[AbstractView], page: str) -> None:
        """Compute what a page shows of an experiment, and then go on to its networks."""
        self.measure_lane.cancel()

        def show(results: list[tuple[Theory, Predictions]]) -> None:
            if self._trained != experiment:
                self.frames = ()
            self._take(experiment, *results[-1], page)
            self.start(experiment)

        self.theory_lane.submit(lambda: iter([_compute(experiment, views)]), show, lambda: None, self._screen.refuse)

    def compute_now(self, experiment: lr.Experiment, views: list[AbstractView], page: str) -> None:
        """Compute and show the theory before this returns; raises ValueError when there is none."""
        self._take(experiment, *_compute(experiment, views), page)

    def _take(self, experiment: lr.Experiment, result: Theory, predictions: Predictions, page: str) -> None:
        """Show a theory; what had been measured was another experiment's."""
        self.experiment, self.theory, self.predicted, self.measured = experiment, result, predictions, {}
        self._screen.take_theory(page, result)

    def start(self, experiment: lr.Experiment) -> None:
        """Start what the views on screen measure, and train their networks, once the controls rest."""
        if any(view.needs_training for view in self.predicted):
            self._train(experiment)
        shown = [view for view, prediction in self.predicted.items() if not isinstance(prediction, Refusal)]
        streams = {view: items for view in shown if (items := view.measure(experiment)) is not None}
        self._measuring = list(streams)
        self._progress.begin_measuring([items.count for items in streams.values()])
        if streams:
            self.measure_lane.submit(
                lambda: ((view, item) for view, items in streams.items() for item in items),
                self._add_measured,
                lambda: self._progress.end_measuring("measured"),
                self._fail_measuring,
                delay=_REST_SECONDS,
            )

    def _train(self, experiment: lr.Experiment) -> None:
        """Start the networks of an experiment once the controls rest, unless they have been."""
        if self._trained == experiment:
            return
        self._trained = experiment
        self._progress.begin_training()
        self.networks_lane.submit(
            lambda: iter(frames(experiment)),
            self._add_frames,
            lambda: self._finish(experiment),
            self._fail_networks,
            delay=_REST_SECONDS,
        )

    def _add_measured(self, new: list[tuple[AbstractView, Any]]) -> None:
        for view, item in new:
            self.measured[view] = (*self.measured.get(view, ()), item)
        self._progress.measured([len(self.measured.get(view, ())) for view in self._measuring])
        self._screen.take_results()

    def _add_frames(self, new: list[Frame]) -> None:
        self.frames = (*self.frames, *new)
        self._progress.trained(new[-1])
        self._screen.take_results()

    def _finish(self, experiment: lr.Experiment) -> None:
        status = self.frames[-1].status if self.frames else "complete"
        count, width = experiment.training.seeds, experiment.network.width
        words = f"{count} network{'s' * (count > 1)} of width {width} trained" if status == "complete" else status
        self._progress.end_training(words)

    def _fail(self, sentence: str) -> None:
        """Something cannot be measured, but the theory stands: say why beside it."""
        self._screen.notify([sentence])

    def _fail_networks(self, sentence: str) -> None:
        self._fail(sentence)
        self._progress.end_training("no finite networks")

    def _fail_measuring(self, sentence: str) -> None:
        self._fail(sentence)
        self._progress.end_measuring("not measured")


def _compute(experiment: lr.Experiment, views: list[AbstractView]) -> tuple[Theory, Predictions]:
    """Return the theory of an experiment, and what views predict beside it."""
    return theory(experiment), {view: predicted(view, experiment) for view in views}
