r"""The layers of a very wide muP network, forward, backward and after a step, whatever multiplies by its matrices.

With S particles a layer, hidden matrices W of variance 1/S (`GaussianMatrix`) and signals of order 1,
$g^l = \sqrt S\gamma\, \partial f/\partial h^l$,

$$h^{l+1} = s_w W^l \phi(h^l) + s_b b^l + \alpha h^l, \qquad f = \frac{s_w}{\gamma_0} \langle w \phi(h^L)\rangle,$$
$$g^l = \phi'(h^l) * (s_w W^{lT} g^{l+1}) + \alpha g^{l+1}, \qquad g^L = s_w w\, \phi'(h^L),$$
$$W^l \mathrel{+}= \frac{\eta\gamma_0}{n} s_w \sum_\nu \Delta_\nu\, \frac1S g^{l+1}_\nu \phi(h^l_\nu)^T, \qquad
\Delta = y - f,$$

and likewise for the first weights, the biases and the readout: the network of `mlp` with $\gamma = \gamma_0\sqrt S$ and
the rate $\eta\gamma^2$.

Each piece is compiled once, for all layers and depths.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..mlp import Nonlinearity
from .gaussian_matrix import Vectors, inner


class Scalars(NamedTuple):
    """The runtime values: s_w / sqrt(D), s_w, s_b, alpha, gamma_0, eta / n and the tolerance of new directions."""

    first: Any
    hidden: Any
    bias: Any
    residual: Any
    richness: Any
    rate: Any
    tolerance: Any


class Weights(NamedTuple):
    """Everything trained but the hidden matrices, and the outputs at the start."""

    first: Float[Array, "particles in_dim"]
    biases: tuple[Float[Array, " particles"], ...]
    readout: Float[Array, "out_dim particles"]
    readout_bias: Float[Array, " out_dim"]  # its share of f
    f0: Float[Array, "n out_dim"]


@jax.jit
def activate(nonlinearity: Nonlinearity, h: Vectors) -> Vectors:
    """Return phi(h)."""
    return nonlinearity(h)


@jax.jit
def readout(scalars: Scalars, nonlinearity: Nonlinearity, weights: Weights, last: Vectors) -> Float[Array, "n out_dim"]:
    """Return f, before it is centred, from h^L."""
    f = scalars.hidden / scalars.richness * inner(nonlinearity(last), weights.readout)
    return f + weights.readout_bias[None, :]


@jax.jit
def _first(scalars: Scalars, weights: Weights, x: Any) -> Vectors:
    return scalars.first * x @ weights.first.T + scalars.bias * weights.biases[0][None, :]


@jax.jit
def _next(scalars: Scalars, image: Vectors, bias: Float[Array, " particles"], h: Vectors) -> Vectors:
    return scalars.hidden * image + scalars.bias * bias[None, :] + scalars.residual * h


@jax.jit
def _last(scalars: Scalars, nonlinearity: Nonlinearity, weights: Weights, h: Vectors, delta: Any) -> Vectors:
    return nonlinearity.pull_back(h, scalars.hidden * (delta @ weights.readout))


@jax.jit
def _previous(scalars: Scalars, nonlinearity: Nonlinearity, image: Vectors, h: Vectors, signals: Vectors) -> Vectors:
    return nonlinearity.pull_back(h, scalars.hidden * image) + scalars.residual * signals


@jax.jit
def trained(scalars: Scalars, weights: Weights, signals: tuple[Vectors, ...], features: Vectors, x, delta) -> Weights:
    """Return the weights after a step, from g of sum_c delta_c f_c and phi(h^L)."""
    rate = scalars.rate * scalars.richness
    biases = zip(weights.biases, signals, strict=True)
    ones = jnp.ones(len(x), x.dtype)  # a product is ten times as fast as XLA's sum over rows
    return weights._replace(
        first=weights.first + rate * scalars.first * signals[0].T @ x,
        biases=tuple(bias + rate * scalars.bias * (ones @ g) for bias, g in biases),
        readout=weights.readout + rate * scalars.hidden * delta.T @ features,
        readout_bias=weights.readout_bias + scalars.rate * scalars.bias**2 * delta.sum(axis=0),
    )


@jax.jit
def trained_matrix(scalars: Scalars, moved: Any, signals: Any, features: Any) -> Float[Array, "slots slots"]:
    """Return what training has added to a matrix after a step, in coordinates."""
    return moved + scalars.rate * scalars.richness * scalars.hidden * signals.T @ features


def forward(scalars: Scalars, nonlinearity: Nonlinearity, weights: Weights, x: Any, times: Any) -> tuple[Vectors, ...]:
    """Return h^1 ... h^L, where `times(l, p)` multiplies p by hidden matrix l."""
    states = [_first(scalars, weights, x)]
    for level, bias in enumerate(weights.biases[1:]):
        image = times(level, activate(nonlinearity, states[-1]))
        states.append(_next(scalars, image, bias, states[-1]))
    return tuple(states)


def backward(
    scalars: Scalars, nonlinearity: Nonlinearity, weights: Weights, states: tuple[Vectors, ...], delta: Any, times: Any
) -> tuple[Vectors, ...]:
    """Return g^1 ... g^L of sum_c delta_c f_c, where `times(l, g)` multiplies g by the transpose of matrix l."""
    signals = [_last(scalars, nonlinearity, weights, states[-1], delta)]
    for level in reversed(range(len(states) - 1)):
        image = times(level, signals[0])
        signals.insert(0, _previous(scalars, nonlinearity, image, states[level], signals[0]))
    return tuple(signals)


@partial(jax.jit, static_argnames="out_dim")
def each_output(states: tuple[Vectors, ...], *, out_dim: int) -> tuple[Any, Any]:
    """Return the states once for every output, and the `delta` that picks it."""
    delta = jnp.repeat(jnp.eye(out_dim, dtype=states[0].dtype), len(states[0]), axis=0)
    return tuple(jnp.tile(h, (out_dim, 1)) for h in states), delta
