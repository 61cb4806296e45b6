"""Warming up: compile ahead what the first visitors will move."""

import dataclasses

from lazyrich.activations import FAMILIES

from .results import frames, theory
from .state import PRESET


def warm_preset() -> None:
    """Compute what the page opens on: its theory, and its networks up to their first checkpoints."""
    theory(PRESET)
    stream = iter(frames(PRESET))
    next(stream)
    next(stream)


def warm_activations() -> None:
    """Compile the theory of every activation, and its training, at the preset's sizes."""
    for name in FAMILIES:
        network = dataclasses.replace(PRESET.network, activation=name)
        experiment = dataclasses.replace(PRESET, network=network)
        theory(experiment)
        stream = iter(frames(experiment))
        next(stream)
        next(stream)
