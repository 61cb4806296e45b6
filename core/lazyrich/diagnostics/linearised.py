r"""A network beside its own linearisation in the parameters.

$$f_{\mathrm{lin}}(x; \theta) = f(x; \theta_0) + J(x; \theta_0)(\theta - \theta_0),$$

at the parameters the network has reached itself (Lee et al. 2019, section 2.2). How the linearised network would have
trained is another question: `LinearisedTraining` answers it in closed form.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._float64 import is_traced, to_numpy
from ..mlp import Nonlinearity, Params, Scales, checked, hidden_states, in_precision_of, output
from ..networks import Network
from ._fitting import fitting_pair


def linearised_outputs(
    nonlinearity: Nonlinearity, scales: Scales, params: Params, start: Params, x: Float[Array, "n in_dim"]
) -> Float[Array, "n out_dim"]:
    """Return what `linearised_output` returns; pure JAX: one pass that carries the derivative along."""

    def f(at: Params) -> Float[Array, "n out_dim"]:
        return output(nonlinearity, scales, at, hidden_states(nonlinearity, scales, at, x))

    value, change = jax.jvp(f, (start,), (jax.tree.map(jnp.subtract, params, start),))
    return value + change


def distances_to_linearised(
    nonlinearity: Nonlinearity, scales: Scales, params: Params, start: Params, x: Float[Array, "n in_dim"]
) -> Float[Array, ""]:
    """Return what `distance_to_linearised` returns; pure JAX."""
    f = output(nonlinearity, scales, params, hidden_states(nonlinearity, scales, params, x))
    return jnp.sqrt(((f - linearised_outputs(nonlinearity, scales, params, start, x)) ** 2).mean())


_outputs_compiled, _distances_compiled = jax.jit(linearised_outputs), jax.jit(distances_to_linearised)


def _run(function: Any, compiled: Any, net: Network, params: Params, start: Params, x: Any) -> Any:
    fitting_pair(net, params, start)
    with in_precision_of(params):
        x = checked(net, params, x, "x")
        params, start = jax.tree.map(jnp.asarray, (params, start))  # a loop indexes no NumPy array when traced
        function = function if is_traced(params, start, x) else compiled
        return to_numpy(function(Nonlinearity.of(net), Scales.of(net, x.shape[1]), params, start, x))


def linearised_output(net: Network, params: Params, start: Params, x: Any) -> Float[np.ndarray | Array, "n out_dim"]:
    r"""Return $f_{\mathrm{lin}}(x; \theta)$, (n, C), the network linearised about `start`, at the weights `params`.

    Args:
        net: the network.
        params: its weights now, theta.
        start: the weights it is linearised about, theta_0.
        x: points, (n, D).

    Raises:
        ValueError: weights or points that do not fit the network, or one another.
    """
    return _run(linearised_outputs, _outputs_compiled, net, params, start, x)


def distance_to_linearised(net: Network, params: Params, start: Params, x: Any) -> Float[np.ndarray | Array, ""]:
    r"""Return rms$(f - f_{\mathrm{lin}})$ over points and outputs, in the units of the output: 0 in the lazy limit.

    Arguments and errors are those of `linearised_output`.
    """
    return _run(distances_to_linearised, _distances_compiled, net, params, start, x)
