r"""Finite width: how far the preactivations of random networks of width N are from Gaussian, layer by layer.

The ratio $E[z^4] / 3E[z^2]^2$ is 1 for a Gaussian. A unit of layer l + 1 is one, given the layer below, with the
variance $s = \frac{C_W}{N} |\phi(z^l)|^2 + C_b$, so that the ratio is $E[s^2]/E[s]^2$; it grows with depth over width.

For ReLU without bias and the same N in every layer it is $(1 + 5/N)^{l-1}$, exactly. Derived: $\phi(z)^2$ has mean 1/2
and variance 5/4 for $z \sim N(0, 1)$, hence $E[|\phi|^4] = N \cdot 3/2 + N(N-1)/4 = \frac{N^2}{4}(1 + 5/N)$, and each
layer multiplies the scale by an independent factor of this kind. (Roberts, Yaida & Hanin 2022, "The principles of deep
learning theory", chapter 3, has the linear network's $1 + 2/N$ in this way.)
"""

from typing import Any

import numpy as np

from .._checks import as_matrix, whole


def relu_fourth_moment_ratio(width: int, layers: int) -> np.ndarray:
    """Return (1 + 5/N)^(l - 1) for layers l = 1, ..., `layers` of a ReLU network without bias, (layers,)."""
    return (1 + 5 / whole(width, "width", 1)) ** np.arange(whole(layers, "layers", 1))


def fourth_moment_ratio(variance: Any, width: int) -> tuple[np.ndarray, np.ndarray]:
    r"""Return E[z^4] / 3E[z^2]^2 in every layer, and its standard error, from the variances of random networks.

    A network's variance is the mean $q = \frac1N \sum_i z_i^2$ over units that are independent given s, so that
    $E[q] = E[s]$ and $E[q^2] = (1 + 2/N) E[s^2]$. The error is the jackknife's over networks.

    Args:
        variance: q of each network and layer, (networks, layers), as `measured_signal_propagation` returns them.
        width: number N of units of a layer.

    Raises:
        ValueError: fewer than two networks, or variances that are not finite.
    """
    q = as_matrix(variance, "variance", (None, None))
    count = len(q)
    if count < 2:
        raise ValueError(f"A ratio of moments with its error needs at least 2 networks; got {count}. Draw more.")
    gaussian = 1 + 2 / whole(width, "width", 1)
    first, second = q.sum(axis=0), (q**2).sum(axis=0)
    left_out = ((second - q**2) * (count - 1)) / (first - q) ** 2 / gaussian
    error = np.sqrt((count - 1) * left_out.var(axis=0))
    return second * count / first**2 / gaussian, error
