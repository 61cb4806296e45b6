r"""Training finite networks: several seeds at once, recorded at checkpoints.

The raw weights follow an optimizer (see `optimizers`) so that $\eta$ x steps is the gradient-flow time of
`LinearDynamics` in every parametrization. Between two checkpoints run compiled pieces whose number of steps, depth,
scales and step size are runtime values; nothing else compiles again. A run is a pure function of its arguments: where
it is looked at, how it is cut into pieces and whether it was stopped before change no bit of it.
"""

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import xarray as xr

from ...data import Dataset
from ...networks import Network
from .run import Run


def train_stream(
    net: Network,
    data: Dataset,
    *,
    time: Any,
    learning_rate: float | None = None,
    seeds: int = 4,
    seed: int = 0,
    record: tuple[str, ...] = ("loss", "outputs"),
    checkpoints: int = 30,
    centred: bool = False,
    ntk_points: int | None = None,
    loss: str | Callable = "squared",
    optimizer: str = "gradient_descent",
    momentum: float = 0.0,
    batch_size: int | None = None,
    edge_fraction: float | None = None,
    stop: Callable[[], bool] | None = None,
) -> Iterator[xr.Dataset]:
    """Train as `train` does, and yield one checkpoint at a time (a Dataset with one time), t = 0 first.

    Close the generator to end it between two checkpoints; `stop` is asked every 0.03 s, or after every step that takes
    longer, and ends it where it has got; training waits for its answer. If a loss stops being finite the stream ends,
    too. The attribute `status` of the last Dataset says which.
    """
    if stop is not None and not callable(stop):
        raise ValueError(f"stop must be a function of nothing; got {type(stop).__name__}. Give one that says when.")
    run = Run.of(
        net, data, learning_rate=learning_rate, seeds=seeds, seed=seed, record=record, centred=centred,
        ntk_points=ntk_points, loss=loss, optimizer=optimizer, momentum=momentum, batch_size=batch_size,
        edge_fraction=edge_fraction,
    )  # fmt: skip
    return run.stream(run.checkpoints(time, checkpoints), stop or (lambda: False))


def train(
    net: Network,
    data: Dataset,
    *,
    time: Any,
    learning_rate: float | None = None,
    seeds: int = 4,
    seed: int = 0,
    record: tuple[str, ...] = ("loss", "outputs"),
    checkpoints: int = 30,
    centred: bool = False,
    ntk_points: int | None = None,
    loss: str | Callable = "squared",
    optimizer: str = "gradient_descent",
    momentum: float = 0.0,
    batch_size: int | None = None,
    edge_fraction: float | None = None,
    stop: Callable[[], bool] | None = None,
) -> xr.Dataset:
    r"""Train an ensemble of finite networks, in float32.

    Args:
        net: the network; `net.parametrization` and `net.richness` say how lazy it is.
        data: what to train and test on.
        time: end time (learning rate x steps), recorded at log-spaced checkpoints; or an array of times, each rounded
            to a whole step. t = 0 is always recorded.
        learning_rate: step size eta; None takes a quarter of the largest stable one of gradient descent, or less. Adam
            needs one: the step of a raw weight.
        seeds: how many networks, at least 1.
        seed: the first one's seed; network i starts from `init(net, D, C, seed=seed + i)`.
        record: any of loss, accuracy, outputs, plane, ntk, layers, nngp, spectrum, movement, alignment, linearised,
            linear_training, sharpness, trace, weights; what each is stands in `lazyrich.dynamics.training.recording`.
        checkpoints: how many times are recorded for an end time; equal ones are merged.
        centred: train f - f_0 in place of f, so that every network starts from 0 (Chizat, Oyallon & Bach 2019).
        ntk_points: record kernels on this many of the first training points; None means all.
        loss: squared, huber, cross_entropy, logistic, squared_hinge or hinge, or a function of the outputs (C,) and
            targets (C,) of a point; see `lazyrich.dynamics.losses`.
        optimizer: gradient_descent, adam or mup_adam; see `lazyrich.dynamics.training.optimizers`.
        momentum: heavy-ball momentum of gradient descent, in [0, 1).
        batch_size: train on so many points a step, drawn afresh without replacement; None means all of them.
        edge_fraction: in place of learning_rate, the step over the largest stable one of the sharpest network at the
            start, 2 (1 + momentum) over its measured sharpness.
        stop: asked every 0.03 s whether to end here; see `train_stream`.

    Returns:
        Over (seed, time): `train_loss`, `test_loss`; `f_train`, `f_test` (..., point, output); `ntk` (..., point,
        point); and what else was asked for. `attrs["status"]` is `complete`, or says when the loss diverged or `stop`
        ended it; then the result ends there, and of a checkpoint that diverged there are outputs and losses alone. A
        RuntimeWarning is given when the loss diverges, when something does not exist at the weights that were reached
        (it is NaN there), and when the activation is one that gradients do not pass.

    Raises:
        ValueError: an argument out of its range, targets that are none of the loss, or an optimizer without a step.
    """
    parts = list(
        train_stream(
            net, data, time=time, learning_rate=learning_rate, seeds=seeds, seed=seed, record=record,
            checkpoints=checkpoints, centred=centred, ntk_points=ntk_points, loss=loss, optimizer=optimizer,
            momentum=momentum, batch_size=batch_size, edge_fraction=edge_fraction, stop=stop,
        )
    )  # fmt: skip
    status = parts[-1].attrs["status"]
    if status.startswith("diverged"):
        warnings.warn(f"Training {status}. Lower it below 2n/lambda_max.", RuntimeWarning, stacklevel=2)
    result = xr.concat(parts, dim="time", combine_attrs="override")
    result.attrs["status"] = status
    return result
