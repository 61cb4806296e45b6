r"""One pass through a network of infinite width, in pure JAX.

With $T, \dot T$ the dual of the activation, $\alpha$ the strength of the skip connections and the sum over the
parameters of a layer's weights and biases,

$$K^{l+1} = s_w^2 T + s_b^2 + \alpha^2 K^l, \qquad
\Theta^{l+1} = (c_w T + c_b) + (s_w^2 \dot T + \alpha^2)\, \Theta^l .$$

The readout has no skip connection. $c_w = s_w^2$, $c_b = s_b^2$ but in the standard parametrization, where all weights
have the same learning rate and $c_w$ is the layer's fan-in, $c_b = 1$ (Sohl-Dickstein et al. 2020, section 2). Layer
normalisation divides $K^l$ and $\Theta^l$ by $\sqrt{q_1 q_2}$; in the limit the mean over the units is 0 and the
normalisation's own derivative, a projection on one of N directions, adds nothing.
"""

import enum
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..activations import Activation
from ..duals import chord
from ..networks import Network
from .tiles import Inputs


class Part(enum.Enum):
    """What a pass returns: one kernel, both, both at every depth, or each layer's share of the tangent kernel."""

    NNGP = "nngp"
    NTK = "ntk"
    BOTH = "both"
    DEPTHS = "depths"
    LAYERS = "layers"


class Recursion(NamedTuple):
    """What a compiled pass is compiled for."""

    part: Part
    layer_norm: bool
    layers: int  # room for so many hidden layers where every one is recorded

    @classmethod
    def of(cls, net: Network, part: Part) -> "Recursion":
        """Return the pass of a network; its room is a power of two, so that few are compiled."""
        room = 1 << (net.depth - 1).bit_length() if part in (Part.DEPTHS, Part.LAYERS) else 0
        return cls(part, net.layer_norm, room)

    def leading(self, depth: int) -> tuple[tuple[int, ...], ...]:
        """Return the leading dimensions of each array that the pass returns, cut to `depth`."""
        kinds = {Part.BOTH: ((), ()), Part.DEPTHS: ((depth,), (depth,)), Part.LAYERS: ((depth + 1,),)}
        return kinds.get(self.part, ((),))


class Scalars(NamedTuple):
    """The runtime values of a pass."""

    depth: Any
    weight_var: Any
    bias_var: Any
    skip: Any  # alpha^2
    first: Any  # c_w of the first weights
    hidden: Any  # c_w of all others
    bias: Any  # c_b

    @classmethod
    def of(cls, net: Network, in_dim: int) -> "Scalars":
        """Return those of a network on inputs of dimension `in_dim`."""
        shared = (net.depth, net.weight_var, net.bias_var, net.residual**2)
        if net.parametrization == "standard":
            return cls(*shared, float(in_dim), float(net.width), float(net.bias_var > 0))
        return cls(*shared, net.weight_var, net.weight_var, net.bias_var)


def _normalised(inputs: Inputs, theta: Any) -> tuple[Inputs, Any]:
    """Return the moments after layer normalisation; a point at zero stays there."""
    q1, q2, k, distance = inputs
    root1, root2 = (jnp.where(q > 0, jnp.sqrt(jnp.where(q > 0, q, 1.0)), 1.0) for q in (q1, q2))
    over = (1 / root1)[:, None] * (1 / root2)[None, :]
    if distance is not None:
        alive = (q1 > 0)[:, None] & (q2 > 0)[None, :]
        either = ((q1 > 0)[:, None] | (q2 > 0)[None, :]).astype(k.dtype)
        distance = jnp.where(alive, chord(q1, q2, distance) * over, either)
    unit1, unit2 = (jnp.where(q > 0, 1.0, 0.0).astype(k.dtype) for q in (q1, q2))
    if theta is not None:
        theta = theta * over.reshape((1,) * (theta.ndim - 2) + over.shape)
    return Inputs(unit1, unit2, k * over, distance), theta


def _layer(activation: Activation, scalars: Scalars, recursion: Recursion, level: Any, state: Any) -> Any:
    """Return the moments and kernels after an activation and the affine layer above it."""
    before, theta, record = state
    inputs, tangent = _normalised(before, theta) if recursion.layer_norm else (before, theta)
    t, tdot, apart = activation.dual(*inputs)
    skip = jnp.where(level < scalars.depth - 1, scalars.skip, 0.0)

    def affine(moment, previous):
        return scalars.weight_var * moment + scalars.bias_var + skip * previous

    q1, q2 = (affine(activation.second_moment(q), old) for q, old in ((inputs.q1, before.q1), (inputs.q2, before.q2)))
    k = affine(t, before.k)
    distance = None if apart is None else scalars.weight_var * apart + skip * before.distance
    if theta is not None:
        new = scalars.hidden * t + scalars.bias
        if recursion.part is Part.LAYERS:
            theta = (scalars.weight_var * tdot[None] * tangent + skip * theta).at[level + 1].set(new)
        else:
            new += scalars.weight_var * tdot * tangent
            theta = new + skip * theta
        if recursion.part is Part.DEPTHS:  # the network that ends here has no skip
            ends = (k - skip * before.k, new)
            record = jax.tree.map(lambda rows, row: rows.at[level].set(row), record, ends)
    return Inputs(q1, q2, k, distance), theta, record


def propagate(activation: Activation, scalars: Scalars, inputs: Inputs, *, recursion: Recursion) -> tuple[Any, ...]:
    """Return what `recursion.part` names, from the moments of x / sqrt(D).

    Returns:
        Arrays of (n1, n2); or of (room, n1, n2) for `DEPTHS` and (room + 1, n1, n2) for `LAYERS`, of which the
        first `depth` and `depth + 1` count.
    """

    def affine(moment):
        return scalars.weight_var * moment + scalars.bias_var

    k, theta, record = affine(inputs.k), None, None
    distance = None if inputs.distance is None else scalars.weight_var * inputs.distance  # biases are shared
    if recursion.part is not Part.NNGP:
        theta = scalars.first * inputs.k + scalars.bias
    if recursion.part is Part.LAYERS:
        theta = jnp.zeros((recursion.layers + 1, *k.shape), k.dtype).at[0].set(theta)
    if recursion.part is Part.DEPTHS:
        record = (jnp.zeros((recursion.layers, *k.shape), k.dtype),) * 2
    state = Inputs(affine(inputs.q1), affine(inputs.q2), k, distance), theta, record

    def layer(level, state):
        return _layer(activation, scalars, recursion, level, state)

    after, theta, record = jax.lax.fori_loop(0, scalars.depth, layer, state)
    results = {Part.NNGP: (after.k,), Part.BOTH: (after.k, theta), Part.DEPTHS: record}
    return results.get(recursion.part, (theta,))  # pyright: ignore[reportReturnType]


compiled = jax.jit(propagate, static_argnames=("recursion",))


def overflow(net: Network, x1: Any, x2: Any, dtype: str) -> str:
    """Return the sentence that says in which layer a kernel has left the range of `dtype`, and why."""
    points = x1 if x2 is None else np.concatenate([x1, x2])
    with np.errstate(over="ignore", invalid="ignore"):
        q = jnp.asarray(np.sum(points * points, axis=1) / points.shape[1], dtype)
    largest, where = float(jnp.max(q)), "the inputs"
    for level in range(net.depth + 1):
        before, q = largest, net.weight_var * q + net.bias_var
        largest, where = float(jnp.max(q)), f"the preactivations of layer {level + 1}"
        if not np.isfinite(largest) or level == net.depth:
            break
        before = largest
        q = net.phi.second_moment(jnp.where(q > 0, 1.0, 0.0).astype(q.dtype) if net.layer_norm else q)
        largest, where = float(jnp.max(q)), f"E[phi(u)^2] of {net.phi} in layer {level + 1}"
        if not np.isfinite(largest):
            break
    else:
        before = largest
    return (
        f"A kernel must be finite in {dtype}; got an overflow in {where}, after a variance of {before:.3g} "
        f"(depth {net.depth}, weight_var {net.weight_var:g}). Lower the depth, weight_var or the inputs' norms."
    )
