"""One training run: its checked arguments, the pieces it is cut into, and what it yields."""

import time as clock
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np
import xarray as xr

from ..._checks import choice, flag, of_type, seed_of, whole
from ...data import Dataset
from ...mlp import Params
from ...networks import Network
from ...results import labelled
from ..losses.point_losses import Loss
from .checkpoints import checkpoint_steps
from .descent import State, advance, draw_layers, start
from .ensemble import Checkpoint, Ensemble
from .learning_rates import learning_rate_of
from .optimizers import Optimizer
from .recording import RECORDERS

# Depths up to the next of these share one compiled program; the layers in between are held, not used.
_DEPTH_BUCKETS = (2, 4, 8, 16, 32, 64)
_WIDEST_WITH_SPARE_LAYERS = 2048
# Seconds between two looks at whether to stop, after which one more piece ends; a person notices a tenth of a second.
_PIECE = 0.03
# Of a checkpoint that diverged, the rest cannot be computed.
_KEPT_WHEN_DIVERGED = ("loss", "outputs")


@dataclass(frozen=True, eq=False)
class Run:
    """What is trained, how, and what is recorded of it."""

    ensemble: Ensemble
    optimizer: Optimizer
    batch_size: int | None
    seeds: np.ndarray
    record: tuple[str, ...]
    learning_rate: float

    @classmethod
    def of(
        cls, net, data, *, learning_rate, seeds, seed, record, centred, ntk_points, loss, optimizer, momentum,
        batch_size, edge_fraction,
    ) -> "Run":  # fmt: skip
        """Check the arguments of `lazyrich.train`, and draw the weights."""
        of_type(net, "net", Network)
        of_type(data, "data", Dataset)
        n = len(data.x_train)
        optimizer = Optimizer.of(optimizer, momentum)
        batch_size = None if batch_size is None else whole(batch_size, "batch_size", 1, n)
        loss = Loss.of(loss, 1.0)
        record = _recorders(record, loss, optimizer, batch_size)
        names = seed_of(seed) + np.arange(whole(seeds, "seeds", 1))
        seed_of(names[-1], "seed + seeds - 1")
        probes = n if ntk_points is None else min(whole(ntk_points, "ntk_points", 1), n)
        targets = _targets(loss, data)
        loss.check(np.zeros_like(targets[0]), targets[0])
        if not net.phi.has_tangent:
            warnings.warn(
                f"{net.phi} is flat but for its jumps, so gradients train the readout alone. Pick a continuous "
                "activation such as erf to train all layers.", RuntimeWarning, stacklevel=4,
            )  # fmt: skip
        params = tuple(draw_layers(int(name), data.in_dim, data.out_dim, net, _layers(net)) for name in names)
        ensemble = Ensemble(net, data, loss, targets, params, flag(centred, "centred"), probes)
        rate = learning_rate_of(ensemble, optimizer, learning_rate, edge_fraction)
        return cls(replace(ensemble, learning_rate=rate), optimizer, batch_size, names, record, rate)

    def checkpoints(self, time: Any, count: Any) -> np.ndarray:
        """Return the steps at which to look; see `checkpoint_steps`."""
        return checkpoint_steps(time, self.learning_rate, count)

    def stream(self, steps: np.ndarray, stop: Callable[[], bool]) -> Iterator[xr.Dataset]:
        """Yield a Dataset at each of `steps`, or until training diverges or `stop` ends it."""
        pairs = zip(self.seeds.astype(np.uint32), self.ensemble.initial, strict=True)
        states = [start(self.optimizer, seed, params) for seed, params in pairs]
        done, pace = 0, None
        for step in map(int, steps):
            states, done, pace = self._advance(states, done, step, stop, pace)
            weights = tuple(state.params for state in states)
            status, result = self._measure(weights, done, stopped=done < step)
            if done == 0 and status.startswith("diverged"):
                raise ValueError(
                    "The loss before training must be finite in float32; got infinity or NaN. "
                    "Scale the data, or lower weight_var, bias_var or the depth."
                )
            yield result
            if status != "complete":
                return

    def _advance(
        self, states: list[State], done: int, end: int, stop: Callable[[], bool], pace: float | None
    ) -> tuple[list[State], int, float | None]:
        """Go on to the step `end`, in pieces after each of which one may stop; return where it got, and at what pace.

        While a piece is at work the next one is queued, so that no core waits for the last seed of a piece; unless its
        one step takes so long that nobody would wait for another. The pace is steps a second, of a piece that another
        followed; until it is known a piece is a single step. A piece that waited for `stop` seems slower than it was.
        """
        at_work, begun = None, clock.perf_counter()
        while done < end:
            asked = clock.perf_counter()
            if at_work and stop():
                break
            has_waited = clock.perf_counter() - asked > _PIECE / 2
            steps = min(end - done, max(1, int((pace or 0.0) * _PIECE)))
            states, ends = self._queue(states, done, steps)
            done += steps
            if at_work:
                jax.block_until_ready(at_work[1])
                measured, begun = at_work[0] / (clock.perf_counter() - begun), clock.perf_counter()
                pace = max(pace or 0.0, measured) if has_waited else measured
            at_work = steps, ends
            if pace and pace * _PIECE < 1:
                jax.block_until_ready(ends)
        jax.block_until_ready(states)
        return states, done, pace

    def _queue(self, states: list[State], done: int, steps: int) -> tuple[list[State], list[Any]]:
        """Return the states after more steps, which may not be computed yet, and what to wait for."""
        run = self.ensemble
        pairs = [
            advance(
                run.nonlinearity, run.scales, self.optimizer, run.loss.value, self.batch_size, task, state,
                self.learning_rate, done, steps,
            )
            for task, state in zip(run.tasks, states, strict=True)
        ]  # fmt: skip
        return [state for state, _ in pairs], [end for _, end in pairs]

    def _measure(self, weights: tuple[Params, ...], step: int, stopped: bool) -> tuple[str, xr.Dataset]:
        """Return how the run stands at a step, and what is recorded there."""
        now = step * self.learning_rate
        at = self.ensemble.start if step == 0 else Checkpoint(self.ensemble, weights, now)
        diverged = not np.isfinite(at.losses[0]).all()
        status = f"stopped at t = {now:.3g}" if stopped else "complete"
        if diverged:
            too_large = f"the learning rate {self.learning_rate:.3g} is too large for this network"
            status = f"diverged before t = {now:.3g}: {too_large}"
        variables = {}
        for name in self.record:
            variables |= self._recorded(name, at, diverged and name not in _KEPT_WHEN_DIVERGED)
        arrays = {name: np.asarray(value)[:, None] for name, value in variables.items()}
        where = {"seed": self.seeds, "time": [now]}
        return status, labelled(arrays, ("seed", "time"), where, status=status, **self._attributes)

    def _recorded(self, name: str, at: Checkpoint, is_lost: bool) -> dict[str, Any]:
        """Return the variables of a recorder; NaN where they are lost, or do not exist at these weights."""
        if not is_lost:
            try:
                return RECORDERS[name](at)
            except ValueError as error:
                if at is self.ensemble.start:
                    raise
                said = f"{name} was not recorded at t = {at.time:.3g}: {error}"
                warnings.warn(said, RuntimeWarning, stacklevel=5)
        start = RECORDERS[name](self.ensemble.start)
        return {key: np.full(np.shape(value), np.nan) for key, value in start.items()}

    @property
    def _attributes(self) -> dict[str, Any]:
        run, optimizer = self.ensemble, self.optimizer
        batch = {} if self.batch_size is None else {"batch_size": self.batch_size}
        return {
            "network": repr(run.net), "data": run.data.name, "learning_rate": self.learning_rate,
            "centred": int(run.centred), "loss": run.loss.name, "optimizer": optimizer.name,
            "momentum": optimizer.momentum, **batch,
        }  # fmt: skip


def _recorders(record: Any, loss: Loss, optimizer: Optimizer, batch_size: int | None) -> tuple[str, ...]:
    """Return the names of what is recorded, which this kind of training must allow."""
    names = record if isinstance(record, (tuple, list)) else (record,)
    names = tuple(choice(name, "record", RECORDERS) for name in names)
    is_plain = optimizer.name == "gradient_descent" and not optimizer.has_momentum and batch_size is None
    if "linear_training" in names and not (is_plain and loss.name == "squared"):
        raise ValueError(
            "linear_training is recorded of full-batch gradient descent on the squared loss, which has a closed form; "
            f"got {optimizer.name} with momentum {optimizer.momentum:g} on {loss.name}, batch_size {batch_size}. "
            "Record linearised in its place."
        )
    return names


def _targets(loss: Loss, data: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return training and test targets as the loss takes them."""
    train, test = (
        loss.targets(y, f"y_{part}", len(y), data.out_dim)
        for part, y in (("train", data.y_train), ("test", data.y_test))
    )
    return train, test


def _layers(net: Network) -> int:
    """Return how many layers' weights are held; a very wide network has none to spare."""
    buckets = _DEPTH_BUCKETS if net.width <= _WIDEST_WITH_SPARE_LAYERS else ()
    return next((bucket for bucket in buckets if bucket >= net.depth), net.depth)
