r"""Finite networks: weights, forward activations and backward signals.

The forward pass keeps every preactivation, the backward pass hands out the signals
$g^l = \gamma\, \partial f / \partial h^l$; training and the empirical kernels are both made of these two. Depth is a
loop bound: arrays may hold more hidden layers than the network has, so that one compiled program serves all depths.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ._checks import as_points, choice, of_type, seed_of, whole
from ._float64 import is_traced, to_numpy
from .activations import Activation
from .networks import Network
from .parametrizations import width_exponents


class Params(NamedTuple):
    """Raw weights and biases, all N(0, 1) at initialisation; a JAX pytree."""

    first: Float[Array, "width in_dim"]
    hidden: Float[Array, "hidden width width"]
    readout: Float[Array, "out_dim width"]
    biases: Float[Array, "layers width"]
    readout_bias: Float[Array, " out_dim"]


class Scales(NamedTuple):
    """The runtime values of a network: depth L, the factor in front of each kind of weight, and gamma.

    The rates multiply the learning rate of the raw weights and biases; they are 1 in ntk, mup and mean_field.
    """

    depth: Any
    first: Any
    hidden: Any
    bias: Any
    gamma: Any
    residual: Any
    first_rate: Any
    hidden_rate: Any
    readout_rate: Any
    bias_rate: Any

    @classmethod
    def of(cls, net: Network, in_dim: int) -> "Scales":
        """Return sqrt(sw^2/D), sqrt(sw^2/N), sb, gamma, the strength of skip connections and the rates of `net`."""
        first, hidden = (math.sqrt(net.weight_var / fan_in) for fan_in in (in_dim, net.width))
        bias = math.sqrt(net.bias_var)
        if net.parametrization == "standard":
            rates = first**-2, hidden**-2, hidden**-2, bias**-2 if bias else 0.0
            return cls(net.depth, first, hidden, bias, net.gamma, net.residual, *rates)
        p = width_exponents(net.parametrization)
        factors, powers = (first, hidden, bias), (p.first, p.hidden, p.first)
        first, hidden, bias = (x * math.pow(net.width, power) for x, power in zip(factors, powers, strict=True))
        powers = (p.first_rate, p.hidden_rate, p.readout_rate, p.first_rate)
        rates = (math.pow(net.width, power) for power in powers)
        return cls(net.depth, first, hidden, bias, net.gamma, net.residual, *rates)


@jax.tree_util.register_pytree_node_class
@dataclass(frozen=True)
class Nonlinearity:
    """What a hidden layer does to its preactivations: layer normalisation, if there is one, and the activation."""

    activation: Activation
    layer_norm: bool

    @classmethod
    def of(cls, net: Network) -> "Nonlinearity":
        """Return that of a network."""
        return cls(net.phi, net.layer_norm)

    def __call__(self, h: Float[Array, "n width"]) -> Float[Array, "n width"]:
        """Return phi(h), or phi of the normalised h."""
        return self.activation.phi(_normalised(h)[0] if self.layer_norm else h)

    def pull_back(self, h: Float[Array, "n width"], signal: Float[Array, "n width"]) -> Float[Array, "n width"]:
        """Return the derivative of sum(signal * self(h)) in h."""
        if not self.layer_norm:
            return signal * self.activation.derivative(h)
        unit, over = _normalised(h)
        g = signal * self.activation.derivative(unit)
        along = jnp.mean(g * unit, axis=1, keepdims=True)
        return over * (g - jnp.mean(g, axis=1, keepdims=True) - unit * along)

    def tree_flatten(self):
        """Split into runtime values and structure, for JAX."""
        return (self.activation,), self.layer_norm

    @classmethod
    def tree_unflatten(cls, layer_norm, children):
        """Join what `tree_flatten` split."""
        (activation,) = children
        return cls(activation, layer_norm)


def _normalised(h: Float[Array, "n width"]) -> tuple[Float[Array, "n width"], Float[Array, "n 1"]]:
    """Return h with mean 0 and deviation 1 over the units of each point, and 1/deviation; 0 where all units agree."""
    centred = h - jnp.mean(h, axis=1, keepdims=True)
    variance = jnp.mean(centred**2, axis=1, keepdims=True)
    over = jnp.where(variance > 0, 1 / jnp.sqrt(jnp.where(variance > 0, variance, 1.0)), 0.0)
    return centred * over, over


def draw(seed: int, in_dim: int, out_dim: int, width: int, layers: int, dtype: Any) -> Params:
    """Draw weights for `layers` hidden layers; those of layer l do not depend on how many follow.

    By NumPy, which needs not be compiled for each width as JAX's random numbers do, for a second or two.
    """

    def normal(field: int, *shape: int) -> np.ndarray:
        return np.random.default_rng((seed, field)).standard_normal(shape, dtype)

    def stack(field: int, count: int, *shape: int) -> np.ndarray:
        array = np.empty((count, *shape), dtype)
        for layer, values in enumerate(array):
            np.random.default_rng((seed, field, layer)).standard_normal(out=values, dtype=dtype)
        return array

    arrays = normal(0, width, in_dim), stack(1, layers - 1, width, width), normal(2, out_dim, width)
    return Params._make((*arrays, stack(3, layers, width), normal(4, out_dim)))


def draw_each(seeds: Any, in_dim: int, out_dim: int, width: int, layers: int) -> Params:
    """Draw float32 weights as `draw` does for every seed, along the leading axis."""
    drawn = [draw(int(seed), in_dim, out_dim, width, layers, "float32") for seed in seeds]
    return Params._make(np.stack(arrays) for arrays in zip(*drawn, strict=True))


def hidden_states(
    nonlinearity: Nonlinearity, scales: Scales, params: Params, x: Float[Array, "n in_dim"]
) -> Float[Array, "layers n width"]:
    """Return the preactivations h^1 ... h^L; rows past the depth stay 0."""

    def layer(level, states):
        previous = states[level - 1]
        h = scales.hidden * (nonlinearity(previous) @ params.hidden[level - 1].T)
        h = h + scales.bias * params.biases[level][None, :]
        return states.at[level].set(h + scales.residual * previous)

    layers, width = params.biases.shape
    first = scales.first * x @ params.first.T + scales.bias * params.biases[0][None, :]
    states = jnp.zeros((layers, x.shape[0], width), first.dtype).at[0].set(first)
    return states if layers == 1 else jax.lax.fori_loop(1, scales.depth, layer, states)


def readout(scales: Scales, params: Params, last: Float[Array, "n width"]) -> Float[Array, "n out_dim"]:
    """Return f from the activations of the last hidden layer."""
    return (scales.hidden * last @ params.readout.T + scales.bias * params.readout_bias[None, :]) / scales.gamma


def output(
    nonlinearity: Nonlinearity, scales: Scales, params: Params, states: Float[Array, "layers n width"]
) -> Float[Array, "n out_dim"]:
    """Return f from the preactivations."""
    return readout(scales, params, nonlinearity(states[scales.depth - 1]))


def backward(
    nonlinearity: Nonlinearity,
    scales: Scales,
    params: Params,
    states: Float[Array, "layers n width"],
    signal: Float[Array, "n out_dim"],
    visit: Callable,
    carry: Any,
) -> tuple[Float[Array, "n width"], Any]:
    r"""Carry `signal` back from the output to the first layer, and fold `visit` over the layers above the first.

    The signal at layer l is $g = \gamma \sum_c$ `signal`$_c\, \partial f_c / \partial h^l$, (n, width). Calls
    `carry = visit(carry, level, g)` for the layers L ... 2, `level` being the layer's index in `states`, and returns
    the signal at the first layer and the last carry.
    """

    def layer(step, state):
        level, (g, carry) = scales.depth - 1 - step, state
        carry = visit(carry, level, g)
        below = nonlinearity.pull_back(states[level - 1], scales.hidden * (g @ params.hidden[level - 1]))
        return below + scales.residual * g, carry

    g = nonlinearity.pull_back(states[scales.depth - 1], scales.hidden * (signal @ params.readout))
    return (g, carry) if params.biases.shape[0] == 1 else jax.lax.fori_loop(0, scales.depth - 1, layer, (g, carry))


def in_precision_of(params: Params) -> Any:
    """Return the JAX context in which float64 weights stay float64."""
    of_type(params, "params", Params, "Draw them with lazyrich.init.")
    return jax.enable_x64(params.first.dtype == np.float64)


def init(net: Network, in_dim: int, out_dim: int, seed: int = 0, dtype: str = "float32") -> Params:
    """Draw a network's raw weights, each N(0, 1).

    Args:
        net: the network.
        in_dim: input dimension D, at least 1.
        out_dim: outputs C, at least 1.
        seed: a whole number; the same seed gives the same weights.
        dtype: float32, right for training, or float64.

    Returns:
        A `Params` of NumPy arrays: first (N, D), hidden (L-1, N, N), readout (C, N), biases (L, N), readout_bias (C,).

    Raises:
        ValueError: a dimension below 1, a seed that is not in 0 ... 2^32 - 1, or another dtype.
    """
    of_type(net, "net", Network)
    in_dim, out_dim = whole(in_dim, "in_dim", 1), whole(out_dim, "out_dim", 1)
    choice(dtype, "dtype", ("float32", "float64"))
    return draw(seed_of(seed), in_dim, out_dim, net.width, net.depth, dtype)


def checked(net: Network, params: Params, x: Any, name: str) -> Any:
    """Return points `x` in the weights' precision, once `net`, `params` and `x` fit together."""
    of_type(net, "net", Network)
    x = as_points(x, name)
    want = (net.width, x.shape[1], net.depth)
    got = (*params.first.shape, params.biases.shape[0])
    if want != got:
        raise ValueError(
            f"params must have the (width, in_dim, depth) of net and {name}, {want}; got {got}. "
            f"Draw them with init(net, in_dim={x.shape[1]}, out_dim=...)."
        )
    dtype = params.first.dtype
    if not is_traced(x) and np.abs(x).max() > np.finfo(dtype).max:
        raise ValueError(
            f"{name} must be within the range of the weights' {dtype}; got {np.abs(x).max():.3g}. "
            "Scale it, or draw float64 weights."
        )
    return jnp.asarray(x, dtype)


def _apply(nonlinearity, scales, params, x):
    return output(nonlinearity, scales, params, hidden_states(nonlinearity, scales, params, x))


_apply_compiled = jax.jit(_apply)


def apply(net: Network, params: Params, x: Any) -> Float[np.ndarray | Array, "n out_dim"]:
    """Return the network's output f(x), (n, C), in the precision of `params`.

    Under a JAX transformation (`jax.grad`, `jax.jit`) the depth is fixed, so that reverse-mode derivatives exist.

    Args:
        net: the network.
        params: its weights, from `init`.
        x: points, (n, D).

    Raises:
        ValueError: weights and points that do not fit the network.
    """
    with in_precision_of(params):
        x = checked(net, params, x, "x")
        function = _apply if is_traced(params, x) else _apply_compiled
        return to_numpy(function(Nonlinearity.of(net), Scales.of(net, x.shape[1]), params, x))
