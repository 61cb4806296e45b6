r"""Criticality: does a deep network at initialisation keep its signals and their differences, or lose them?

A layer maps the variance of the preactivations as $K \to C_b + C_W \langle\phi^2\rangle_K$. A small change of the
variance is multiplied in each layer by $\chi_\parallel = \frac{C_W}{2K^2} \langle\phi^2 (z^2 - K)\rangle_K$, which is
$C_W\, d\langle\phi^2\rangle_K/dK$; the squared distance of two close inputs of equal norm, and the square of a
gradient, by $\chi_\perp = C_W \langle\phi'^2\rangle_K$. Where $\chi_\perp < 1$ at the fixed point all inputs become
one (order), where it is larger close ones part (chaos); a network is critical where both are 1.

Sources: Poole, Lahiri, Raghu, Sohl-Dickstein & Ganguli 2016, "Exponential expressivity in deep neural networks through
transient chaos"; Schoenholz, Gilmer, Ganguli & Sohl-Dickstein 2017, "Deep information propagation"; Roberts, Yaida &
Hanin 2022, "The principles of deep learning theory", chapter 5, whose C_W, C_b are `weight_var`, `bias_var` here.

Derived, from `kernels.recursion`: connections of strength $\alpha$ that skip a layer add $\alpha^2$ to both. Layer
normalisation makes K into $C_b + C_W \langle\phi^2\rangle_1 + \alpha^2 K$, so that $\chi_\parallel = \alpha^2$ and
$\chi_\perp = C_W \langle\phi'^2\rangle_1/K + \alpha^2$.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._checks import check_broadcast, number_or_array, of_type
from .._float64 import float64
from ..activations import Activation
from ..networks import Network

# So many layers lead into the neighbourhood of a fixed point, from where so many of Newton's steps end on it.
_LAYERS = 300
_STEPS = 50
# Variances beyond this one count as growing without end: a fixed point that large is none in practice.
_LARGEST = 1e6


class Criticality(NamedTuple):
    """The fixed point of the variance and what it does to small changes; arrays of the variances' shape.

    Attributes:
        variance: the preactivations' variance K after many layers; close to 0 where it dies out, inf where it grows
            without end.
        parallel: chi_parallel, the factor of a small change of the variance, a layer.
        perpendicular: chi_perpendicular, the factor of the squared distance of close inputs, a layer. Where the
            variance grows without end both are those at a variance of 10^6.
    """

    variance: Float[np.ndarray | Array, "..."]
    parallel: Float[np.ndarray | Array, "..."]
    perpendicular: Float[np.ndarray | Array, "..."]


def _mean_square(phi: Activation, layer_norm: bool, q: Any) -> Any:
    """Return <phi^2> at variances q, (m,), of what enters the activation."""
    return phi.second_moment(jnp.where(q > 0, 1.0, 0.0) if layer_norm else q)


def _mean_square_slope(phi: Activation, layer_norm: bool, q: Any) -> Any:
    """Return <phi'^2> of what enters the activation, times the square of the normalisation's slope, (m,)."""

    def at(one):
        entering = jnp.ones(1) if layer_norm else one[None]
        apart = jnp.zeros((1, 1)) if phi.needs_distance else None
        return phi.dual(entering, entering, entering[:, None], apart).tdot[0, 0]

    # One after the other: the numerical duals choose their orders by the variance.
    slopes = jax.lax.map(at, q)
    return slopes / jnp.where(q > 0, q, jnp.inf) if layer_norm else slopes


def _fixed_point(step: Any, q: Any) -> Any:
    """Return where iterating `step` from q leads, by many steps and Newton's method on step(q) - q."""
    q = jax.lax.fori_loop(0, _LAYERS, lambda _, q: step(q), q)

    def newton(_, q):
        after, slope = jax.jvp(step, (q,), (jnp.ones_like(q),))
        flat = slope == 1
        moved = q - (after - q) / jnp.where(flat, 1.0, slope - 1)
        return jnp.where(flat | ~(moved > 0), after, moved)

    found = jax.lax.fori_loop(0, _STEPS, newton, q)
    settled = (jnp.abs(step(found) - found) <= 1e-9 * found) & (found <= _LARGEST)
    # What has not settled either grows or dies out, too slowly to be there after so many layers.
    left = jnp.where((q <= _LARGEST) & (step(q) <= q), jnp.minimum(found, q), jnp.inf)
    return jnp.where(settled, found, left)


@partial(jax.jit, static_argnames=("layer_norm",))
def _criticality(
    phi: Activation, layer_norm: bool, skip: Any, weight_var: Any, bias_var: Any, variance: Any
) -> Criticality:
    """Return the criticality of networks on inputs with |x|^2 = D, or at given variances; all (m,)."""

    def step(q):
        return weight_var * _mean_square(phi, layer_norm, q) + bias_var + skip * q

    q = _fixed_point(step, weight_var + bias_var) if variance is None else variance
    at = jnp.minimum(q, _LARGEST)
    _, parallel = jax.jvp(step, (at,), (jnp.ones_like(at),))
    return Criticality(q, parallel, weight_var * _mean_square_slope(phi, layer_norm, at) + skip)


@float64
def criticality(net: Network, *, weight_var: Any = None, bias_var: Any = None, variance: Any = None) -> Criticality:
    """Return the fixed point of the variance that inputs with |x|^2 = D lead to, and both susceptibilities there.

    Args:
        net: the network; its depth, width and parametrization play no part.
        weight_var: weight variances in place of the network's, at least 0; a number or an array.
        bias_var: the same of the bias variance.
        variance: ask for the susceptibilities at this variance K > 0 in place of the fixed point, as where a network
            has several. A number or an array; all three broadcast.

    Returns:
        Three arrays of the shape that the variances have together; of numbers, arrays without axes.

    Raises:
        ValueError: a variance out of its range, or an activation that jumps, whose <phi'^2> is infinite.
    """
    of_type(net, "net", Network)
    if not net.phi.has_tangent:
        raise ValueError(
            f"Criticality needs an activation without jumps; got {net.phi}, for which <phi'^2> is infinite. "
            "Pick a continuous one such as erf."
        )
    given = {
        "weight_var": number_or_array(net.weight_var if weight_var is None else weight_var, "weight_var", least=0),
        "bias_var": number_or_array(net.bias_var if bias_var is None else bias_var, "bias_var", least=0),
    }
    if variance is not None:
        given["variance"] = number_or_array(variance, "variance", above=0)
    check_broadcast(**given)
    shape = np.broadcast_shapes(*map(np.shape, given.values()))
    flat = {name: jnp.broadcast_to(jnp.asarray(v, jnp.float64), shape).ravel() for name, v in given.items()}
    result = _criticality(net.phi, net.layer_norm, net.residual**2, **{"variance": None, **flat})
    return jax.tree.map(lambda leaf: leaf.reshape(shape), result)


@partial(jax.jit, static_argnames=("layer_norm",))
def _means(phi: Activation, layer_norm: bool, q: Any) -> tuple[Any, Any, Any]:
    """Return <phi^2>, its derivative, and <phi'^2> at variances q, (m,)."""
    square, rise = jax.jvp(partial(_mean_square, phi, layer_norm), (q,), (jnp.ones_like(q),))
    return square, rise, _mean_square_slope(phi, layer_norm, q)


@float64
def variances_with(
    net: Network,
    variance: Float[np.ndarray, " m"],
    *,
    perpendicular: float | None = None,
    parallel: float | None = None,
) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    r"""Return the weight and bias variances, (m,) each, that have a fixed point K with one susceptibility as given.

    Solved for both, $\chi_\perp = C_W \langle\phi'^2\rangle_K + \alpha^2$ or
    $\chi_\parallel = C_W\, d\langle\phi^2\rangle_K/dK + \alpha^2$, with
    $K = C_b + C_W \langle\phi^2\rangle_K + \alpha^2 K$.

    Args:
        net: the network; its own variances play no part.
        variance: the fixed points K > 0. Some may not be those that inputs with |x|^2 = D lead to, and some may ask for
            a bias variance below 0.
        perpendicular: chi_perpendicular at the fixed point.
        parallel: in its place chi_parallel; where that is 1 the fixed point is about to go.

    Raises:
        ValueError: both susceptibilities, or none.
    """
    square, rise, slope = map(np.asarray, _means(net.phi, net.layer_norm, jnp.asarray(variance, jnp.float64)))
    skip = net.residual**2
    if perpendicular is not None and parallel is None:
        given, factor = perpendicular, slope
    elif parallel is not None and perpendicular is None:
        given, factor = parallel, rise
    else:
        raise ValueError(f"One susceptibility must be given; got {perpendicular=} and {parallel=}. Leave one out.")
    with np.errstate(divide="ignore", invalid="ignore"):
        weight_var = (given - skip) / factor
        return weight_var, (1 - skip) * variance - weight_var * square
