"""Remade pins: the pinned runs of a link, which holds experiments and no curves, are computed anew."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import lazyrich as lr

from .pinned import Pin
from .pins import Pins, curves
from .results import Frame, Refusal, Snapshot, frames, theory
from .views import AbstractView
from .views.base import predicted

Views = Mapping[type[AbstractView], AbstractView]


class Remade(NamedTuple):
    """A pin as far as it has come: with theory alone, or with its networks too."""

    pin: Pin
    has_networks: bool = False

    def put(self, pins: Pins) -> None:
        """Show it among the pins of a session."""
        pins.renew(self.pin) if self.has_networks else pins.put(self.pin)


def remade(experiments: Sequence[lr.Experiment], views: Views) -> Iterator[Remade | Refusal | None]:
    """Yield pins of experiments with theory, then each with its networks; None after each of their checkpoints.

    What cannot be computed is a refusal in its place. To be used off the event loop.
    """
    for slot, experiment in enumerate(experiments):
        try:
            yield Remade(_pin(slot, experiment, views))
        except ValueError as error:
            yield Refusal(f"A pinned run of the link was left out. {error}")
    if not any(view.needs_training for view in views.values()):
        return
    for slot, experiment in enumerate(experiments):
        try:
            trained = []
            for frame in frames(experiment):
                trained.append(frame)
                yield None
            yield Remade(_pin(slot, experiment, views, trained), has_networks=True)
        except ValueError as error:
            yield Refusal(f"A pinned run of the link has no networks. {error}")


def _pin(slot: int, experiment: lr.Experiment, views: Views, trained: Sequence[Frame] = ()) -> Pin:
    snapshot = Snapshot(theory(experiment), tuple(trained), 1.0, experiment=experiment)
    kept = {}
    for kind, view in views.items():
        prediction = predicted(view, experiment)
        if not isinstance(prediction, Refusal):
            kept[kind] = curves(view, dataclasses.replace(snapshot, predicted=prediction))
    return Pin(slot, experiment, kept)
