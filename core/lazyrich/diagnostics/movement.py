r"""How far training has carried a network's parameters and activations from where they started.

The parameters are the raw ones, each N(0, 1) at initialisation; a layer's are its weights and, where the bias variance
is not 0, its biases. Layers are numbered as in `empirical_ntk`: 0 is the first, L the readout.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._float64 import is_traced, to_numpy
from ..mlp import Nonlinearity, Params, Scales, checked, hidden_states, in_precision_of
from ..networks import Network
from ._fitting import fitting_pair


class ParameterMovement(NamedTuple):
    r"""$|\theta_t - \theta_0| / |\theta_0|$ of each layer, (L + 1,), and of all parameters together, ()."""

    layers: Float[np.ndarray | Array, " layers"]
    whole: Float[np.ndarray | Array, ""]


class ActivationMovement(NamedTuple):
    r"""rms$(h^l_t - h^l_0)$ over points and units, (L,), and the same over rms$(h^l_0)$, (L,)."""

    rms: Float[np.ndarray | Array, " layers"]
    relative: Float[np.ndarray | Array, " layers"]


def parameter_distances(scales: Scales, params: Params, start: Params) -> ParameterMovement:
    """What `parameter_movement` returns; pure JAX. The readout is at index `scales.depth`, spare layers have 0."""
    moved = _squared_norms(scales, jax.tree.map(jnp.subtract, params, start))
    size = _squared_norms(scales, start)
    return ParameterMovement(
        jnp.sqrt(moved / jnp.where(size > 0, size, 1.0)),
        jnp.sqrt(moved.sum() / size.sum()),
    )


def _squared_norms(scales: Scales, params: Params) -> Float[Array, " layers"]:
    """Return the squared norm of each layer's parameters, that of the readout at index `scales.depth`."""
    layers = params.biases.shape[0]
    with_biases = jnp.where(scales.bias > 0, 1.0, 0.0).astype(params.first.dtype)
    biases = with_biases * (params.biases**2).sum(axis=1)
    weights = jnp.append((params.first**2).sum()[None], (params.hidden**2).sum(axis=(1, 2)))
    readout = (params.readout**2).sum() + with_biases * (params.readout_bias**2).sum()
    inner = jnp.where(jnp.arange(layers) < scales.depth, weights + biases, 0.0)
    return jnp.append(inner, 0.0).at[scales.depth].set(readout)


def activation_distances(
    states: Float[Array, "layers n width"], start: Float[Array, "layers n width"]
) -> ActivationMovement:
    """Return what `activation_movement` returns; pure JAX, from two of `hidden_states`. Spare layers are 0."""
    moved, size = (jnp.sqrt((h**2).mean(axis=(1, 2))) for h in (states - start, start))
    return ActivationMovement(moved, moved / jnp.where(size > 0, size, 1.0))


_parameter_distances_compiled = jax.jit(parameter_distances)


def _activations(nonlinearity: Nonlinearity, scales: Scales, params: Params, start: Params, x: Any):
    return activation_distances(*(hidden_states(nonlinearity, scales, p, x) for p in (params, start)))


_activations_compiled = jax.jit(_activations)


def parameter_movement(net: Network, params: Params, start: Params) -> ParameterMovement:
    r"""Return $|\theta_t - \theta_0| / |\theta_0|$ of the raw parameters, layer by layer and of all together.

    In the lazy limit it falls with the width; that of the readout weights is the last to.

    Args:
        net: the network.
        params: its weights now.
        start: its weights at initialisation.

    Returns:
        `.layers` (L + 1,), index 0 the first layer and index L the readout, and `.whole` ().

    Raises:
        ValueError: weights that do not fit the network, or one another.
    """
    in_dim = fitting_pair(net, params, start)
    with in_precision_of(params):
        return to_numpy(_parameter_distances_compiled(Scales.of(net, in_dim), params, start))


def activation_movement(net: Network, params: Params, start: Params, x: Any) -> ActivationMovement:
    r"""Return how far the preactivations $h^1 \dots h^L$ have moved on points `x`, as rms over points and units.

    `.rms` is the quantity of the coordinate check (Yang et al. 2021, "Tensor Programs V", appendix D.1): at each layer
    it keeps its size as the width grows where features are learned, and falls in the kernel regime.

    Args:
        net: the network.
        params: its weights now.
        start: its weights at initialisation.
        x: points, (n, D).

    Returns:
        `.rms` (L,), in the units of the preactivations, and `.relative` (L,), the same over rms(h_0).

    Raises:
        ValueError: weights or points that do not fit the network, or one another.
    """
    fitting_pair(net, params, start)
    with in_precision_of(params):
        x = checked(net, params, x, "x")
        params, start = jax.tree.map(jnp.asarray, (params, start))  # a loop indexes no NumPy array when traced
        function = _activations if is_traced(params, start, x) else _activations_compiled
        return to_numpy(function(Nonlinearity.of(net), Scales.of(net, x.shape[1]), params, start, x))
