r"""How much of the targets every eigenvector of the kernel has taken up: the gains $g_t(\lambda_i)$.

With a ridge $\delta$ mode i has the rate $\rho_i = \lambda_i/n + \delta$ and the gain
$g_t(\lambda_i) = (1 - d_i)/(\lambda_i + n\delta)$, so that the outputs have moved by
$\Theta(x, X) \sum_i v_i\, g_t(\lambda_i)\, v_i^T (y - f_0)$.

**Eigenvalues that are rounding** count as 0. On the training points such a mode never moves. On the test points its
gain is t/n, the limit of vanishing eigenvalues and exact for as long as $\lambda_i t \ll n$. As $\lambda_i$ is known to
the resolution $\epsilon$ of the spectrum only, nothing can tell what it does beyond the time $n/\epsilon$. There the
gain fades, $g = (t/n)\, e^{-\epsilon t/n}$, into the least-norm solution, which is the one at infinity.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ...spectra import Eigensystem
from .modes import namespace
from .optimizer import OVERFLOW, Optimizer

# Eigenvalues closer than this, relative to the larger, share a derivative: both errors are then about 1e-10.
_CLOSE = 1e-5


class Gains(NamedTuple):
    r"""The modes at the times, each (T, n).

    Attributes:
        times: (T,).
        decay: d_i, what is left of the error of each mode apart from what ridge keeps of it.
        gain: g_i.
        left: $1 - \lambda_i g_i$, what is left of the error of each mode.
    """

    times: Any
    decay: Any
    gain: Any
    left: Any

    @property
    def overflows(self) -> Any:
        """Whether a mode has left the range of float64, (T,)."""
        return (abs(self.decay) > OVERFLOW).any(axis=1)


def resolved(system: Eigensystem) -> Any:
    """Return the eigenvalues, 0 for what is rounding, (n,)."""
    xp = namespace(system.values, system.resolution)
    return xp.where(system.values > system.resolution, system.values, 0.0)


def rates(system: Eigensystem, ridge: Any) -> Any:
    r"""Return $\lambda_i + n\delta$, 0 for what is rounding, (n,)."""
    total = resolved(system) + len(system.values) * ridge
    return namespace(total).where(total > system.resolution, total, 0.0)


def gains(system: Eigensystem, optimizer: Optimizer, ridge: Any, times: Any) -> Gains:
    """Return the modes at `times` (T,)."""
    values, rate, n = resolved(system), rates(system, ridge), len(system.values)
    xp = namespace(rate, times, optimizer)
    decay, gain = optimizer.at(rate / n, times)
    fade = xp.exp(-xp.where(xp.isfinite(times), times, 0.0) * system.resolution / n)
    gain = gain / n * xp.where(rate[None, :] > 0, 1.0, fade[:, None])
    # As a sum of what has not decayed and what ridge keeps, as 1 - lambda g would cancel at late times.
    floor = xp.where(rate > 0, rate - values, 0.0)
    return Gains(times, decay, gain, decay + floor[None, :] * gain)


@jax.custom_jvp
def respond(kernel: Any, system: Eigensystem, optimizer: Optimizer, ridge: Any, times: Any, right: Any) -> Any:
    r"""Return $g_t(\Theta)\, b$ of right-hand sides (k, n) in its rows, (T, k, n), with derivatives in the kernel.

    Where eigenvalues are equal, eigenvectors have no derivatives, but $g_t(\Theta)$ has:
    $\sum_{ij} v_i\, g_t[\lambda_i, \lambda_j]\, (v_i^T \dot\Theta v_j)\, v_j^T$ with the divided differences
    $g[\lambda, \mu] = (g(\lambda) - g(\mu))/(\lambda - \mu)$, $g'$ at $\lambda = \mu$ (Higham 2008, theorem 3.11).
    """
    del kernel  # only its derivative is needed, which the rule below has
    return _respond(system, optimizer, ridge, times, right)


def _respond(system, optimizer, ridge, times, right):
    gain = gains(system, optimizer, ridge, times).gain
    return (gain[:, None, :] * (right @ system.vectors)[None]) @ system.vectors.T


@respond.defjvp
def _respond_jvp(primals, tangents):
    (_, system, *others), (kernel_tangent, _, *other_tangents) = primals, tangents
    value, tangent = jax.jvp(partial(_respond, system), tuple(others), tuple(other_tangents))
    *how, right = others
    vectors = system.vectors
    coupling = vectors.T @ kernel_tangent @ vectors
    moved = _divided_differences(system, *how) * coupling[None]
    return value, tangent + (right @ vectors)[None] @ moved @ vectors.T


def _divided_differences(system, optimizer, ridge, times):
    """Return g[lambda_i, lambda_j], (T, n, n)."""

    def gain(values):
        return gains(Eigensystem(values, system.vectors, system.resolution), optimizer, ridge, times).gain

    values = resolved(system)
    g, slope = jax.jvp(gain, (system.values,), (jnp.ones_like(values),))
    gap = values[:, None] - values[None, :]
    close = jnp.abs(gap) <= _CLOSE * jnp.maximum(values[:, None], values[None, :])
    far = (g[:, :, None] - g[:, None, :]) / jnp.where(close, 1.0, gap)[None]
    return jnp.where(close[None], (slope[:, :, None] + slope[:, None, :]) / 2, far)


def diverged(values: Any, modes: Gains) -> Any:
    """Return `values` (T, ...), infinite at the times when a mode has left the range of float64."""
    overflows = modes.overflows.reshape(-1, *[1] * (values.ndim - 1))
    return namespace(values, modes).where(overflows, np.inf, values)
