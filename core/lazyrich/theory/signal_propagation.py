r"""Signals through the layers: the variance of the preactivations and the correlation of two inputs, layer by layer.

For inputs with $|x|^2 = D$ at a cosine $\rho$, $q^l = E[h_i^l(x)^2]$ and $c^l = E[h_i^l(x) h_i^l(x')]/q^l$ start from
$q^1 = s_w^2 + s_b^2$, $q^1 c^1 = s_w^2 \rho + s_b^2$ and follow the recursion of the NNGP kernel (Poole et al. 2016,
"Exponential expressivity in deep neural networks through transient chaos"). Beside it stands the same of finite
networks: means over the N units of a layer, one value a network.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from .._checks import of_type, seed_of, whole, within
from .._float64 import float64
from ..kernels.infinite import checked_points
from ..kernels.recursion import Part, Recursion, Scalars, compiled
from ..kernels.tiles import moments
from ..mlp import Nonlinearity, Scales, hidden_states, init
from ..networks import Network
from ..results import labelled


def _points(cosines: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a first point and, after itself, those at the cosines from it, in a plane: D = 2, |x|^2 = 2."""
    cosines = np.append(1.0, cosines)
    return np.array([[np.sqrt(2), 0.0]]), np.sqrt(2) * np.stack([cosines, np.sqrt(1 - cosines**2)], axis=1)


def _checked(net: Network, cosines: Any, layers: int) -> tuple[Network, np.ndarray, int]:
    """Return the network, so deep that its hidden layers are `layers`, in the parametrization that all share."""
    of_type(net, "net", Network)
    cosines = np.atleast_1d(within(cosines, "cosines", -1, 1))
    if cosines.ndim != 1 or not cosines.size:
        raise ValueError(f"cosines must be a number or a vector; got shape {cosines.shape}. Give one or more.")
    checked_points(net, np.ones((1, 2)), None)  # its hidden layers have a limit, in law that of the ntk parametrization
    layers = whole(layers, "layers", 1, 10_000)
    return dataclasses.replace(net, depth=layers, parametrization="ntk"), cosines, layers


def _dataset(k: np.ndarray, q: np.ndarray, leading: tuple[str, ...], coordinates: dict, net: Network) -> xr.Dataset:
    """Return variance and correlation from a first point's covariances with itself and others, and all variances q."""
    over = np.sqrt(q[..., :1]) * np.sqrt(q[..., 1:])
    correlation = np.divide(k[..., 1:], over, out=np.zeros_like(over), where=over > 0)
    return labelled({"variance": q[..., 0], "correlation": correlation}, leading, coordinates, network=repr(net))


@float64
def signal_propagation(net: Network, cosines: Any, *, layers: int) -> xr.Dataset:
    """Return the variance and the correlations of the preactivations of infinitely wide hidden layers.

    Args:
        net: the network; its depth and width play no part.
        cosines: those of the angles between two inputs with |x|^2 = D, from -1 to 1, a number or several, (m,).
        layers: how many hidden layers.

    Returns:
        `variance` over `layer`, from 1, and `correlation` over layer and `cosine`; 0 where the variance is 0. Layers
        from the first whose variance leaves the range of float64 on are left out, so there may be fewer, or none.

    Raises:
        ValueError: cosines out of their range, or a network whose hidden layers have no infinite-width limit.
    """
    net, cosines, layers = _checked(net, cosines, layers)
    first, others = _points(cosines)
    inputs = moments(first, others, net.phi.needs_distance)
    recursion = Recursion.of(net, Part.DEPTHS)
    above = np.asarray(compiled(net.phi, Scalars.of(net, 2), inputs, recursion=recursion)[0])[: layers - 1, 0]
    kernel = np.empty((layers, above.shape[1]))
    kernel[0] = net.weight_var * inputs.k[0] + net.bias_var
    with np.errstate(over="ignore", invalid="ignore"):
        for layer in range(1, layers):  # what is recorded ends in a readout, which has no skip connection
            kernel[layer] = above[layer - 1] + net.residual**2 * kernel[layer - 1]
    finite = np.isfinite(kernel).all(axis=1)
    kept = layers if finite.all() else int(np.argmin(finite))
    coordinates = {"layer": np.arange(1, kept + 1), "cosine": cosines}
    kernel = kernel[:kept]
    return _dataset(kernel, np.broadcast_to(kernel[:, :1], kernel.shape), ("layer",), coordinates, net)


@jax.jit
def _signals(nonlinearity, scales: Scales, params, x1, x2):
    """Return the means over units of h(x1) h(x2) and of h(x2)^2 in every hidden layer, each (layers, m)."""
    states = hidden_states(nonlinearity, scales, params, jnp.concatenate([x1, x2]))
    return jnp.mean(states[:, :1] * states[:, 1:], axis=2), jnp.mean(states[:, 1:] ** 2, axis=2)


def measured_signal_propagation(
    net: Network, cosines: Any, *, layers: int, networks: int = 10, seed: int = 0
) -> xr.Dataset:
    """Return what `signal_propagation` predicts, measured in finite networks at initialisation, in float32.

    Args:
        net: the network; `net.width` is that of the hidden layers.
        cosines: as in `signal_propagation`, (m,).
        layers: how many hidden layers.
        networks: how many networks.
        seed: a whole number below 2^32; network i is drawn from `seed + i`.

    Returns:
        `variance` over `seed` and `layer`, and `correlation` over seed, layer and `cosine`. Where a network leaves the
        range of float32 they are infinite or NaN.

    Raises:
        ValueError: as in `signal_propagation`.
    """
    net, cosines, layers = _checked(net, cosines, layers)
    names = seed_of(seed) + np.arange(whole(networks, "networks", 1))
    seed_of(names[-1], "seed + networks - 1")
    points = [np.asarray(x, np.float32) for x in _points(cosines)]
    nonlinearity, scales = Nonlinearity.of(net), Scales.of(net, 2)
    with jax.enable_x64(False):
        moved = [_signals(nonlinearity, scales, init(net, 2, 1, int(name)), *points) for name in names]
    k, q = (np.stack([np.asarray(part, np.float64) for part in parts]) for parts in zip(*moved, strict=True))
    coordinates = {"seed": names, "layer": np.arange(1, layers + 1), "cosine": cosines}
    with np.errstate(invalid="ignore", over="ignore"):
        return _dataset(k, q, ("seed", "layer"), coordinates, net)
