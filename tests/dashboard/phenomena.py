"""What a link shows, in numbers from the core: for the tests of presets and lessons."""

import dataclasses
from dataclasses import dataclass
from functools import cache

import numpy as np

import lazyrich as lr
from lazyrich_dashboard import screen
from lazyrich_dashboard.results import Theory, theory


@dataclass(frozen=True)
class Run:
    """Finite networks: mean test loss and kernel movement at the end, and the mean training loss over time."""

    test: float
    movement: float
    train: np.ndarray


def opened(link: str) -> screen.Screen:
    shown, notices = screen.decode(link)
    assert notices == []
    return shown


@cache
def limit(link: str) -> Theory:
    return theory(opened(link).experiment)


@cache
def networks(link: str, seeds: int = 3, checkpoints: int = 2) -> Run:
    experiment = opened(link).experiment
    training = dataclasses.replace(experiment.training, seeds=seeds, ntk_points=64, checkpoints=checkpoints)
    chunks = list(dataclasses.replace(experiment, training=training).train_stream(record=("loss", "ntk")))
    start, end = (chunk.ntk.values[:, 0].astype(np.float64) for chunk in (chunks[0], chunks[-1]))
    movement = np.mean([lr.kernel_distance(after, before) for after, before in zip(end, start, strict=True)])
    train = np.array([chunk.train_loss.values.mean() for chunk in chunks])
    return Run(float(chunks[-1].test_loss.values.mean()), float(movement), train)


def best(link: str) -> tuple[float, float]:
    """The time of the lowest test loss at infinite width, and that loss."""
    known = limit(link)
    index = int(np.argmin(known.test_loss))
    return float(known.times[index]), float(known.test_loss[index])
