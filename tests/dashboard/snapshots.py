"""What a session shows at some moment: snapshots of experiments in every situation, for the tests of views."""

import dataclasses
import functools
import itertools

import lazyrich as lr
from lazyrich_dashboard.results import Snapshot, frames, theory
from lazyrich_dashboard.views.base import View
from tests.dashboard.examples import UNSTABLE_STEP


@functools.cache  # as sessions share theirs
def snapshot_of(experiment: lr.Experiment, situation: str, scrub: float = 1.0) -> Snapshot:
    """A snapshot of an experiment in one of the situations that a session comes through."""
    if situation == "diverged networks":  # at their second step
        diverging = dataclasses.replace(experiment.training, learning_rate=UNSTABLE_STEP, time=2 * UNSTABLE_STEP)
        experiment = dataclasses.replace(experiment, training=diverging)
    stream = frames(experiment) if situation != "no networks yet" else []
    count = 1 if situation == "networks at the start" else None
    return Snapshot(theory(experiment), tuple(itertools.islice(stream, count)), scrub)


def with_its_own(view: View, experiment: lr.Experiment, snapshot: Snapshot, most: int | None = 3) -> Snapshot:
    """The snapshot with what a view predicts and, where networks have been trained, the first of what it measures."""
    items = view.measure(experiment) if snapshot.frames else None
    measured = tuple(itertools.islice(items or (), most))
    return dataclasses.replace(snapshot, predicted=view.predict(experiment), measured=measured)


def drawn(view: View, experiment: lr.Experiment, most: int | None = None, scrub: float = 1.0):
    """The snapshot of trained networks, with all that the view measures, and what it draws of it."""
    snapshot = with_its_own(view, experiment, snapshot_of(experiment, "trained networks", scrub), most)
    return snapshot, view.columns(snapshot)
