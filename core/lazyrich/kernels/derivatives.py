r"""How the infinite-width kernels change with the weight and the bias variance, by forward differentiation.

One pass carries the kernels and both derivatives, so that depth stays a loop bound and the variances stay runtime
values. It is what the gradient of a marginal likelihood is made of.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .._checks import as_points, of_type
from .._float64 import float64
from ..networks import Network
from .infinite import Kernels, _input_moments, _propagate, nngp_and_ntk


class KernelDerivatives(NamedTuple):
    """Kernels (n, n) and their derivatives (n, n, 2): in the weight variance first, then in the bias variance."""

    kernels: Kernels
    derivatives: Kernels


def _kernels(activation: Any, depth: Any, variances: Any, moments: Any) -> Kernels:
    """Return the kernels of input moments for `variances` = (s_w^2, s_b^2): the one call of the recursion."""
    return _propagate(activation, depth, variances[0], variances[1], *moments)


@jax.jit
def _with_derivatives(activation: Any, depth: Any, variances: Any, moments: Any) -> KernelDerivatives:
    def twice(variances):
        kernels = _kernels(activation, depth, variances, moments)
        return kernels, kernels

    derivatives, kernels = jax.jacfwd(twice, has_aux=True)(variances)
    return KernelDerivatives(kernels, derivatives)


@jax.jit
def _diagonals(activation: Any, depth: Any, variances: Any, x: Any) -> Kernels:
    def one(point):
        moments = _input_moments(point[None], None, activation.needs_distance)
        return jax.tree.map(lambda kernel: kernel[0, 0], _kernels(activation, depth, variances, moments))

    return jax.vmap(one)(x)


@float64
def kernel_derivatives(net: Network, x: Any) -> KernelDerivatives:
    """Return K(x, x) and Theta(x, x) with their derivatives in weight_var and bias_var.

    Args:
        net: the network.
        x: points, (n, D).

    Raises:
        ValueError: inputs of a wrong shape or with NaN, or a kernel or a derivative that overflows.
    """
    of_type(net, "net", Network)
    x = as_points(x, "x")
    moments = _input_moments(x, None, net.phi.needs_distance)
    moments = jax.tree.map(lambda moment: jnp.asarray(moment, jnp.float64), moments)
    result = _with_derivatives(net.phi, net.depth, jnp.array([net.weight_var, net.bias_var], jnp.float64), moments)
    if not all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(result)):
        nngp_and_ntk(net, x)  # says so if it is the kernel itself
        raise ValueError(
            f"A kernel's derivative must be finite; got an overflow for {net.phi} at depth {net.depth} and weight_var "
            f"{net.weight_var:g} on these inputs. Lower the depth, weight_var or the inputs' norms."
        )
    return result


@float64
def kernel_diagonals(net: Network, x: Any) -> Kernels:
    """Return the diagonals of K(x, x) and Theta(x, x), each (n,), at a cost of n.

    Arguments are those of `kernel_derivatives`.

    Raises:
        ValueError: inputs of a wrong shape or with NaN, or a kernel that overflows.
    """
    of_type(net, "net", Network)
    x = as_points(x, "x")
    result = _diagonals(net.phi, net.depth, jnp.array([net.weight_var, net.bias_var], jnp.float64), jnp.asarray(x))
    for row in np.flatnonzero(~np.isfinite(np.asarray(result.ntk))):
        nngp_and_ntk(net, x[row : row + 1])  # says so
    return result
