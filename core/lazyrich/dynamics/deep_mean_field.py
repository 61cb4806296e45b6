r"""The infinite-width rich limit of networks of any depth.

With $\gamma = \gamma_0\sqrt N$ and width to infinity the preactivations $h^l_\mu(t)$ and signals $g^l_\mu(t)$ of a layer
become processes of their own, whose laws fix each other through the kernels $\Phi^l = \langle\phi\phi\rangle$,
$G^l = \langle gg\rangle$ and the response functions on pairs of (time, sample) (Bordelon & Pehlevan 2022). Here they are
sampled: S particles a layer, with fields from Gaussian matrices that are drawn as training visits them
(`gaussian_matrix`). That is, in law, a centred muP network of width S, except that nothing of order S^2 is ever made and
that fresh fields are orthonormal to one another. All is causal, so one march through the steps solves the equations:
there is nothing to iterate, and nothing that could fail to converge.

In a linear network all that orthonormal fields can do is exact: the result is the closed form, of no sampling error
at any S that can hold them. With one hidden layer these are the S = D + C vectors of Yang & Hu 2021's linear limit.
"""

import dataclasses
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from .._checks import number, of_type, seed_of, whole
from .._float64 import to_numpy
from ..data import Dataset
from ..mlp import Nonlinearity
from ..networks import Network
from ..results import labelled
from .training import checkpoint_steps, default_learning_rate
from .wide_network import Measured, Scalars, State, advance, enlarged, measure, start

# Directions shorter than this, relative to the first vectors, are not drawn: their images are taken at their mean.
_TOLERANCE = {"float32": 5e-3, "float64": 1e-7}
# Rooms for directions that are compiled; a run moves to the next when it has filled one.
_ROOMS = (128, 256, 512, 1024)
_PARTICLES_PER_DIRECTION = 16
_EXACT_DIRECTIONS = 512
_MOST_BYTES = 4e9
# Left out beyond this, directions move the outputs by about 0.01.
_LEFT_OUT_WARNING = 0.1


class _Plan(NamedTuple):
    """Shapes of a run: particles, the vectors that each layer starts with, and the most directions of a matrix."""

    exact: bool
    dtype: str
    particles: int
    looks: int
    directions: int


def _plan(net: Network, data: Dataset, particles: int, steps: int) -> _Plan:
    """Return the shapes of a run, or say what does not fit."""
    n, points = len(data.x_train), len(data.x_train) + len(data.x_test)
    looks = max(len(data.x_test), n * data.out_dim)
    own = min(data.in_dim, points) + 1 + data.out_dim + looks
    first, most = n * (data.out_dim + 2), n * (data.out_dim + 2 + steps)
    exact = str(net.phi) == "identity" and not net.layer_norm and not net.residual
    if exact:  # twice the dimensions there are, so that fresh vectors do not come from a remainder of rounding errors
        directions = max(first, min(most, _EXACT_DIRECTIONS))
        particles, dtype = 2 * (own + 2 * directions), "float64"
    else:
        least = max(4 * own, _PARTICLES_PER_DIRECTION * first * (net.depth > 1))
        if particles < least:
            raise ValueError(
                f"particles must be at least {least:,} for {n} training and {len(data.x_test)} test points with "
                f"{data.out_dim} outputs; got {particles:,}. Raise particles, or use fewer points."
            )
        directions, dtype = min(most, particles // _PARTICLES_PER_DIRECTION, _ROOMS[-1]), "float32"
        directions = max(directions, first)
    numbers = particles * (net.depth * (own + 2 * directions) + (net.depth - 1) * 4 * directions)
    gigabytes = np.dtype(dtype).itemsize * numbers / 1e9
    if gigabytes > _MOST_BYTES / 1e9:
        raise ValueError(
            f"A run must fit into {_MOST_BYTES / 1e9:g} GB; got {gigabytes:.1f} GB for {particles:,} particles, depth "
            f"{net.depth} and {directions} directions a matrix. Lower particles or depth, or use fewer points."
        )
    return _Plan(exact, dtype, particles, looks, directions)


def _rooms(plan: _Plan, least: int) -> list[int]:
    """Return the rooms a run may move through, the first of at least `least`."""
    return [room for room in _ROOMS if least <= room < plan.directions] + [plan.directions]


def _march(
    net: Network, data: Dataset, plan: _Plan, richness: float, learning_rate: float, steps, seed: int
) -> Iterator:
    """Yield the state and what is measured of it at each of `steps`."""
    points = np.concatenate([data.x_train, data.x_test])
    if data.in_dim > len(points):  # only inner products matter
        points = np.linalg.qr(points.T, mode="r").T
    x, x_test, y = (jnp.asarray(a, plan.dtype) for a in (*np.split(points, [len(data.x_train)]), data.y_train))
    n, first = len(x), len(x) * (data.out_dim + 2)
    scalars = Scalars(
        np.sqrt(net.weight_var / data.in_dim), np.sqrt(net.weight_var), np.sqrt(net.bias_var), net.residual,
        richness, learning_rate / n, _TOLERANCE[plan.dtype],
    )  # fmt: skip
    scalars, nonlinearity, rooms = Scalars(*map(float, scalars)), Nonlinearity.of(net), _rooms(plan, first)
    room = rooms.pop(0)
    state = start(
        scalars, nonlinearity, jax.random.key(seed), x, y,
        slots=room, looks=plan.looks, depth=net.depth, particles=plan.particles,
    )  # fmt: skip
    for step in steps:
        state = advance(scalars, nonlinearity, state, x, y, step, not rooms)
        while rooms and int(state.step) < step:
            state = enlarged(state, rooms.pop(0))
            state = advance(scalars, nonlinearity, state, x, y, step, not rooms)
        yield state, to_numpy(measure(scalars, nonlinearity, state, x, x_test))


def _run(*arguments: Any) -> tuple[list[Measured], State]:
    """Return what is measured until the end, or until it is not finite; and the last state."""
    measured, state = [], None
    for state, now in _march(*arguments):
        measured.append(now)
        if not np.isfinite(now.f_train).all():
            break
    assert state is not None
    return measured, state


def _mean_and_error(runs: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean over runs and its standard error, 0 for a single, exact one."""
    stack = np.asarray(runs, np.float64)
    error = stack.std(axis=0, ddof=1) / np.sqrt(len(stack)) if len(stack) > 1 else np.zeros_like(stack[0])
    return stack.mean(axis=0), error


def _variables(runs: list[list[Measured]], data: Dataset, unit: float) -> dict[str, np.ndarray]:
    """Return the arrays of the result, over time."""
    fields = {name: [np.array([getattr(m, name) for m in run]) for run in runs] for name in Measured._fields}
    variables = {name: _mean_and_error(fields[name])[0] for name in ("ntk", "feature_kernels", "gradient_kernels")}
    for part, y in (("train", data.y_train), ("test", data.y_test)):
        centred = [unit * (np.float64(f) - f[0]) for f in fields[f"f_{part}"]]
        f, error = _mean_and_error(centred)
        loss = ((f - y) ** 2).sum(axis=(1, 2)) / (2 * len(y))
        variables |= {f"f_{part}": f, f"f_{part}_error": error, f"{part}_loss": loss}
    return variables


def deep_mean_field(
    net: Network,
    data: Dataset,
    *,
    time: Any,
    richness: float | None = None,
    particles: int = 10_000,
    learning_rate: float | None = None,
    seeds: int = 4,
    seed: int = 0,
    checkpoints: int = 30,
) -> xr.Dataset:
    r"""Return the infinite-width rich dynamics of a network of any depth, trained by full-batch gradient descent.

    A network with the identity for an activation (and neither skip connections nor layer normalisation) is solved
    exactly, in float64 and without sampling. Any other is sampled, in float32, by `seeds` independent runs.

    The cost of a step grows with particles x directions, where a matrix's directions are those that training has
    drawn: few for smooth activations, up to two a training point and step where slopes jump. For one hidden layer
    `mean_field` does the same without limits on the points; times, losses and richness are those of `train`.

    Args:
        net: the network; its width and parametrization play no part.
        data: what to train and test on, a few dozen training points.
        time: end time, or an array of times; see `train`.
        richness: gamma_0 > 0; None takes the network's.
        particles: how many particles S a layer; the sampling error falls as S^(-1/2). Not used in the exact case.
        learning_rate: step size; see `train`.
        seeds: how many independent runs are averaged, at least 2. Not used in the exact case.
        seed: the first one's seed.
        checkpoints: how many times are recorded for an end time.

    Returns:
        Over `time`: `train_loss`, `test_loss` (of the mean outputs); `f_train`, `f_test` (point, output) and their
        standard errors over runs, `f_train_error` and `f_test_error`, 0 in the exact case; `ntk` (point, point);
        `feature_kernels`, Phi^l, and `gradient_kernels`, G^l, a mean over outputs (layer, point, point), on the
        training points. `attrs` say `exact` (1 or 0), `standard_error` (the largest on the training points),
        `directions` (the most drawn of a matrix), `left_out` (the relative norm of the largest that found no room) and
        `status`, as in `train`.

    Raises:
        ValueError: an activation that jumps, more points than the particles can resolve, or an argument out of its
            range.
    """
    of_type(net, "net", Network)
    of_type(data, "data", Dataset)
    if not net.phi.has_tangent:
        raise ValueError(
            f"Gradient descent needs an activation with a slope; got {net.phi}, which jumps. Pick another, as erf."
        )
    richness = net.richness if richness is None else number(richness, "richness", above=0)
    particles, seeds, seed = whole(particles, "particles", 1), whole(seeds, "seeds", 2), seed_of(seed)
    seed_of(seed + seeds - 1, "seed + seeds - 1")
    if learning_rate is None:
        wide = dataclasses.replace(net, parametrization="mean_field", richness=richness)
        learning_rate = default_learning_rate(wide, data)
    learning_rate = number(learning_rate, "learning_rate", above=0)
    steps = checkpoint_steps(time, learning_rate, checkpoints)
    plan = _plan(net, data, particles, int(steps[-1]))
    # Targets of size u at richness gamma_0 are targets of size 1 at gamma_0 u: so tolerances are relative.
    unit = float(np.abs(data.y_train).max()) or 1.0
    scaled = dataclasses.replace(data, y_train=data.y_train / unit)
    with jax.enable_x64(plan.exact):
        runs, states = zip(
            *(
                _run(net, scaled, plan, richness * unit, learning_rate, steps, seed + i)
                for i in range(1 if plan.exact else seeds)
            ),
            strict=True,
        )
    shortest = min(len(run) for run in runs)
    variables = _variables([run[:shortest] for run in runs], data, unit)
    times = learning_rate * steps[:shortest]
    return _labelled(net, data, plan, richness, learning_rate, times, variables, states)


def _labelled(net, data, plan, richness, learning_rate, times, variables, states: tuple[State, ...]) -> xr.Dataset:
    """Return the result, with a warning if it diverged or if too much was left out."""
    status = "complete"
    if not np.isfinite(variables["train_loss"]).all():
        status = f"diverged before t = {times[-1]:.3g}: the learning rate {learning_rate:.3g} is too large"
        warnings.warn(f"Training {status}. Lower it below 2n/lambda_max.", RuntimeWarning, stacklevel=3)
    left_out = max(float(state.left_out) for state in states)
    if left_out > _LEFT_OUT_WARNING:
        warnings.warn(
            f"Directions were left out, of relative size {left_out:.2g}, as there was no room for more than "
            f"{plan.directions} a matrix. Raise particles, or use fewer points or steps.",
            RuntimeWarning,
            stacklevel=3,
        )
    counts = [int(s.count) for state in states for m in state.matrices for s in (m.inputs, m.outputs)]
    return labelled(
        variables, ("time",), {"time": times, "layer": np.arange(1, net.depth + 1)},
        network=repr(net), data=data.name, learning_rate=learning_rate, richness=richness, centred=1,
        exact=int(plan.exact), particles=plan.particles, seeds=len(states), directions=max(counts, default=0),
        left_out=left_out, standard_error=float(variables["f_train_error"].max()), status=status,
    )  # fmt: skip
