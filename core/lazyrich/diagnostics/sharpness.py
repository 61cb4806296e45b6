r"""Sharpness: the largest eigenvalue of the loss's Hessian, and the Hessian's trace.

Training steps by $\eta\gamma^2 R\, \nabla$Loss in the raw weights, R the layers' own rates, so what decides its
stability is

$$\lambda = \lambda_{\max}\big(\gamma^2 R^{1/2}\, \nabla^2 \mathrm{Loss}\, R^{1/2}\big) \quad \text{with the edge}
\quad \lambda = 2/\eta$$

(Cohen et al. 2021, section 2). For the squared loss the Hessian is the Gauss-Newton matrix, whose largest eigenvalue is
$\lambda_{\max}(\Theta)/n$ with the kernel of all outputs, plus a term that vanishes with the residuals.

The largest eigenvalue is the largest algebraic one. In muP at initialisation the one of the largest magnitude is
negative, so the power iteration would find that; `largest_eigenvalue` does not.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from .._checks import as_targets, seed_of, whole
from .._float64 import is_traced, to_numpy
from ..gradients import Slope, hessian_product, squared_slope
from ..mlp import Nonlinearity, Params, Scales, checked, in_precision_of
from ..networks import Network
from .largest_eigenvalue import Operator, Vector, largest_eigenvalue

_MOST_ITERATIONS = 1000


class Sharpness(NamedTuple):
    r"""The largest eigenvalue $\lambda$ and the residual $|Hv - \lambda v|$, $|v| = 1$, both ().

    There is an eigenvalue within the residual of `value`, and `value` exceeds the largest by rounding at most. Its
    error is about the residual's square over the gap to the next eigenvalue.
    """

    value: Float[np.ndarray | Array, ""]
    residual: Float[np.ndarray | Array, ""]


class HessianTrace(NamedTuple):
    """The estimated trace and its standard error, both ()."""

    value: Float[np.ndarray | Array, ""]
    stderr: Float[np.ndarray | Array, ""]


def _operator(nonlinearity, scales, params, x, slope) -> tuple[Operator, Callable]:
    """Return the scaled Hessian as a function of vectors, and what turns a vector into parameters."""
    unravel = ravel_pytree(params)[1]

    def operator(v: Vector) -> Vector:
        return ravel_pytree(hessian_product(nonlinearity, scales, params, x, slope, unravel(v)))[0]

    return operator, unravel


def largest_hessian_eigenvalue(
    nonlinearity: Nonlinearity,
    scales: Scales,
    params: Params,
    x: Float[Array, "n in_dim"],
    slope: Slope,
    key: jax.Array,
    iterations: int,
    tolerance: float = 0.0,
) -> Sharpness:
    """Return what `sharpness` returns for the loss with this `slope`; pure JAX. Spare layers do not count.

    The iteration ends early once the residual is below `tolerance` times the eigenvalue.
    """
    operator, unravel = _operator(nonlinearity, scales, params, x, slope)
    start = jax.random.normal(key, (ravel_pytree(params)[0].size,), params.first.dtype)
    used = ravel_pytree(_without_spare_layers(scales, unravel(start)))[0]
    return Sharpness(*largest_eigenvalue(operator, used / jnp.linalg.norm(used), iterations, tolerance))


def _without_spare_layers(scales: Scales, params: Params) -> Params:
    """Return `params` with zeros in the layers past the depth."""
    used = jnp.arange(params.biases.shape[0]) < scales.depth
    return params._replace(
        hidden=jnp.where(used[1:, None, None], params.hidden, 0.0), biases=jnp.where(used[:, None], params.biases, 0.0)
    )


def estimated_hessian_trace(
    nonlinearity: Nonlinearity,
    scales: Scales,
    params: Params,
    x: Float[Array, "n in_dim"],
    slope: Slope,
    key: jax.Array,
    samples: int,
) -> HessianTrace:
    """Return what `hessian_trace` returns for the loss with this `slope`; pure JAX."""
    operator, _ = _operator(nonlinearity, scales, params, x, slope)
    size = ravel_pytree(params)[0].size

    def sample(key):
        signs = jax.random.rademacher(key, (size,), params.first.dtype)
        return signs @ operator(signs)

    values = jax.lax.map(sample, jax.random.split(key, samples))
    return HessianTrace(values.mean(), values.std(ddof=1) / jnp.sqrt(samples).astype(values.dtype))


def _sharpness(nonlinearity, scales, params, x, y, key, count) -> Sharpness:
    return largest_hessian_eigenvalue(nonlinearity, scales, params, x, squared_slope(y), key, count)


def _hessian_trace(nonlinearity, scales, params, x, y, key, count) -> HessianTrace:
    return estimated_hessian_trace(nonlinearity, scales, params, x, squared_slope(y), key, count)


_sharpness_compiled = jax.jit(_sharpness, static_argnames="count")
_hessian_trace_compiled = jax.jit(_hessian_trace, static_argnames="count")


def _run(
    functions: tuple[Callable, Callable], net: Network, params: Params, x: Any, y: Any, seed: int, count: int
) -> Any:
    with in_precision_of(params):
        x = checked(net, params, x, "x")
        y = as_targets(y, "y", len(x))
        if y.shape[1] != len(params.readout):
            raise ValueError(
                f"y must have as many outputs as the network, {len(params.readout)}; got {y.shape[1]}. Give both alike."
            )
        y, key = jnp.asarray(y, x.dtype), jax.random.key(seed_of(seed))
        params = jax.tree.map(jnp.asarray, params)  # a loop indexes no NumPy array when traced
        function, compiled = functions
        function = function if is_traced(params, x, y) else compiled
        return to_numpy(function(Nonlinearity.of(net), Scales.of(net, x.shape[1]), params, x, y, key, count))


def sharpness(net: Network, params: Params, x: Any, y: Any, *, iterations: int = 30, seed: int = 0) -> Sharpness:
    r"""Return the largest algebraic eigenvalue of $\gamma^2\, \nabla^2$Loss, Loss $= \frac1{2n} \sum |f - y|^2$.

    Gradient descent at the rate $\eta$ is stable below the edge $2/\eta$. Where the activation has a kink, its second
    derivative counts as 0 there. In the standard parametrization the Hessian is that in the weights which are trained,
    see the module.

    Args:
        net: the network.
        params: its weights.
        x: training points, (n, D).
        y: targets, (n, C); a vector means C = 1. For a centred network give y + f_0(x).
        iterations: Lanczos steps k; each costs two gradients, and the basis takes k times the memory of the weights.
        seed: of the vector that the iteration starts from.

    Returns:
        `.value` and `.residual`; a large residual asks for more iterations.

    Raises:
        ValueError: weights, points or targets that do not fit together, or an argument out of its range.
    """
    count = whole(iterations, "iterations", 1, _MOST_ITERATIONS)
    return _run((_sharpness, _sharpness_compiled), net, params, x, y, seed, count)


def hessian_trace(net: Network, params: Params, x: Any, y: Any, *, samples: int = 30, seed: int = 0) -> HessianTrace:
    r"""Estimate the trace of the matrix of which `sharpness` is the largest eigenvalue.

    The mean of $v^T H v$ over vectors of random signs (Hutchinson 1990), with the standard error of that mean.

    Args:
        net: the network.
        params: its weights.
        x: training points, (n, D).
        y: targets, (n, C); a vector means C = 1. For a centred network give y + f_0(x).
        samples: how many vectors, at least 2; each costs two gradients.
        seed: of these vectors.

    Returns:
        `.value` and `.stderr`.

    Raises:
        ValueError: weights, points or targets that do not fit together, or an argument out of its range.
    """
    count = whole(samples, "samples", 2, _MOST_ITERATIONS)
    return _run((_hessian_trace, _hessian_trace_compiled), net, params, x, y, seed, count)
