r"""The neural tangent kernel of a finite network, from activations and signals instead of a Jacobian.

With the forward activations $\phi^l$ (n, N) and the backward signals $G^l$ (n, N) of a multilayer perceptron,

$$\hat\Theta = s_w^2 \phi^L \phi^{L\top}/N + s_b^2 + \sum_{l=1}^{L} \big(s_l^2 \phi^{l-1} \phi^{l-1\top} + s_b^2\big)
\odot G^l G^{l\top},$$

where $\phi^0 = x$ and $s_l^2$ is $s_w^2$ over the layer's fan-in (Yang 2020, "Tensor Programs II", section 3). The
learning rate carries $\gamma^2$ and the output $1/\gamma$, so $\gamma$ drops out.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._float64 import is_traced, to_numpy
from ..activations import Activation
from ..mlp import Params, Scales, backward, checked, hidden_states, in_precision_of
from ..networks import Network


def _signals(activation, scales, params, states) -> Float[Array, "layers n features"]:
    """Return the signals of every output, side by side: (layers, n, C N)."""

    def one(direction):
        signal = jnp.broadcast_to(direction[None, :], (states.shape[1], direction.shape[0]))
        first, above = backward(
            activation, scales, params, states, signal, lambda g, level, new: g.at[level].set(new),
            jnp.zeros_like(states),
        )  # fmt: skip
        return above.at[0].set(first)

    out_dim = params.readout.shape[0]
    g = jax.vmap(one)(jnp.eye(out_dim, dtype=states.dtype))
    return jnp.moveaxis(g, 0, 2).reshape(*states.shape[:2], -1)


def ntk_of_points(
    activation: Activation,
    scales: Scales,
    params: Params,
    x1: Float[Array, "n1 in_dim"],
    x2: Float[Array, "n2 in_dim"],
) -> Float[Array, "n1 n2"]:
    """Return the empirical kernel, averaged over outputs; pure JAX, for use inside compiled programs."""
    states = [hidden_states(activation, scales, params, x) for x in (x1, x2)]
    signals = [_signals(activation, scales, params, state) for state in states]
    h1, h2 = states
    g1, g2 = signals

    def overlap(level):
        return (scales.hidden * activation.phi(h1[level])) @ (scales.hidden * activation.phi(h2[level])).T

    def layer(level, total):
        return total + (overlap(level - 1) + scales.bias**2) * (g1[level] @ g2[level].T)

    out_dim = params.readout.shape[0]
    total = (scales.first**2 * (x1 @ x2.T) + scales.bias**2) * (g1[0] @ g2[0].T)
    if params.biases.shape[0] > 1:
        total = jax.lax.fori_loop(1, scales.depth, layer, total)
    return overlap(scales.depth - 1) + scales.bias**2 + total / out_dim


_ntk_of_points_compiled = jax.jit(ntk_of_points)


def empirical_ntk(net: Network, params: Params, x1: Any, x2: Any = None) -> Float[np.ndarray | Array, "n1 n2"]:
    r"""Return the empirical NTK $\hat\Theta$, (n1, n2), in the precision of `params`.

    With several outputs it is the mean of the C diagonal blocks, which is what approaches `ntk`; the error falls as
    N^(-1/2) in the width.

    Args:
        net: the network.
        params: its weights, from `init` or from training.
        x1: points, (n1, D).
        x2: points, (n2, D); `None` means `x1`.

    Raises:
        ValueError: weights and points that do not fit the network.
    """
    with in_precision_of(params):
        x1 = checked(net, params, x1, "x1")
        x2 = x1 if x2 is None else checked(net, params, x2, "x2")
        function = ntk_of_points if is_traced(params, x1, x2) else _ntk_of_points_compiled
        return to_numpy(function(net.phi, Scales.of(net, x1.shape[1]), params, x1, x2))
