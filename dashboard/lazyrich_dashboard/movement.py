r"""Movement: how far kernels move until training ends, at several widths and richnesses, and in the mean-field limit.

Units move by $\gamma/\sqrt N$ of their size, whatever the parametrization calls it: a network of width N with output
scale $\gamma$ stands beside the mean-field limit at $\gamma_0 = \gamma/\sqrt N$. So in muP all widths follow one curve,
and in the NTK parametrization each its own, further to the right the wider.
"""

import dataclasses
import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

import lazyrich as lr
from lazyrich.dynamics.training.learning_rates import step_below

from .cache import RESULTS, SharedStream
from .jobs import stops
from .numerals import numeral
from .results import theory

WIDTHS = (32, 64, 128, 256, 512)
FEW_WIDTHS = (32, 128, 512)
# Of each point; the standard error over them is drawn.
_NETWORKS = 3
# Where the kernel goes from moving little to moving as much as it is large, in units of each parametrization.
_RICHNESSES = {"ntk": (0.5, 1.0, 2.0, 5.0, 10.0), "mup": (0.1, 0.2, 0.5, 1.0, 2.0)}
_RICHNESSES["mean_field"] = _RICHNESSES["mup"]
# At the least richness the particles' own fluctuations still add 15 % to their movement, at the next 3 %.
_PARTICLES, _PARTICLE_RUNS = 2048, 2
# Multiplications and additions of a whole measurement, a minute of two cores.
_MOST_OPERATIONS = 3e12
# Of log movement against log width as the width grows; what is said of them in words is in `Plan.expected`.
_SLOPES = {"ntk": -1.0, "mup": 0.0, "mean_field": 0.0}


@dataclass(frozen=True)
class Point:
    """Networks of a width, which is infinite for the mean-field limit, and a richness."""

    width: float
    richness: float


@dataclass(frozen=True, eq=False)
class Moved:
    """How far the kernels at a point have moved at the end, |Theta_t - Theta_0|/|Theta_0|, (networks,).

    NaN for a network that diverged.
    """

    at: Point
    distance: np.ndarray

    @property
    def nbytes(self) -> int:
        """Size, for the cache."""
        return self.distance.nbytes


def without_limit(experiment: lr.Experiment) -> str:
    """Return why there is no mean-field curve to compare the networks with; empty where there is one."""
    network, training = experiment.network, experiment.training
    if str(network.parametrization) not in _SLOPES:
        return "the mean-field limit is one of ntk and mup"
    if network.depth > 1:
        return "the mean-field curve is drawn for one hidden layer: set depth L to 1"
    plain = (training.loss, training.optimizer, training.momentum, training.batch_size, training.centred)
    if plain != ("squared", "gradient_descent", 0.0, None, True):
        return "the mean-field curve is that of centred networks, by gradient descent on the squared loss"
    return ""


def slope(experiment: lr.Experiment) -> float | None:
    r"""Return the slope of log movement against log width that theory expects as the width grows, or None.

    Movement is $a \gamma_0/N + b \gamma_0^2/N$ in ntk, $a \gamma_0/\sqrt N + b \gamma_0^2$ in mup; see
    `lazyrich.sweeps.kernel_movement`.
    """
    return _SLOPES.get(str(experiment.network.parametrization))


def against_richness(experiment: lr.Experiment) -> list[Point]:
    """Return the points of the measurement against richness: a few widths and the limit, from lazy to rich."""
    richnesses = _RICHNESSES.get(str(experiment.network.parametrization), _RICHNESSES["ntk"])
    points = []
    for richness, of_limit in zip(richnesses, _RICHNESSES["mup"], strict=True):
        points += [Point(width, richness) for width in FEW_WIDTHS]
        points += [] if without_limit(experiment) else [Point(math.inf, of_limit)]
    return points


def against_width(experiment: lr.Experiment) -> list[Point]:
    """Return the points of the measurement against width, at the richness on screen."""
    richness = experiment.network.richness
    points = [Point(width, richness) for width in WIDTHS]
    if without_limit(experiment) or slope(experiment) != 0:
        return points
    return [*points, Point(math.inf, richness)]


def check_cost(experiment: lr.Experiment, points: list[Point]) -> None:
    """Refuse what would keep a worker from all other sessions for minutes.

    A step of one network takes three products of its weights with the states of all points, six operations a weight.
    """
    known, network, training = theory(experiment), experiment.network, experiment.training
    inputs, outputs = known.data.in_dim, known.data.out_dim
    total = 0.0
    for point in points:
        width, count = (point.width, _NETWORKS) if math.isfinite(point.width) else (_PARTICLES, _PARTICLE_RUNS)
        trained = dataclasses.replace(network, width=int(width), richness=point.richness)
        rate = training.learning_rate or step_below(known.flow.max_learning_rate, trained)
        weights = width * (inputs + outputs + (network.depth - 1) * width)
        total += count * 6 * known.n * weights * training.time / rate
    if total > _MOST_OPERATIONS:
        raise ValueError(
            f"Networks of all widths may take {numeral(_MOST_OPERATIONS, 1)} operations to train; "
            f"got {numeral(total, 2)}. Lower the training time, the number of points or the depth, or raise the step."
        )


def measurement(experiment: lr.Experiment, points: list[Point]) -> SharedStream:
    """Return the stream of points measured, shared with every session that asks for the same."""
    training = dataclasses.replace(experiment.training, checkpoints=2, seeds=_NETWORKS)
    network = dataclasses.replace(experiment.network, width=1, richness=1.0)
    kept = dataclasses.replace(experiment, training=training, network=network)
    key = ("movement", kept.to_json(), *points)
    return RESULTS.get(key, lambda: SharedStream(lambda: _measured(kept, points), len(points)))


def _measured(experiment: lr.Experiment, points: list[Point]) -> Iterator[Moved]:
    for point in points:  # kept one by one, for those who leave before the last and come back
        yield RESULTS.get(("moved", experiment.to_json(), point), lambda point=point: _moved(experiment, point))


def _moved(experiment: lr.Experiment, point: Point) -> Moved:
    measure = _trained if math.isfinite(point.width) else _mean_field
    return Moved(point, np.asarray(measure(experiment, point), np.float64))


def _trained(experiment: lr.Experiment, point: Point) -> np.ndarray:
    network = dataclasses.replace(experiment.network, width=int(point.width), richness=point.richness)
    trained = dataclasses.replace(experiment, network=network)
    start, *_, end = trained.train_stream(("ntk",), stop=stops)
    return np.array([_distance(*pair) for pair in zip(end.ntk.values[:, 0], start.ntk.values[:, 0], strict=True)])


def _mean_field(experiment: lr.Experiment, point: Point) -> list[float]:
    training, data = experiment.training, experiment.load_data()
    settings = {"time": training.time, "learning_rate": training.learning_rate, "ntk_points": training.ntk_points}
    distances = []
    for run in range(_PARTICLE_RUNS):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of a run that diverges, which is NaN here
            found = lr.mean_field(
                experiment.network, data, richness=point.richness, particles=_PARTICLES, checkpoints=2,
                record=("ntk",), seed=experiment.seed + run, stop=stops, **settings,
            )  # fmt: skip
        distances.append(_distance(found.ntk.values[-1], found.ntk.values[0]))
    return distances


def _distance(end: np.ndarray, start: np.ndarray) -> float:
    return float(lr.kernel_distance(end, start)) if np.isfinite(end).all() else math.nan
