r"""The neural tangent kernel of a finite network, from activations and signals instead of a Jacobian.

With the forward activations $\phi^l$ (n, N) and the backward signals $G^l_c$ (n, N) of output c,

$$\hat\Theta_{cc'} = \delta_{cc'} \big(s_w^2 \phi^L \phi^{L\top}/N + s_b^2\big)
+ \sum_{l=1}^{L} \big(s_l^2 \phi^{l-1} \phi^{l-1\top} + s_b^2\big) \odot G^l_c G^{l\top}_{c'},$$

where $\phi^0 = x$ and $s_l^2$ is $s_w^2$ over the layer's fan-in (Yang 2020, "Tensor Programs II", section 3). The
learning rate carries $\gamma^2$ and the output $1/\gamma$, so $\gamma$ drops out; in the standard parametrization each
weight's term is multiplied by its learning rate. Each term is what the weights and
biases of one layer contribute. The backward pass adds a layer's term as it passes by, so no signals are kept.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._checks import flag
from .._float64 import is_traced, to_numpy
from ..mlp import Nonlinearity, Params, Scales, backward, checked, hidden_states, in_precision_of
from ..networks import Network

# The vmapped axis of outputs, along which a layer's signals are gathered.
_OUTPUTS = "outputs"
# Below this many rows a matrix product is too small to be worth splitting for its symmetry.
_SMALLEST_SPLIT = 128


def _product(a1: Float[Array, "m1 k"], a2: Float[Array, "m2 k"] | None) -> Float[Array, "m1 m2"]:
    """Return a1 a2^T; with a2 None a1 a1^T, of whose off-diagonal blocks only those below are multiplied out."""
    if a2 is not None:
        return a1 @ a2.T
    m = len(a1)
    if m < 2 * _SMALLEST_SPLIT:
        return a1 @ a1.T
    upper, lower = a1[: m // 2], a1[m // 2 :]
    below = lower @ upper.T
    return jnp.block([[_product(upper, None), below.T], [below, _product(lower, None)]])


def _overlap(features: Float[Array, "n features"], n1: int) -> Float[Array, "n1 n2"]:
    """Return the products of the first `n1` rows with the rows after them, or with themselves if there are no more."""
    return _product(features[:n1], features[n1:] if len(features) > n1 else None)


def _signal_overlap(g: Float[Array, "out_dim n width"], n1: int) -> Float[Array, "n1 n2 out_dim out_dim"]:
    """Return G_c G_c'^T of every pair of outputs."""
    out_dim, n, width = g.shape
    pairs = _overlap(jnp.moveaxis(g, 0, 1).reshape(n * out_dim, width), n1 * out_dim)
    return jnp.swapaxes(pairs.reshape(n1, out_dim, -1, out_dim), 1, 2)


def _column_norms(weights: Float[Array, "out_dim width"]) -> Float[Array, " width"]:
    """Return the norm of each column, with the derivative 0 at 0, as its square has."""
    squares = (weights**2).sum(axis=0)
    return jnp.where(squares > 0, jnp.sqrt(jnp.where(squares > 0, squares, 1.0)), 0.0)


def _mean_overlap(
    g: Float[Array, "out_dim n width"], n1: int, is_last: Any, last: Float[Array, "n width"] | None
) -> Float[Array, "n1 n2"]:
    r"""Return the mean of G_c G_c^T over outputs, at the last hidden layer if `is_last` from `last` alone.

    There $G^L_{ck} = s_w w_{ck} \phi'(h_k)$, whose products are those of one output with the weights
    $|w_{\cdot k}|$, `last`.
    """
    out_dim, n, width = g.shape
    # Outside of the conditional, which would leave it to one core.
    rows = jnp.moveaxis(g, 0, 1).reshape(n, out_dim * width)
    if last is None:
        return _overlap(rows, n1) / out_dim
    products = jax.lax.cond(is_last, lambda _: _overlap(last, n1), lambda rows: _overlap(rows, n1), rows)
    return products / out_dim


def ntk_of_points(
    nonlinearity: Nonlinearity,
    scales: Scales,
    params: Params,
    x1: Float[Array, "n1 in_dim"],
    x2: Float[Array, "n2 in_dim"] | None = None,
    *,
    blocks: bool = False,
    layers: bool = False,
) -> Float[Array, "*layers n1 n2"] | Float[Array, "*layers n1 n2 out_dim out_dim"]:
    """Return what `empirical_ntk` returns; pure JAX, for use inside compiled programs.

    The result has a layer's row for each of `params`, and that of the readout at index `scales.depth`.
    """
    n1, out_dim = len(x1), len(params.readout)
    x = x1 if x2 is None or x2 is x1 else jnp.concatenate([x1, x2])
    states = hidden_states(nonlinearity, scales, params, x)

    def with_term(kernel, level, factor, rate, features, signals):
        """Add to `kernel` the term of the layer whose inputs are `features`, scaled by `factor`, trained at `rate`."""
        below = rate * _overlap(factor * features, n1) + scales.bias_rate * scales.bias**2
        term = below.reshape(below.shape + (1,) * (signals.ndim - 2)) * signals
        return kernel.at[level].add(term) if layers else kernel + term

    # What one output would send back whose weights are the norms over outputs; layer normalisation mixes the units.
    norms = jnp.broadcast_to(_column_norms(params.readout)[None, :], states[0].shape)
    top = None if nonlinearity.layer_norm else nonlinearity.pull_back(states[scales.depth - 1], scales.hidden * norms)

    def overlap(level, g):
        return _signal_overlap(g, n1) if blocks else _mean_overlap(g, n1, level == scales.depth - 1, top)

    def visit(kernel, level, g):
        signals = overlap(level, jax.lax.all_gather(g, _OUTPUTS))
        features = nonlinearity(states[level - 1])
        return with_term(kernel, level, scales.hidden, scales.hidden_rate, features, signals)

    def back_from(output, kernel):
        signal = jnp.broadcast_to(output[None, :], (len(x), out_dim))
        return backward(nonlinearity, scales, params, states, signal, visit, kernel)

    shape = (n1, len(x) - n1 or n1) + (out_dim, out_dim) * blocks
    kernel = jnp.zeros((len(params.biases) + 1,) * layers + shape, states.dtype)
    outputs = jnp.eye(out_dim, dtype=states.dtype)
    own = outputs[None, None] if blocks else jnp.ones((1, 1), states.dtype)
    last = nonlinearity(states[scales.depth - 1])
    kernel = with_term(kernel, scales.depth, scales.hidden, scales.readout_rate, last, own)
    # The kernel is no output's own: signals are gathered from all of them before they enter it.
    g, kernel = jax.vmap(back_from, in_axes=(0, None), out_axes=(0, None), axis_name=_OUTPUTS)(outputs, kernel)
    return with_term(kernel, 0, scales.first, scales.first_rate, x, overlap(0, g))


_ntk_of_points_compiled = jax.jit(ntk_of_points, static_argnames=("blocks", "layers"))


def empirical_ntk(
    net: Network, params: Params, x1: Any, x2: Any = None, *, blocks: bool = False, layers: bool = False
) -> Float[np.ndarray | Array, "*layers n1 n2"] | Float[np.ndarray | Array, "*layers n1 n2 out_dim out_dim"]:
    r"""Return the empirical NTK $\hat\Theta$, (n1, n2), in the precision of `params`.

    With several outputs it is the mean of the C diagonal blocks, their trace over C, which is what approaches `ntk`;
    the error falls as N^(-1/2) in the width. `function_ntk` gives the kernel of any other function.

    Args:
        net: the network.
        params: its weights, from `init` or from training.
        x1: points, (n1, D).
        x2: points, (n2, D); `None` means `x1`, and does half of the work.
        blocks: return every pair of outputs, (n1, n2, C, C), in place of the mean over equal ones.
        layers: return each layer's term, the contribution of its weights and biases, on a leading axis of length
            L + 1: index 0 is the first layer, index L the readout. Their sum is the kernel.

    Returns:
        (n1, n2), with L + 1 in front for `layers` and (C, C) behind for `blocks`.

    Raises:
        ValueError: weights and points that do not fit the network, or an option that is not True or False.
    """
    options = {"blocks": flag(blocks, "blocks"), "layers": flag(layers, "layers")}
    with in_precision_of(params):
        x1 = checked(net, params, x1, "x1")
        x2 = None if x2 is None else checked(net, params, x2, "x2")
        function = ntk_of_points if is_traced(params, x1, x2) else _ntk_of_points_compiled
        return to_numpy(function(Nonlinearity.of(net), Scales.of(net, x1.shape[1]), params, x1, x2, **options))
