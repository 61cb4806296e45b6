"""Model selection: how probable the targets are under a wide network, and how that changes with its variances."""

import math
from typing import Any, NamedTuple

import numpy as np

from .._checks import as_targets, choice, number
from ..kernels.derivatives import kernel_derivatives
from ..networks import Network
from ..spectra.cholesky import cholesky


class VarianceGradient(NamedTuple):
    """The derivatives of a log marginal likelihood, each per unit of its variance."""

    weight_var: float
    bias_var: float
    noise: float


class LogMarginalLikelihood(NamedTuple):
    """A log marginal likelihood in nats, and its gradient."""

    value: float
    gradient: VarianceGradient


def log_marginal_likelihood(net: Network, x: Any, y: Any, noise: float, *, kind: str = "nngp") -> LogMarginalLikelihood:
    r"""Return $\log p(y | x)$ for a Gaussian process with the network's kernel, and its gradient.

    With $A = K + s^2 I$ and $\alpha = A^{-1} y$,

    $$\log p = -\tfrac12 y^T \alpha - \tfrac12 \log\det A - \tfrac n2 \log 2\pi, \qquad
    \partial_\theta \log p = \tfrac12 \mathrm{tr}\big((\alpha\alpha^T - A^{-1})\, \partial_\theta A\big),$$

    summed over the outputs, which are independent. Source: Rasmussen & Williams 2006, "Gaussian processes for machine
    learning", eqs. 2.30 and 5.9. With the NNGP it is the evidence of the infinitely wide network before training; with
    the NTK it is that of the Gaussian process whose mean is the network's after training, not of the network itself.

    Args:
        net: the network.
        x: points, (n, D).
        y: targets, (n, C); a vector means C = 1.
        noise: variance $s^2 \ge 0$ of the targets' noise.
        kind: nngp or ntk.

    Returns:
        `.value` and `.gradient` with the fields weight_var, bias_var and noise.

    Raises:
        ValueError: inputs and targets that do not fit together, or a kernel + noise I that is not positive definite
            beyond rounding, with its smallest eigenvalue.
    """
    choice(kind, "kind", ("nngp", "ntk"))
    noise = number(noise, "noise", least=0)
    result = kernel_derivatives(net, x)
    kernel, slopes = getattr(result.kernels, kind), getattr(result.derivatives, kind)
    y = as_targets(y, "y", len(kernel))
    factor = cholesky(kernel, noise, "noise")
    alpha = factor.solve(y)
    n, outputs = y.shape
    value = -0.5 * (np.vdot(y, alpha) + outputs * (factor.log_determinant + n * math.log(2 * math.pi)))
    inner = alpha @ alpha.T - outputs * factor.solve(np.eye(n))
    by_variance = np.einsum("ij,ijk->k", inner, slopes) / 2
    return LogMarginalLikelihood(
        float(value), VarianceGradient(*map(float, by_variance), noise=float(np.trace(inner)) / 2)
    )
