r"""How the infinite-width kernels change with the weight and the bias variance, by forward differentiation.

One pass carries the kernels and both derivatives, so that depth stays a loop bound and the variances stay runtime
values. It is what the gradient of a marginal likelihood is made of.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .._float64 import float64
from ..activations import Activation
from ..networks import Network
from .infinite import Kernels, check_tangent, checked_points, nngp_and_ntk
from .recursion import Part, Recursion, Scalars, propagate
from .tiles import Inputs, moments, traced_inputs


class KernelDerivatives(NamedTuple):
    """Kernels (n, n) and their derivatives (n, n, 2): in the weight variance first, then in the bias variance."""

    kernels: Kernels
    derivatives: Kernels


def _with_variances(scalars: Scalars, moves: Any, variances: Any) -> Scalars:
    """Return the runtime values for other variances; `moves` is 1 where the learning rates' factors move along, or 0.

    They are the variances themselves but in the standard parametrization, where they stay.
    """
    by_weight, by_bias = moves * (variances[0] - scalars.weight_var), moves * (variances[1] - scalars.bias_var)
    return scalars._replace(
        weight_var=variances[0], bias_var=variances[1],
        first=scalars.first + by_weight, hidden=scalars.hidden + by_weight, bias=scalars.bias + by_bias,
    )  # fmt: skip


@partial(jax.jit, static_argnames=("recursion",))
def _with_derivatives(
    activation: Activation, scalars: Scalars, moves: Any, inputs: Inputs, recursion: Recursion
) -> KernelDerivatives:
    def twice(variances):
        moved = _with_variances(scalars, moves, variances)
        kernels = Kernels(*propagate(activation, moved, inputs, recursion=recursion))
        return kernels, kernels

    variances = jnp.stack([jnp.asarray(v, inputs.k.dtype) for v in (scalars.weight_var, scalars.bias_var)])
    derivatives, kernels = jax.jacfwd(twice, has_aux=True)(variances)
    return KernelDerivatives(kernels, derivatives)


@partial(jax.jit, static_argnames=("recursion",))
def _diagonals(activation: Activation, scalars: Scalars, x: Any, recursion: Recursion) -> Kernels:
    def one(point):
        inputs = traced_inputs(point[None], None, activation.needs_distance)
        return Kernels(*(kernel[0, 0] for kernel in propagate(activation, scalars, inputs, recursion=recursion)))

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
    x, _ = checked_points(net, x, None)
    check_tangent(net)
    inputs = jax.tree.map(lambda m: jnp.asarray(m, jnp.float64), moments(x, x, net.phi.needs_distance, diagonal=0))
    moves = float(net.parametrization != "standard")
    result = _with_derivatives(net.phi, Scalars.of(net, x.shape[1]), moves, inputs, Recursion.of(net, Part.BOTH))
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
    x, _ = checked_points(net, x, None)
    check_tangent(net)
    result = _diagonals(net.phi, Scalars.of(net, x.shape[1]), jnp.asarray(x), Recursion.of(net, Part.BOTH))
    for row in np.flatnonzero(~np.isfinite(np.asarray(result.ntk))):
        nngp_and_ntk(net, x[row : row + 1])  # says so
    return result
