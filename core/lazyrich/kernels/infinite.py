r"""Infinite-width kernels: NNGP $K$ and neural tangent kernel $\Theta$ of a network.

Each affine layer maps $K \to s_w^2 K + s_b^2$ and $\Theta \to K_{new} + s_w^2 \Theta$; each activation maps $K \to T$
and $\Theta \to \Theta \dot T$ (Lee et al. 2018, eq. 5; Jacot et al. 2018, theorem 1). The readout is an affine layer
too. Depth is a loop bound, not unrolled layers, and every scalar is a runtime value; the kernel is made of tiles of
few fixed sizes. So moving a slider, that of the number of points included, compiles nothing new.
"""

from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float

from .._checks import as_points, choice, of_type
from .._float64 import float64, is_traced
from ..networks import Network
from ..parametrizations import width_exponents
from .recursion import Part, Recursion, Scalars, compiled, overflow, propagate
from .tiles import Inputs, in_tiles, traced_inputs


class Kernels(NamedTuple):
    """Both infinite-width kernels, each (n1, n2) or, from every layer or depth, (layers, n1, n2)."""

    nngp: Any
    ntk: Any


def checked_points(net: Network, x1: Any, x2: Any) -> tuple[Any, Any]:
    """Return both sets of points, x2 as None if they are one set, once they and `net` are what they must be."""
    of_type(net, "net", Network)
    if not width_exponents(net.parametrization).keeps_activations:
        raise ValueError(
            "Infinite-width kernels need preactivations that keep their size as the width grows, a_1 + b_1 = 0 and "
            f"a_l + b_l = 1/2 between hidden layers; got {net.parametrization}. Change these exponents."
        )
    x1 = as_points(x1, "x1")
    x2 = None if x2 is None else as_points(x2, "x2")
    if x2 is not None and x1.shape[1] != x2.shape[1]:
        raise ValueError(
            f"x1 and x2 must have the same dimension D; got {x1.shape[1]} and {x2.shape[1]}. Give points of one space."
        )
    return x1, x2


def check_tangent(net: Network) -> None:
    """Say so where a network has no tangent kernel."""
    if not width_exponents(net.parametrization).keeps_rates:
        raise ValueError(
            "The infinite-width tangent kernel needs a learning rate of every layer that does not depend on the width, "
            f"once the weights are drawn from N(0, 1); got {net.parametrization}. Give 2 (a_out + b_out - b_l) + c = 1 "
            "for each layer l, or use empirical_ntk and a learning_rate of your own."
        )
    if not net.phi.has_tangent:
        raise ValueError(
            f"The tangent kernel of {net.phi} does not exist: it jumps, so E[phi'(u)^2] is infinite. "
            "Ask for the nngp alone, or pick a continuous activation such as erf."
        )


def compute(net: Network, x1: Any, x2: Any, part: Part, dtype: str) -> tuple[Any, ...]:
    """Return what `part` names of the recursion, on every pair of checked points.

    Raises:
        ValueError: a kernel that overflows.
    """
    recursion = Recursion.of(net, part)
    scalars, needs_distance = Scalars.of(net, x1.shape[1]), net.phi.needs_distance
    if is_traced(x1, x2):
        # Under a transformation the depth is a constant, so that the loop has reverse-mode derivatives.
        arrays = propagate(net.phi, scalars, traced_inputs(x1, x2, needs_distance), recursion=recursion)
        cuts = recursion.leading(net.depth)
        return tuple(array[tuple(slice(d) for d in cut)] for array, cut in zip(arrays, cuts, strict=True))

    def tile(inputs: Inputs):
        with np.errstate(over="ignore"):  # what overflows float32 is reported with the kernel
            inputs = jax.tree.map(lambda moment: np.asarray(moment, dtype), inputs)
        return compiled(net.phi, scalars, inputs, recursion=recursion)

    leading, is_quadrature = recursion.leading(net.depth), net.phi.family.is_quadrature
    kernels, are_finite = in_tiles(tile, x1, x2, needs_distance, leading, dtype, is_quadrature)
    if not are_finite:
        raise ValueError(overflow(net, x1, x2, dtype))
    return kernels


def _compute(net: Network, x1: Any, x2: Any, part: Part, dtype: str) -> tuple[Any, ...]:
    """Return what `part` names, once everything has been checked."""
    x1, x2 = checked_points(net, x1, x2)
    choice(dtype, "dtype", ("float32", "float64"))
    if part is not Part.NNGP:
        check_tangent(net)
    return compute(net, x1, x2, part, dtype)


@float64
def nngp_and_ntk(net: Network, x1: Any, x2: Any = None, dtype: str = "float64") -> Kernels:
    """Return the NNGP kernel and the neural tangent kernel from one pass.

    Args:
        net: the network. Its width plays a part only in the standard parametrization, its richness none.
        x1: points, (n1, D).
        x2: points, (n2, D); `None` means `x1`.
        dtype: float64, or float32 for devices without it; `lazyrich.conditioning` says what that costs.

    Returns:
        `.nngp` and `.ntk`, each (n1, n2), in that precision.

    Raises:
        ValueError: inputs of a wrong shape or with NaN, of different dimensions, an activation without a tangent
            kernel, or a kernel that overflows.
    """
    return Kernels(*_compute(net, x1, x2, Part.BOTH, dtype))


@float64
def nngp(net: Network, x1: Any, x2: Any = None, dtype: str = "float64") -> Float[np.ndarray | Array, "n1 n2"]:
    r"""Return the NNGP kernel $K$, (n1, n2): the covariance of $\gamma f$ at initialisation.

    Arguments and errors are those of `nngp_and_ntk`. Source: Lee et al. 2018, eq. 5.
    """
    return _compute(net, x1, x2, Part.NNGP, dtype)[0]


@float64
def ntk(net: Network, x1: Any, x2: Any = None, dtype: str = "float64") -> Float[np.ndarray | Array, "n1 n2"]:
    r"""Return the neural tangent kernel $\Theta$, (n1, n2), readout included.

    It is the limit of `empirical_ntk` for every parametrization, since the learning rate carries $\gamma^2$.
    Arguments and errors are those of `nngp_and_ntk`. Source: Jacot, Gabriel & Hongler 2018, theorem 1.
    """
    return _compute(net, x1, x2, Part.NTK, dtype)[0]


@float64
def kernels_by_depth(net: Network, x1: Any, x2: Any = None, dtype: str = "float64") -> Kernels:
    """Return both kernels of the networks of 1, 2, ..., `net.depth` hidden layers, each (L, n1, n2), from one pass.

    Arguments and errors are those of `nngp_and_ntk`.
    """
    return Kernels(*_compute(net, x1, x2, Part.DEPTHS, dtype))


@float64
def ntk_by_layer(net: Network, x1: Any, x2: Any = None, dtype: str = "float64") -> Float[np.ndarray, "layers n1 n2"]:
    """Return what each layer's weights and biases contribute to the tangent kernel, (L + 1, n1, n2).

    Entry 0 is that of the first weights, entry L that of the readout; their sum is `ntk`. Arguments and errors are
    those of `nngp_and_ntk`.
    """
    return _compute(net, x1, x2, Part.LAYERS, dtype)[0]


@float64
def angular_kernels(net: Network, cosines: Any) -> Kernels:
    r"""Return both kernels of normalised points, $|x|^2 = D$, as functions of the cosine of their angle.

    Args:
        net: the network, not in the standard parametrization, whose kernel depends on D as well.
        cosines: in [-1, 1], (m,).

    Returns:
        `.nngp` and `.ntk`, each (m,).

    Raises:
        ValueError: cosines out of their range, or an activation without a tangent kernel.
    """
    of_type(net, "net", Network)
    cosines = np.asarray(as_points(np.atleast_2d(cosines), "cosines")[0])
    if np.abs(cosines).max() > 1 + 1e-12:  # rounding may carry the cosine of parallel points a little further
        raise ValueError(f"cosines must be from -1 to 1; got {np.abs(cosines).max():g}. Divide by both norms.")
    cosines = np.clip(cosines, -1.0, 1.0)
    if net.parametrization == "standard":
        raise ValueError(
            "angular_kernels takes no standard parametrization, which needs D. Give points to ntk instead."
        )
    # A first point and others on its circle, in a plane: D = 2, |x|^2 = 2.
    circle = np.sqrt(2) * np.stack([cosines, np.sqrt(1 - cosines**2)], axis=1)
    return Kernels(*(kernel[0] for kernel in nngp_and_ntk(net, [[np.sqrt(2), 0.0]], circle)))
