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
        shapes = ((len(self.initial.first), len(x), self.data.out_dim) for x in self.x)
        train, test = (jnp.asarray(np.zeros(shape, np.float32)) for shape in shapes)
        return self._outputs_of(self.initial, (train, test)) if self.centred else (train, test)

    def outputs_of(self, params: Params) -> tuple[Array, Array]:
        """Return what is trained on training and on test points, f or f - f_0, (seed, n, C)."""
        return self._outputs_of(params, self.offsets)

    def _outputs_of(self, params: Params, offsets: tuple[Array, Array]) -> tuple[Array, Array]:
        return _outputs(self.nonlinearity, self.scales, params, self.x, offsets)

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
        return jnp.asarray(array.astype(np.float32))  # by NumPy: JAX would compile a program for it


# Training and test points go through the networks together: one program to compile in place of two.
@jax.jit
def _outputs(nonlinearity: Nonlinearity, scales: Scales, params: Params, x: Any, offsets: Any) -> tuple[Array, Array]:
    def f(p: Params) -> Float[Array, "n out_dim"]:
        return output(nonlinearity, scales, p, hidden_states(nonlinearity, scales, p, jnp.concatenate(x)))

    train, test = jnp.split(each_seed(f, params), [len(x[0])], axis=1)
    return train - offsets[0], test - offsets[1]


@jax.jit
def _mean_losses(loss: Any, f: tuple[Array, Array], y: tuple[Array, Array]) -> tuple[Array, Array]:
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
