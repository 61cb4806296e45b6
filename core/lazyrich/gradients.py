r"""Gradients and Hessian-vector products of a finite network's loss in its raw weights.

The gradient is made of the same activations and signals as the kernels: with $G^l = \sum_c$ `slope`$_c\, \gamma\,
\partial f_c / \partial h^l$, where `slope` $= \partial\,$Loss$/\partial f$,

$$\gamma\, \nabla_{W^l} \mathrm{Loss} = s_l\, G^{l+1\top} \phi^l, \quad
\gamma\, \nabla_{b^l} \mathrm{Loss} = s_b \sum_i G^{l+1}_i.$$

Its forward-mode derivative is the Hessian times a vector (Pearlmutter 1994), at runtime depth: a loop whose length is a
runtime value has forward derivatives, but no reverse ones.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .mlp import Nonlinearity, Params, Scales, backward, hidden_states, output

# The derivative of the loss in the outputs, (n, C) to (n, C).
Slope = Callable[[Float[Array, "n out_dim"]], Float[Array, "n out_dim"]]


def squared_slope(y: Float[np.ndarray | Array, "n out_dim"]) -> Slope:
    r"""Return the slope $(f - y)/n$ of $\frac1{2n} \sum |f - y|^2$."""
    return lambda f: (f - y) / len(y)


def loss_gradient(
    nonlinearity: Nonlinearity, scales: Scales, params: Params, x: Float[Array, "n in_dim"], slope: Slope
) -> Params:
    """Return the gradient of the loss in the raw weights and biases; that of spare layers is 0."""
    states = hidden_states(nonlinearity, scales, params, x)
    signal = slope(output(nonlinearity, scales, params, states)) / scales.gamma

    def visit(carry, level, g):
        weights, biases = carry
        weights = weights.at[level - 1].set(scales.hidden * g.T @ nonlinearity(states[level - 1]))
        return weights, biases.at[level].set(scales.bias * g.sum(axis=0))

    start = jnp.zeros_like(params.hidden), jnp.zeros_like(params.biases)
    g, (weights, biases) = backward(nonlinearity, scales, params, states, signal, visit, start)
    return Params(
        first=scales.first * g.T @ x,
        hidden=weights,
        readout=scales.hidden * signal.T @ nonlinearity(states[scales.depth - 1]),
        biases=biases.at[0].set(scales.bias * g.sum(axis=0)),
        readout_bias=scales.bias * signal.sum(axis=0),
    )


def rates(scales: Scales) -> Params:
    r"""Return the learning rate of each kind of raw weight, over $\eta$: $\gamma^2$ times the layer's own rate."""
    own = (scales.first_rate, scales.hidden_rate, scales.readout_rate, scales.bias_rate)
    first, hidden, readout, bias = (scales.gamma**2 * rate for rate in own)
    return Params(first, hidden, readout, bias, bias)


def hessian_product(
    nonlinearity: Nonlinearity,
    scales: Scales,
    params: Params,
    x: Float[Array, "n in_dim"],
    slope: Slope,
    vector: Params,
) -> Params:
    r"""Return $R^{1/2} \nabla^2 \mathrm{Loss}\, R^{1/2}$ times `vector`, with the `rates` R on the diagonal.

    This is the Hessian in the coordinates $R^{-1/2} \theta$, in which training is gradient descent at the rate $\eta$.
    At kinks of the activation the second derivative counts as 0.
    """
    roots = jax.tree.map(jnp.sqrt, rates(scales))

    def scaled(tree: Any) -> Any:
        return jax.tree.map(lambda root, leaf: (root * leaf).astype(leaf.dtype), roots, tree)

    def gradient(at):
        return loss_gradient(nonlinearity, scales, at, x, slope)

    return scaled(jax.jvp(gradient, (params,), (scaled(vector),))[1])
