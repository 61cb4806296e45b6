"""An ensemble of networks in training: what stays the same during a run, and what is measured at a checkpoint.

Everything is computed when it is first asked for, so that a run costs what is recorded of it.
"""

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...data import Dataset, plane_grid
from ...kernels.empirical import ntk_of_points
from ...mlp import Nonlinearity, Params, Scales, hidden_states, output, readout
from ...networks import Network
from ..linearised import LinearisedTraining
from ..losses.point_losses import Loss
from .descent import Task, stacked
from .layers import forward

# On training and on test points.
Outputs = tuple[Float[np.ndarray, "seed n out_dim"], Float[np.ndarray, "seed n_test out_dim"]]


@dataclass(frozen=True, eq=False)
class Ensemble:
    """What stays the same during a run.

    Attributes:
        net: the network.
        data: what it is trained and tested on.
        loss: what is minimised.
        targets: training and test targets as the loss takes them.
        initial: the weights of each seed at the start, as in a `State`.
        centred: whether f - f_0 is trained in place of f.
        probes: how many of the first training points kernels are measured on.
        learning_rate: the step size, once it is known.
    """

    net: Network
    data: Dataset
    loss: Loss
    targets: tuple[np.ndarray, np.ndarray]
    initial: tuple[Params, ...]
    centred: bool
    probes: int
    learning_rate: float | None = None

    @cached_property
    def nonlinearity(self) -> Nonlinearity:
        """What the hidden layers do."""
        return Nonlinearity.of(self.net)

    @cached_property
    def scales(self) -> Scales:
        """The network's runtime values."""
        return Scales.of(self.net, self.data.in_dim)

    @cached_property
    def x(self) -> tuple[Array, Array]:
        """Training and test points."""
        return _single(self.data.x_train), _single(self.data.x_test)

    @cached_property
    def y(self) -> tuple[Array, Array]:
        """Their targets."""
        return _single(self.targets[0]), _single(self.targets[1])

    @cached_property
    def offsets(self) -> Outputs:
        """What is taken from the outputs on training and on test points, (seed, n, C)."""
        f = self._outputs_of(self.initial)
        return f if self.centred else (np.zeros_like(f[0]), np.zeros_like(f[1]))

    def outputs_of(self, weights: tuple[Params, ...]) -> Outputs:
        """Return what is trained on training and on test points, f or f - f_0, (seed, n, C)."""
        train, test = self._outputs_of(weights)
        return train - self.offsets[0], test - self.offsets[1]

    def _outputs_of(self, weights: tuple[Params, ...]) -> Outputs:
        each = [_outputs(self.nonlinearity, self.scales, params, self.x) for params in weights]
        train, test = (np.stack(f) for f in zip(*each, strict=True))
        return train, test

    @cached_property
    def plane(self) -> Array:
        """The grid over the plane of data with two inputs, (points, 2)."""
        return _single(plane_grid(self.data).points)

    @cached_property
    def tasks(self) -> list[Task]:
        """What each seed learns."""
        return [Task(self.x[0], self.y[0], jnp.array(offset)) for offset in self.offsets[0]]

    @cached_property
    def start(self) -> "Checkpoint":
        """The checkpoint at t = 0."""
        return Checkpoint(self, self.initial, 0.0)

    @cached_property
    def linear_training(self) -> list[LinearisedTraining]:
        """How each network would train if it were linear in its weights, by gradient descent on the squared loss."""
        data, options = self.data, {"learning_rate": self.learning_rate, "centred": self.centred}
        return [
            LinearisedTraining(self.net, params, data.x_train, self.targets[0], data.x_test, **options)
            for params in self.start.unstacked
        ]


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """The networks at one time.

    Attributes:
        run: what they share with other times.
        weights: the weights of each seed, the hidden layers one by one as in a `State`.
        time: learning rate x steps.
    """

    run: Ensemble
    weights: tuple[Params, ...]
    time: float

    @cached_property
    def params(self) -> Params:
        """Their weights, the hidden layers in one array."""
        return stacked(self.weights)

    @cached_property
    def f(self) -> Outputs:
        """The outputs on training and on test points, (seed, n, C)."""
        return self.run.outputs_of(self.weights)

    @property
    def parts(self) -> list[tuple[str, np.ndarray, Array]]:
        """Name, outputs and targets of the training and of the test points."""
        return list(zip(("train", "test"), self.f, self.run.y, strict=True))

    @property
    def f_plane(self) -> Float[Array, "seed points out_dim"]:
        """The outputs on the grid over the plane, f or f - f_0."""
        return self._on_plane - (self.run.start._on_plane if self.run.centred else 0.0)

    @cached_property
    def _on_plane(self) -> Float[Array, "seed points out_dim"]:
        return _functions(self.run.nonlinearity, self.run.scales, self.params, self.run.plane)

    @cached_property
    def losses(self) -> tuple[Array, Array]:
        """The losses on training and on test points, (seed,)."""
        return _mean_losses(self.run.loss.value, self.f, self.run.y)

    @cached_property
    def states(self) -> Float[Array, "seed layers n width"]:
        """The preactivations of the first training points."""
        return _states(self.run.nonlinearity, self.run.scales, self.params, self._probes)

    @cached_property
    def ntk(self) -> Float[np.ndarray, "seed n n"]:
        """The empirical NTK on the first training points."""
        return np.asarray(_kernels(self.run.nonlinearity, self.run.scales, self.params, self._probes, layers=False))

    @cached_property
    def ntk_layers(self) -> Float[np.ndarray, "seed layers n n"]:
        """What each layer contributes to it, the readout last."""
        kernels = _kernels(self.run.nonlinearity, self.run.scales, self.params, self._probes, layers=True)
        return np.asarray(kernels)[:, : self.run.net.depth + 1]

    @cached_property
    def unstacked(self) -> list[Params]:
        """The weights of every seed, without spare layers."""
        depth, params = self.run.net.depth, jax.tree.map(np.asarray, self.params)
        used = params._replace(hidden=params.hidden[:, : depth - 1], biases=params.biases[:, :depth])
        return [Params(*(leaf[i] for leaf in used)) for i in range(len(params.first))]

    @property
    def _probes(self) -> Array:
        return self.run.x[0][: self.run.probes]


def _single(array: np.ndarray) -> Array:
    with np.errstate(over="ignore"):  # what overflows here is reported with the first loss
        return jnp.array(array.astype(np.float32))  # by NumPy: JAX would compile a program for it


# Training and test points go through a network together: one program to compile in place of two.
@jax.jit
def _outputs(nonlinearity: Nonlinearity, scales: Scales, params: Params, x: Any) -> list[Float[Array, "n out_dim"]]:
    last = forward(nonlinearity, scales, params, jnp.concatenate(x))[-1]
    return jnp.split(readout(scales, params, nonlinearity(last)), [len(x[0])])


@jax.jit
def _functions(
    nonlinearity: Nonlinearity, scales: Scales, params: Params, x: Any
) -> Float[Array, "seed points out_dim"]:
    return jax.lax.map(lambda p: output(nonlinearity, scales, p, hidden_states(nonlinearity, scales, p, x)), params)


@jax.jit
def _mean_losses(loss: Any, f: Any, y: tuple[Array, Array]) -> tuple[Array, Array]:
    def of_seeds(f: Float[Array, "seed n out_dim"], y: Float[Array, "n out_dim"]) -> Float[Array, " seed"]:
        return jax.vmap(lambda f: jax.vmap(loss)(f, y).mean())(f)

    return of_seeds(f[0], y[0]), of_seeds(f[1], y[1])


@jax.jit
def _states(nonlinearity: Nonlinearity, scales: Scales, params: Params, x: Any) -> Float[Array, "seed layers n width"]:
    return jax.lax.map(lambda p: hidden_states(nonlinearity, scales, p, x), params)


@partial(jax.jit, static_argnames="layers")
def _kernels(nonlinearity: Nonlinearity, scales: Scales, params: Params, x: Any, *, layers: bool) -> Array:
    # One seed after the other: the signals of all outputs of one network are the largest array there is.
    return jax.lax.map(lambda p: ntk_of_points(nonlinearity, scales, p, x, layers=layers), params)
