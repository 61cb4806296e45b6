r"""Singular values of each layer's weights, beside those of random weights.

Of a matrix (m, k) with independent entries of variance $s^2/k$ the singular values lie between the edges
$s\,|1 - \sqrt{m/k}|$ and $s\,(1 + \sqrt{m/k})$ as it grows (Marchenko & Pastur 1967). Every layer starts there: its
weights $W = \sqrt{s_w^2/k}\; w$ have $s^2 = s_w^2$. What training adds stands out above the upper edge.
"""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from .._float64 import is_traced
from ..mlp import Params, Scales
from ..networks import Network
from ._fitting import fitting


class LayerSpectrum(NamedTuple):
    """The singular values of a layer's weights, descending, (min(fan_out, fan_in),), and the edges of random ones."""

    singular_values: Float[np.ndarray, " rank"]
    lower_edge: float
    upper_edge: float


def weight_spectra(net: Network, params: Params) -> tuple[LayerSpectrum, ...]:
    r"""Return the singular values of each layer's weights as they act, $\sqrt{s_w^2/\mathrm{fan\ in}}\; w$.

    The largest ones are the layer's learned directions; `fit_power_law_tail` of their squares gives the exponent of
    heavy-tailed self-regularisation.

    Args:
        net: the network.
        params: its weights, not under a JAX transformation.

    Returns:
        One for each layer, L + 1 of them, from the first to the readout (without the output scale 1/gamma).

    Raises:
        ValueError: weights that do not fit the network, that are traced, or that are not finite.
    """
    scales = Scales.of(net, fitting(net, params))
    if is_traced(params):
        raise ValueError("params must hold numbers; got a tracer of a JAX transformation. Call it outside of one.")
    matrices = [(scales.first, params.first), *((scales.hidden, w) for w in params.hidden)]
    return tuple(_spectrum(factor, w, net.weight_var) for factor, w in [*matrices, (scales.hidden, params.readout)])


def _spectrum(factor: float, weights: np.ndarray, weight_var: float) -> LayerSpectrum:
    weights = np.asarray(weights, np.float64)
    if not np.isfinite(weights).all():
        raise ValueError(
            "params must be finite; got NaN or infinity in a layer. Give weights from before they diverged."
        )
    s, ratio = math.sqrt(weight_var), math.sqrt(weights.shape[0] / weights.shape[1])
    values = factor * np.linalg.svd(weights, compute_uv=False)
    return LayerSpectrum(values, s * abs(1 - ratio), s * (1 + ratio))
