r"""Training finite networks: full-batch gradient descent on several seeds at once, recorded at checkpoints.

The raw weights follow $\theta \leftarrow \theta - \eta\gamma^2 \nabla$ Loss with Loss $= \frac1{2n}\sum |f - y|^2$, so
that $\eta$ x steps is the gradient-flow time of `LinearDynamics` in every parametrization. Between two checkpoints runs
one compiled chunk whose number of steps, depth, scales and step size are runtime values; nothing else compiles again.
"""

import warnings
from collections.abc import Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float
from scipy.sparse.linalg import eigsh

from .._checks import as_numbers, choice, flag, number, of_type, seed_of, whole
from ..data import Dataset
from ..kernels import ntk
from ..kernels.empirical import ntk_of_points
from ..mlp import Nonlinearity, Params, Scales, backward, draw, hidden_states, output
from ..networks import Network
from ..results import labelled

RECORDABLE = ("loss", "outputs", "ntk")
# Depths up to the next of these share one compiled program; the weights of the layers in between are drawn, not used.
_DEPTH_BUCKETS = (2, 4, 8, 16, 32, 64)
_WIDEST_WITH_SPARE_LAYERS = 2048
# The default step is this fraction of the limit 2n/lambda_max: close to gradient flow, with room for a growing kernel.
_STABLE_FRACTION = 0.25
# The number of steps of a chunk is a 32-bit integer of the compiled program.
_MOST_STEPS = 2**31 - 1


def _step(nonlinearity, scales: Scales, params: Params, x, y, f0, step_size) -> Params:
    """One step of gradient descent; `step_size` is eta gamma / n, what is left of eta gamma^2 (1/gamma) (1/n)."""
    states = hidden_states(nonlinearity, scales, params, x)
    signal = output(nonlinearity, scales, params, states) - f0 - y
    last = nonlinearity(states[scales.depth - 1])
    first, hidden, readout, bias = (
        -step_size * scales.first_rate * scales.first,
        -step_size * scales.hidden_rate * scales.hidden,
        -step_size * scales.readout_rate * scales.hidden,
        -step_size * scales.bias_rate * scales.bias,
    )
    ones = jnp.ones(len(x), x.dtype)  # a product is ten times as fast as XLA's sum over rows

    def visit(carry, level, g):
        weights, biases = carry
        weights = weights.at[level - 1].add(hidden * g.T @ nonlinearity(states[level - 1]))
        return weights, biases.at[level].add(bias * (ones @ g))

    start = params.hidden, params.biases
    g, (weights, biases) = backward(nonlinearity, scales, params, states, signal, visit, start)
    return Params(
        first=params.first + first * g.T @ x,
        hidden=weights,
        readout=params.readout + readout * signal.T @ last,
        biases=biases.at[0].add(bias * (ones @ g)),
        readout_bias=params.readout_bias + bias * signal.sum(axis=0),
    )


@jax.jit
def _advance(nonlinearity, scales: Scales, params: Params, x, y, f0, step_size, steps) -> Params:
    """Run `steps` steps on every seed (the leading axis of `params` and `f0`)."""

    def one(params, f0):
        return jax.lax.fori_loop(0, steps, lambda _, p: _step(nonlinearity, scales, p, x, y, f0, step_size), params)

    return jax.vmap(one)(params, f0)


@jax.jit
def _outputs(nonlinearity, scales: Scales, params: Params, x) -> Float[Array, "seed n out_dim"]:
    return jax.vmap(lambda p: output(nonlinearity, scales, p, hidden_states(nonlinearity, scales, p, x)))(params)


@jax.jit
def _kernels(nonlinearity, scales: Scales, params: Params, x) -> Float[Array, "seed n n"]:
    # One seed after the other: the signals of all outputs of one network are the largest array there is.
    return jax.lax.map(lambda p: ntk_of_points(nonlinearity, scales, p, x, x), params)


@partial(jax.jit, static_argnames=("in_dim", "out_dim", "width", "layers"))
def _draw_seeds(seeds, in_dim: int, out_dim: int, width: int, layers: int) -> Params:
    return jax.vmap(lambda seed: draw(jax.random.key(seed), in_dim, out_dim, width, layers, "float32"))(seeds)


def default_learning_rate(net: Network, data: Dataset) -> float:
    r"""Return a quarter of the largest stable step, $\frac14 2n/\lambda_{max}(\Theta)$, or less for a rich network.

    Feature learning multiplies the kernel, by about $1 + \gamma^2/N$ in what was tried ($\gamma^2/N = \gamma_0^2$ in
    muP), so the step is divided by that: a step that was stable at the start would not stay so.
    """
    kernel = ntk(net, data.x_train)
    n = len(kernel)
    if not kernel.any():
        raise ValueError(
            "A default learning rate needs a kernel that is not zero; got weight_var "
            f"{net.weight_var:g} and bias_var {net.bias_var:g}. Raise one, or give learning_rate."
        )
    # A start without any structure: a constant vector is in the null space of an odd kernel on symmetric points.
    start = np.random.default_rng(0).standard_normal(n)
    top = float(kernel[0, 0]) if n == 1 else float(eigsh(kernel, k=1, return_eigenvectors=False, v0=start)[0])
    return _STABLE_FRACTION * 2 * n / top / (1 + net.gamma**2 / net.width)


def checkpoint_steps(time: Any, learning_rate: float, checkpoints: int) -> np.ndarray:
    """Return increasing step counts, from 0, for an end time (log-spaced) or an array of times (rounded)."""
    times = as_numbers(time, "time")
    least_is_met = (times >= 0).all() if times.ndim else times > 0
    if times.ndim > 1 or times.size == 0 or not np.isfinite(times).all() or not least_is_met:
        raise ValueError(
            f"time must be an end time above 0 or an array of finite times of at least 0; got {time!r}. Change time."
        )
    if times.max() > _MOST_STEPS * learning_rate:
        raise ValueError(
            f"time must be at most {_MOST_STEPS:,} steps of the learning rate {learning_rate:.3g}; "
            f"got {times.max():.3g}. Lower time, or raise the learning rate."
        )
    steps = np.round(times / learning_rate)
    if times.ndim == 0:
        steps = np.round(np.geomspace(1, max(1.0, float(steps)), whole(checkpoints, "checkpoints", 2) - 1))
    return np.unique(np.append(steps, 0).astype(np.int64))


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
) -> Iterator[xr.Dataset]:
    """Train as `train` does, and yield one checkpoint at a time (a Dataset with one time), t = 0 first.

    Close the generator to stop. If a loss stops being finite, the stream ends there and the last Dataset's attribute
    `status` says so.
    """
    of_type(net, "net", Network)
    of_type(data, "data", Dataset)
    learning_rate = (
        default_learning_rate(net, data) if learning_rate is None else number(learning_rate, "learning_rate", above=0)
    )
    steps = checkpoint_steps(time, learning_rate, checkpoints)
    record = record if isinstance(record, (tuple, list)) else (record,)
    record = tuple(choice(name, "record", RECORDABLE) for name in record)
    probes = len(data.x_train) if ntk_points is None else min(whole(ntk_points, "ntk_points", 1), len(data.x_train))
    names = seed_of(seed) + np.arange(whole(seeds, "seeds", 1))
    seed_of(names[-1], "seed + seeds - 1")
    return _stream(net, data, steps, learning_rate, names, record, flag(centred, "centred"), probes)


def _layers(net: Network) -> int:
    """Return how many layers' weights are held; a very wide network has none to spare."""
    buckets = _DEPTH_BUCKETS if net.width <= _WIDEST_WITH_SPARE_LAYERS else ()
    return next((bucket for bucket in buckets if bucket >= net.depth), net.depth)


def _stream(net, data, steps, learning_rate, seeds, record, centred, probes) -> Iterator[xr.Dataset]:
    with np.errstate(over="ignore"):  # what overflows here is reported with the first loss
        x, y, x_test, y_test = (
            jnp.asarray(a, jnp.float32) for a in (data.x_train, data.y_train, data.x_test, data.y_test)
        )
    scales, nonlinearity = Scales.of(net, data.in_dim), Nonlinearity.of(net)
    layers = _layers(net)
    params = _draw_seeds(jnp.asarray(seeds, jnp.uint32), data.in_dim, data.out_dim, net.width, layers)
    offsets = [jnp.zeros((len(seeds), *targets.shape), jnp.float32) for targets in (y, y_test)]
    if centred:
        offsets = [_outputs(nonlinearity, scales, params, points) for points in (x, x_test)]
    attributes = {"network": repr(net), "data": data.name, "learning_rate": learning_rate, "centred": int(centred)}

    def measure(step: int) -> xr.Dataset:
        f, f_test = (
            _outputs(nonlinearity, scales, params, points) - offset
            for points, offset in zip((x, x_test), offsets, strict=True)
        )
        losses = {
            "train_loss": ((f - y[None]) ** 2).sum(axis=(1, 2)) / (2 * len(y)),
            "test_loss": ((f_test - y_test[None]) ** 2).sum(axis=(1, 2)) / (2 * len(y_test)),
        }
        variables = losses if "loss" in record else {}
        if "outputs" in record:
            variables = {**variables, "f_train": f, "f_test": f_test}
        if "ntk" in record:
            variables = {**variables, "ntk": _kernels(nonlinearity, scales, params, x[:probes])}
        now = step * learning_rate
        finite = bool(jnp.isfinite(losses["train_loss"]).all())
        status = (
            "complete"
            if finite
            else (f"diverged before t = {now:.3g}: the learning rate {learning_rate:.3g} is too large for this network")
        )
        arrays = {name: np.asarray(value)[:, None] for name, value in variables.items()}
        return labelled(arrays, ("seed", "time"), {"seed": seeds, "time": [now]}, status=status, **attributes)

    done = 0
    for step in steps:
        params = _advance(
            nonlinearity, scales, params, x, y, offsets[0], learning_rate * net.gamma / len(y), step - done
        )
        done = int(step)
        result = measure(done)
        if done == 0 and result.attrs["status"] != "complete":
            raise ValueError(
                "The loss before training must be finite in float32; got infinity or NaN. "
                "Scale the data, or lower weight_var, bias_var or the depth."
            )
        yield result
        if result.attrs["status"] != "complete":
            return


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
) -> xr.Dataset:
    r"""Train an ensemble of finite networks by full-batch gradient descent on the squared loss, in float32.

    Args:
        net: the network; `net.parametrization` and `net.richness` say how lazy it is.
        data: what to train and test on.
        time: end time (learning rate x steps), recorded at log-spaced checkpoints; or an array of times, each rounded
            to a whole step. t = 0 is always recorded.
        learning_rate: step size eta; None takes `default_learning_rate`, a quarter of the largest stable one or less.
        seeds: how many networks, at least 1.
        seed: the first one's seed; network i starts from `init(net, D, C, seed=seed + i)`.
        record: any of loss, outputs, ntk.
        checkpoints: how many times are recorded for an end time; equal ones are merged.
        centred: train f - f_0 in place of f, so that every network starts from 0 (Chizat, Oyallon & Bach 2019).
        ntk_points: record the kernel on this many of the first training points; None means all.

    Returns:
        `train_loss`, `test_loss` (seed, time); `f_train`, `f_test` (seed, time, point, output); `ntk` (seed, time,
        point, point). `attrs["status"]` is `complete`, or says when the loss diverged; then the result ends there and
        a RuntimeWarning is given.

    Raises:
        ValueError: an argument out of its range.
    """
    parts = list(
        train_stream(
            net, data, time=time, learning_rate=learning_rate, seeds=seeds, seed=seed, record=record,
            checkpoints=checkpoints, centred=centred, ntk_points=ntk_points,
        )
    )  # fmt: skip
    status = parts[-1].attrs["status"]
    if status != "complete":
        warnings.warn(f"Training {status}. Lower it below 2n/lambda_max.", RuntimeWarning, stacklevel=2)
    result = xr.concat(parts, dim="time", combine_attrs="override")
    result.attrs["status"] = status
    return result
