r"""The covariance of a finite network's hidden layers, whose infinite-width limit is the NNGP kernel.

With the features $\phi^l = \phi(h^l)$, (n, N), of hidden layer l,

$$\hat K^l = s_w^2\, \phi^l \phi^{l\top}/N + s_b^2 ,$$

the covariance of the preactivations of the layer after it, given this one, over its random weights. For l = L that is
the covariance of $\gamma f$ over the readout (Neal 1996, section 2.1; Lee et al. 2018, section 2).
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._checks import flag
from .._float64 import is_traced, to_numpy
from ..mlp import Nonlinearity, Params, Scales, checked, hidden_states, in_precision_of
from ..networks import Network


def nngp_of_states(
    nonlinearity: Nonlinearity,
    scales: Scales,
    states: Float[Array, "layers n width"],
    n1: int,
) -> Float[Array, "layers n1 n2"]:
    """Return each hidden layer's kernel, pure JAX, from the states of the first `n1` points and of those after them.

    Where none follow, the first ones are paired with themselves. What spare layers have is no kernel.
    """

    def layer(h: Float[Array, "n width"]) -> Float[Array, "n1 n2"]:
        features = scales.hidden * nonlinearity(h)
        return features[:n1] @ features[n1 if len(h) > n1 else 0 :].T + scales.bias**2

    return jax.lax.map(layer, states)


def _nngp_of_points(nonlinearity: Nonlinearity, scales: Scales, params: Params, x1: Any, x2: Any) -> Array:
    x = x1 if x2 is None else jnp.concatenate([x1, x2])
    return nngp_of_states(nonlinearity, scales, hidden_states(nonlinearity, scales, params, x), len(x1))


_nngp_of_points_compiled = jax.jit(_nngp_of_points)


def empirical_nngp(
    net: Network, params: Params, x1: Any, x2: Any = None, *, layers: bool = False
) -> Float[np.ndarray | Array, "*layers n1 n2"]:
    r"""Return the empirical NNGP kernel $\hat K$, (n1, n2), of the last hidden layer, in the precision of `params`.

    At initialisation it approaches `nngp`, with an error of N^(-1/2) in the width. It is also the readout's term of
    the empirical NTK.

    Args:
        net: the network; without skip connections the kernels of its layers have the limits of `kernels_by_depth`.
        params: its weights, from `init` or from training.
        x1: points, (n1, D).
        x2: points, (n2, D); `None` means `x1`.
        layers: return the kernels of all hidden layers, (L, n1, n2), in place of the last one's.

    Raises:
        ValueError: weights and points that do not fit the network, or an option that is not True or False.
    """
    layers = flag(layers, "layers")
    with in_precision_of(params):
        x1 = checked(net, params, x1, "x1")
        x2 = None if x2 is None else checked(net, params, x2, "x2")
        function = _nngp_of_points if is_traced(params, x1, x2) else _nngp_of_points_compiled
        kernels = function(Nonlinearity.of(net), Scales.of(net, x1.shape[1]), params, x1, x2)
        return to_numpy(kernels if layers else kernels[-1])
