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

from ...data import Dataset
from ...kernels.empirical import ntk_of_points
from ...mlp import Nonlinearity, Params, Scales, hidden_states, output
from ...networks import Network
from ..linearised import LinearisedTraining
from ..losses.point_losses import Loss
from .descent import Task, each_seed, stacked


@dataclass(frozen=True, eq=False)
class Ensemble:
    """What stays the same during a run.

    Attributes:
        net: the network.
        data: what it is trained and tested on.
        loss: what is minimised.
        targets: training and test targets as the loss takes them.
        initial: the weights at the start, as in a `State`.
        centred: whether f - f_0 is trained in place of f.
        probes: how many of the first training points kernels are measured on.
        learning_rate: the step size, once it is known.
    """

    net: Network
    data: Dataset
    loss: Loss
    targets: tuple[np.ndarray, np.ndarray]
    initial: Params
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
    def offsets(self) -> tuple[Array, Array]:
        """What is taken from the outputs on training and on test points, (seed, n, C)."""
        if self.centred:
            return self._outputs_of(self.initial)
        seeds, out_dim = len(self.initial.first), self.data.out_dim
        train, test = (jnp.zeros((seeds, len(x), out_dim), jnp.float32) for x in self.x)
        return train, test

    def outputs_of(self, params: Params) -> tuple[Array, Array]:
        """Return what is trained on training and on test points, f or f - f_0, (seed, n, C)."""
        f, f_test = (f - offset for f, offset in zip(self._outputs_of(params), self.offsets, strict=True))
        return f, f_test

    def _outputs_of(self, params: Params) -> tuple[Array, Array]:
        f, f_test = (_outputs(self.nonlinearity, self.scales, params, x) for x in self.x)
        return f, f_test

    @cached_property
    def task(self) -> Task:
        """What is learned."""
        return Task(self.x[0], self.y[0], self.offsets[0])

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
        weights: their weights, the hidden layers one by one as in a `State`.
        time: learning rate x steps.
    """

    run: Ensemble
    weights: Params
    time: float

    @cached_property
    def params(self) -> Params:
        """Their weights, the hidden layers in one array."""
        return stacked(self.weights)

    @cached_property
    def f(self) -> tuple[Array, Array]:
        """The outputs on training and on test points, (seed, n, C)."""
        return self.run.outputs_of(self.weights)

    @property
    def parts(self) -> list[tuple[str, Array, Array]]:
        """Name, outputs and targets of the training and of the test points."""
        return list(zip(("train", "test"), self.f, self.run.y, strict=True))

    @cached_property
    def losses(self) -> tuple[Array, Array]:
        """The losses on training and on test points, (seed,)."""
        train, test = (_mean_losses(self.run.loss.value, f, y) for _, f, y in self.parts)
        return train, test

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
        return jnp.asarray(array, jnp.float32)


@jax.jit
def _outputs(nonlinearity: Nonlinearity, scales: Scales, params: Params, x: Any) -> Float[Array, "seed n out_dim"]:
    def f(p: Params) -> Float[Array, "n out_dim"]:
        return output(nonlinearity, scales, p, hidden_states(nonlinearity, scales, p, x))

    return each_seed(f, params)


@jax.jit
def _mean_losses(loss: Any, f: Float[Array, "seed n out_dim"], y: Float[Array, "n out_dim"]) -> Float[Array, " seed"]:
    return jax.vmap(lambda f: jax.vmap(loss)(f, y).mean())(f)


@jax.jit
def _states(nonlinearity: Nonlinearity, scales: Scales, params: Params, x: Any) -> Float[Array, "seed layers n width"]:
    return jax.lax.map(lambda p: hidden_states(nonlinearity, scales, p, x), params)


@partial(jax.jit, static_argnames="layers")
def _kernels(nonlinearity: Nonlinearity, scales: Scales, params: Params, x: Any, *, layers: bool) -> Array:
    # One seed after the other: the signals of all outputs of one network are the largest array there is.
    return jax.lax.map(lambda p: ntk_of_points(nonlinearity, scales, p, x, layers=layers), params)
