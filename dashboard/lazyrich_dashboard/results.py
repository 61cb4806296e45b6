"""What the views draw: the theory of an experiment, at once, and its finite networks, checkpoint by checkpoint."""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Protocol, TypeVar

import numpy as np
import xarray as xr

import lazyrich as lr
from lazyrich.data import FETCHED, check_is_here

from .cache import RESULTS, SharedStream
from .jobs import stops
from .modes import MOST, Modes
from .numerals import numeral

_TIMES = 160
# A gigabyte in single precision; training holds a few copies.
_MOST_NUMBERS = 2**28
# Tens of seconds of one worker.
_MOST_ENTRIES = 1e9
# The same, of activations that take a quadrature a pair.
MOST_QUADRATURES = 3e4


class _Checkpoint(Protocol):
    @property
    def time(self) -> float: ...


T = TypeVar("T", bound=_Checkpoint)


@dataclass(frozen=True, eq=False)
class Theory:
    """The infinite-width prediction: one eigendecomposition and what follows from it.

    `times` (T,) are gradient-flow times, log-spaced from a tenth of the fastest mode's time scale to the end of
    training; the losses are on that grid, those of one network on average: where networks are not centred `flow` knows
    how their outputs scatter at the start. `fit` is the power law of the spectrum, or why there is none.
    """

    network: lr.Network
    data: lr.Dataset
    flow: lr.LinearDynamics
    fit: lr.PowerLaw | str
    times: np.ndarray
    train_loss: np.ndarray
    test_loss: np.ndarray

    @property
    def spectrum(self) -> lr.Eigensystem:
        """The eigensystem of the training kernel."""
        return self.flow.eigensystem

    @property
    def n(self) -> int:
        """Training points."""
        return len(self.spectrum.values)

    @cached_property
    def modes(self) -> Modes:
        """The kernel's first modes."""
        return Modes(self.flow)

    @cached_property
    def nbytes(self) -> int:
        """Size, for the cache, which asks often: with what `flow` and `modes` keep once they have been asked."""
        flow, data = self.flow, self.data
        arrays = [data.x_train, data.x_test, data.y_train, data.y_test]
        arrays += 2 * [self.spectrum.vectors, flow.cross_ntk, flow.nngp, flow.cross_nngp, flow.test_nngp]
        of_modes, of_last_times = MOST * (self.n + len(data.x_test)), 3 * _TIMES * self.n
        return 8 * (of_modes + of_last_times) + sum(array.nbytes for array in arrays if array is not None)


@dataclass(frozen=True, eq=False)
class Frame:
    """Finite networks at one checkpoint.

    `losses` by role (train, test), each (seeds,); `movement` |Theta_t - Theta_0|/|Theta_0| (seeds,); `spectrum` the
    eigenvalues of Theta/n on the first points, descending, (seeds, ntk_points); `ntk` those points' kernels, (seeds,
    ntk_points, ntk_points); `f_train` (seeds, n, C); `f_test` (seeds, n', C); `f_plane` (seeds, points, C) on the
    `plane_grid` of planar data, of others None.
    """

    time: float
    end: float
    losses: dict[str, np.ndarray]
    movement: np.ndarray
    spectrum: np.ndarray
    ntk: np.ndarray
    f_train: np.ndarray
    f_test: np.ndarray
    status: str
    f_plane: np.ndarray | None = None

    @cached_property
    def is_finite(self) -> bool:
        """Whether every number is finite; not where training has diverged."""
        return all(np.isfinite(array).all() for array in (*self.losses.values(), self.movement, self.f_test))

    @cached_property
    def mean_ntk(self) -> np.ndarray:
        """The kernel of the first points, on average over the networks, (ntk_points, ntk_points)."""
        return self.ntk.mean(axis=0, dtype=np.float64)

    @property
    def nbytes(self) -> int:
        """Size, for the cache."""
        mean = 8 * self.ntk[0].size
        plane = 0 if self.f_plane is None else self.f_plane.nbytes
        return self.spectrum.nbytes + self.ntk.nbytes + mean + self.f_train.nbytes + self.f_test.nbytes + plane


@dataclass(frozen=True)
class Refusal:
    """Why a view has nothing to show, in a sentence that stands where its plot would."""

    sentence: str


@dataclass(frozen=True, eq=False)
class PinnedCurves:
    """The curves of a view that a pin keeps: their columns by the label of their part, drawn in the slot's style."""

    slot: int
    columns: Mapping[str, Mapping[str, np.ndarray]]


@dataclass(frozen=True, eq=False)
class Snapshot:
    """All that a view may draw.

    `theory`, the `frames` there are so far, and where in time the scrubber stands; of the view's own what its `predict`
    returned, and what its `measure` has yielded so far; what all this is of (None where nobody asks), and the view's
    curves of other experiments that have been pinned; the number of the mode that is looked at, 0 for none.
    """

    theory: Theory
    frames: tuple[Frame, ...]
    scrub: float
    predicted: Any = None
    measured: tuple[Any, ...] = ()
    experiment: lr.Experiment | None = None
    pinned: tuple[PinnedCurves, ...] = ()
    mode: int = 0

    @property
    def time(self) -> float:
        """The scrubber's time on the theory's logarithmic axis."""
        first, last = self.theory.times[[0, -1]]
        return float(first * (last / first) ** self.scrub)

    @cached_property
    def trained(self) -> list[Frame]:
        """The checkpoints after t = 0 that can be drawn."""
        return [frame for frame in self.frames if frame.time > 0 and frame.is_finite]

    @cached_property
    def frame(self) -> Frame | None:
        """The checkpoint nearest to the scrubber's time (on the log axis), if the run has come that far.

        Until half of the time to the first one that is the start, which has no place on that axis.
        """
        is_early = self.trained and self.frames[0].time == 0 and self.time < self.trained[0].time / 2
        return self.frames[0] if is_early else nearest_checkpoint(self.trained, self.time)


def nearest_checkpoint(checkpoints: Sequence[T], time: float) -> T | None:
    """Return the checkpoint nearest to a time (on the log axis), if they have come that far."""
    if not checkpoints or time > 1.5 * checkpoints[-1].time:
        return None
    return min(checkpoints, key=lambda at: abs(math.log(at.time / time)))


def is_planar(data: lr.Dataset) -> bool:
    """Say whether one output is a function on a plane; the circle's is one of the angle."""
    return data.in_dim == 2 and data.out_dim == 1 and data.name != "circle"


def theory_key(experiment: lr.Experiment) -> str:
    """Return the experiment's canonical JSON with what theory does not depend on set to a fixed value."""
    fixed, network = lr.Network(), experiment.network
    if experiment.training.centred:
        network = dataclasses.replace(network, richness=1.0)
        if network.parametrization != "standard":  # whose kernel grows with the width
            network = dataclasses.replace(network, width=fixed.width, parametrization=fixed.parametrization)
    training = lr.TrainingSpec(time=experiment.training.time, centred=experiment.training.centred)
    return dataclasses.replace(experiment, network=network, training=training).to_json()


def theory(experiment: lr.Experiment) -> Theory:
    """Return the theory of an experiment, from the cache if any session has asked for it."""
    return RESULTS.get(("theory", theory_key(experiment)), lambda: _compute_theory(experiment))


def _compute_theory(experiment: lr.Experiment) -> Theory:
    net, spec = experiment.network, experiment.data
    entries = net.depth * spec.n_train * (spec.n_train + spec.n_test)
    if entries > _MOST_ENTRIES:
        raise ValueError(
            f"The theory may take {numeral(_MOST_ENTRIES, 2)} kernel entries, depth x n x (n + tests); "
            f"got {numeral(entries, 2)}. Lower the depth or the number of points."
        )
    if spec.name in FETCHED:
        check_is_here(spec.name)  # a download would keep a worker from all other sessions
    data = _loaded(spec, experiment.seed)
    if net.phi.family.is_quadrature and entries > MOST_QUADRATURES and not _are_on_a_sphere(data):
        raise ValueError(
            f"On points of unequal norms {net.phi} takes a quadrature a pair, for at most {MOST_QUADRATURES:,.0f} "
            f"kernel entries, depth x n x (n + tests); got {entries:,}. Take fewer points, a lower depth, or a smooth "
            "activation such as gelu."
        )
    spectrum = lr.eigensystem(lr.ntk(net, data.x_train))
    if spectrum.values[0] <= 0:
        raise ValueError("The kernel must not be zero; got weight and bias variance 0. Raise one of them.")
    start = {} if experiment.training.centred else lr.initial_covariance(net, data.x_train, data.x_test)
    flow = lr.LinearDynamics(spectrum, data.y_train, cross_ntk=lr.ntk(net, data.x_test, data.x_train), **start)
    end = experiment.training.time
    first = min(0.1 * flow.n / spectrum.values[0], end / 10)
    times = np.geomspace(first, end, _TIMES)
    try:
        fit = spectrum.power_law()
    except lr.NoPowerLawError as refusal:
        fit = str(refusal)
    return Theory(net, data, flow, fit, times, *lr.expected_losses(flow, times, data.y_test))


@lru_cache(maxsize=8)
def _loaded(spec: lr.DataSpec, seed: int) -> lr.Dataset:
    """Return the data, which are the same while the network's sliders move."""
    return lr.Experiment(data=spec, seed=seed).load_data()


def _are_on_a_sphere(data: lr.Dataset) -> bool:
    norms = np.linalg.norm(np.concatenate([data.x_train, data.x_test]), axis=1)
    return np.allclose(norms, norms[0], rtol=1e-12)


def frames(experiment: lr.Experiment) -> SharedStream:
    """Return the stream of finite-network frames, shared with every session that shows the same experiment."""
    return RESULTS.get(
        ("networks", experiment.to_json()),
        lambda: SharedStream(lambda: _compute_frames(experiment)),
    )


def check_size(experiment: lr.Experiment) -> None:
    """Refuse networks that would take the memory from all other sessions.

    Weights and activations of one seed: $L (N^2 + nN)$, with L at the next power of two, as the core draws them.
    """
    net, seeds = experiment.network, experiment.training.seeds
    layers = 2 ** math.ceil(math.log2(max(2, net.depth)))
    numbers = seeds * layers * net.width * (net.width + experiment.data.n_train)
    if numbers > _MOST_NUMBERS:
        raise ValueError(
            f"The networks may have {numeral(_MOST_NUMBERS, 2)} weights and activations between them; "
            f"got {numeral(numbers, 2)}. Lower their number, width or depth."
        )


def _compute_frames(experiment: lr.Experiment) -> Iterator[Frame]:
    check_size(experiment)
    plane = ("plane",) if is_planar(experiment.load_data()) else ()
    start = None
    for chunk in experiment.train_stream(("loss", "outputs", "ntk", *plane), stop=stops):
        ntk = chunk.ntk.values[:, 0].astype(np.float64)
        start = ntk if start is None else start
        yield _frame(chunk, ntk, start, experiment.training.time)


def _frame(chunk: xr.Dataset, ntk: np.ndarray, start: np.ndarray, end: float) -> Frame:
    finite = bool(np.isfinite(ntk).all())
    nothing = np.full(ntk.shape[:2], np.nan)
    return Frame(
        time=float(chunk.time[0]),
        end=end,
        losses={role: chunk[f"{role}_loss"].values[:, 0].astype(np.float64) for role in ("train", "test")},
        movement=np.array([lr.kernel_distance(a, b) for a, b in zip(ntk, start, strict=True)])
        if finite
        else nothing[:, 0],
        spectrum=np.linalg.eigvalsh(ntk)[:, ::-1] / ntk.shape[-1] if finite else nothing,
        ntk=chunk.ntk.values[:, 0],
        f_train=chunk.f_train.values[:, 0],
        f_test=chunk.f_test.values[:, 0],
        status=chunk.attrs["status"],
        f_plane=chunk.f_plane.values[:, 0] if "f_plane" in chunk else None,
    )
