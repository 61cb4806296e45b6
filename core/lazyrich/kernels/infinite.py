r"""Infinite-width kernels: NNGP $K$ and neural tangent kernel $\Theta$ of a network.

Each affine layer maps $K \to s_w^2 K + s_b^2$ and $\Theta \to K_{new} + s_w^2 \Theta$; each activation maps $K \to T$
and $\Theta \to \Theta \dot T$ (Lee et al. 2018, eq. 5; Jacot et al. 2018, theorem 1). The readout is an affine layer
too. Depth is a loop bound, not unrolled layers, and every scalar is a runtime value: moving one never recompiles.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.spatial.distance import cdist

from .._checks import as_points, of_type
from .._float64 import float64, is_traced
from ..activations import Activation
from ..duals import Covariances, FirstVariances, SecondVariances
from ..networks import Network


class Kernels(NamedTuple):
    """Both infinite-width kernels, each (n1, n2)."""

    nngp: Any
    ntk: Any


def _propagate(
    activation: Activation,
    depth: Any,
    weight_var: Any,
    bias_var: Any,
    q1: FirstVariances,
    q2: SecondVariances,
    k: Covariances,
    distance: Covariances | None,
) -> Kernels:
    """Run input variances q1, q2, covariances k and squared distances through `depth` hidden layers.

    They are those of x / sqrt(D); the distances are None where the activation needs none.
    """

    def affine(kernel):
        return weight_var * kernel + bias_var

    def layer(_, state):
        q1, q2, k, theta, distance = state
        t, tdot, distance = activation.layer(q1, q2, k, distance)
        k = affine(t)
        q1, q2 = affine(activation.second_moment(q1)), affine(activation.second_moment(q2))
        return q1, q2, k, k + weight_var * theta * tdot, stretched(distance)

    def stretched(distance):
        return None if distance is None else weight_var * distance  # two points share their biases

    first = affine(k)
    state = affine(q1), affine(q2), first, first, stretched(distance)
    _, _, k, theta, _ = jax.lax.fori_loop(0, depth, layer, state)
    return Kernels(k, theta)


_propagate_compiled = jax.jit(_propagate)


def _input_moments(x1: Any, x2: Any, needs_distance: bool) -> tuple[Any, Any, Any, Any]:
    """Return variances (n1,), (n2,), covariances (n1, n2) and, where needed, squared distances of the inputs.

    x2 None means x1, with an exact diagonal. When all norms are equal (to rounding), the variances are returned with
    shape (1,).
    """
    xp = jnp if is_traced(x1, x2) else np
    second = x1 if x2 is None else x2
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows here is reported with the kernel
        q1, q2 = (xp.sum(x * x, axis=1) / x.shape[1] for x in (x1, second))
        k = x1 @ second.T / x1.shape[1]
    if xp is jnp:
        k = k.at[jnp.diag_indices_from(k)].set(q1) if x2 is None else k
        norms = q1[:, None] + q2[None, :]
        distance = jnp.where(norms - 2 * k > 8 * np.finfo(np.float64).eps * norms, norms - 2 * k, 0.0)
        return q1, q2, k, distance if needs_distance else None
    with np.errstate(over="ignore", invalid="ignore"):
        # From the differences: those of close points have no digits left in q1 + q2 - 2k.
        distance = cdist(x1, second, "sqeuclidean") / x1.shape[1] if needs_distance else None
    both = np.concatenate([q1, q2])
    if np.isfinite(both).all() and np.ptp(both) <= 1e-14 * both.max():
        q1 = q2 = both.mean(keepdims=True)
    if x2 is None:
        np.fill_diagonal(k, q1)
    return q1, q2, k, distance


@float64
def nngp_and_ntk(net: Network, x1: Any, x2: Any = None) -> Kernels:
    """Return the NNGP kernel and the neural tangent kernel from one pass.

    Args:
        net: the network; its width, parametrization and richness play no part at infinite width.
        x1: points, (n1, D).
        x2: points, (n2, D); `None` means `x1`.

    Returns:
        `.nngp` and `.ntk`, each (n1, n2), float64.

    Raises:
        ValueError: inputs of a wrong shape or with NaN, of different dimensions, or a kernel that overflows.
    """
    of_type(net, "net", Network)
    x1 = as_points(x1, "x1")
    x2 = None if x2 is None else as_points(x2, "x2")
    if x2 is not None and x1.shape[1] != x2.shape[1]:
        raise ValueError(
            f"x1 and x2 must have the same dimension D; got {x1.shape[1]} and {x2.shape[1]}. Give points of one space."
        )
    moments = _input_moments(x1, x2, net.phi.needs_distance)
    moments = jax.tree.map(lambda moment: jnp.asarray(moment, jnp.float64), moments)
    # Under a transformation the depth is a constant, so that the loop has reverse-mode derivatives.
    propagate = _propagate if is_traced(x1, x2) else _propagate_compiled
    result = propagate(net.phi, net.depth, net.weight_var, net.bias_var, *moments)
    if not is_traced(result) and not all(bool(jnp.isfinite(kernel).all()) for kernel in result):
        raise ValueError(
            f"A kernel must be finite; got an overflow for {net.phi} at depth {net.depth} and weight_var "
            f"{net.weight_var:g} on these inputs. Lower the depth, weight_var or the inputs' norms."
        )
    return result


def nngp(net: Network, x1: Any, x2: Any = None) -> Float[np.ndarray | Array, "n1 n2"]:
    r"""Return the NNGP kernel $K$, (n1, n2) float64: the covariance of $\gamma f$ at initialisation.

    Arguments and errors are those of `nngp_and_ntk`. Source: Lee et al. 2018, eq. 5.
    """
    return nngp_and_ntk(net, x1, x2).nngp


def ntk(net: Network, x1: Any, x2: Any = None) -> Float[np.ndarray | Array, "n1 n2"]:
    r"""Return the neural tangent kernel $\Theta$, (n1, n2) float64, readout included.

    It is the limit of `empirical_ntk` for every parametrization, since the learning rate carries $\gamma^2$.
    Arguments and errors are those of `nngp_and_ntk`. Source: Jacot, Gabriel & Hongler 2018, theorem 1.
    """
    return nngp_and_ntk(net, x1, x2).ntk
