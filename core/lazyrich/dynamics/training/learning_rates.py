r"""How large a step is: as given, a fraction of the measured edge, or a default that is stable without measuring.

Gradient descent with momentum $\beta$ is stable where $\eta \lambda < 2(1 + \beta)$, $\lambda$ being the sharpness (see
`lazyrich.sharpness`; Cohen et al. 2021, section 2 and appendix B).
"""

from typing import Any

import numpy as np
from scipy.sparse.linalg import eigsh

from ..._checks import number
from ...data import Dataset
from ...kernels import ntk
from ...networks import Network
from .ensemble import Ensemble
from .hessian import sharpnesses
from .optimizers import Optimizer

# The default step is this fraction of the limit 2n/lambda_max: close to gradient flow, with room for a growing kernel.
_STABLE_FRACTION = 0.25


def step_below(edge: float, net: Network) -> float:
    r"""Return a quarter of the largest stable step of the lazy limit, or less for a rich network.

    Feature learning multiplies the kernel, by about $1 + \gamma^2/N$ in what was tried ($\gamma^2/N = \gamma_0^2$ in
    muP), so the step is divided by that: a step that was stable at the start would not stay so.
    """
    return _STABLE_FRACTION * edge / (1 + net.gamma**2 / net.width)


def default_learning_rate(net: Network, data: Dataset) -> float:
    r"""Return the step below the edge $2n/\lambda_{max}(\Theta)$ of the infinite-width kernel."""
    kernel = ntk(net, data.x_train)
    n = len(kernel)
    if not kernel.any():
        raise ValueError(
            "A default learning rate needs a kernel that is not zero; got weight_var "
            f"{net.weight_var:g} and bias_var {net.bias_var:g}. Raise one, or give learning_rate."
        )
    # A start without any structure: a constant vector is in the null space of an odd kernel on symmetric points.
    start = np.random.default_rng(0).standard_normal(n)
    top = float(kernel[0, 0]) if n == 1 else float(eigsh(kernel, k=1, return_eigenvectors=False, v0=start)[0])
    return step_below(2 * n / top, net)


def learning_rate_of(ensemble: Ensemble, optimizer: Optimizer, given: Any, edge_fraction: Any) -> float:
    """Return the step size as given, as a fraction of the edge of the sharpest network, or the default."""
    if given is not None and edge_fraction is not None:
        raise ValueError(
            f"Only one of learning_rate and edge_fraction can be given; got {given!r} and {edge_fraction!r}. Drop one."
        )
    if given is not None:
        return number(given, "learning_rate", above=0)
    if optimizer.name != "gradient_descent":
        raise ValueError(f"{optimizer.name} needs a learning_rate; got None. Give the step of a raw weight, say 0.01.")
    if edge_fraction is None:
        return default_learning_rate(ensemble.net, ensemble.data)
    return number(edge_fraction, "edge_fraction", above=0) * _edge(ensemble, optimizer)


def _edge(ensemble: Ensemble, optimizer: Optimizer) -> float:
    """Return the largest stable step at the start."""
    top = float(np.max(sharpnesses(ensemble.start).value))
    if not (np.isfinite(top) and top > 0):
        raise ValueError(
            f"A fraction of the stability edge needs a Hessian with a positive finite eigenvalue; got {top:.3g}. "
            "Give learning_rate."
        )
    return 2 * (1 + optimizer.momentum) / top
