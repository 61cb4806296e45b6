r"""What a kernel makes of right-hand sides in its eigenbasis, at any time: the products behind every result.

For rows $b$ in the eigenbasis, `learned` is $g_t(\Theta) b$ and `left` is $b - \Theta g_t(\Theta) b$. Outputs, losses
and covariances are matrix products of these with Theta(x, X) V.
"""

from functools import cached_property
from typing import Any

import jax
import numpy as np

from ..._float64 import is_traced
from ...spectra import Eigensystem
from .gains import Gains, gains, resolved, respond
from .modes import namespace
from .optimizer import Optimizer


def constant(value: Any) -> Any:
    """Return `value` without its derivatives."""
    return jax.lax.stop_gradient(value) if is_traced(value) else value


def products(rows: Any, matrix: Any) -> Any:
    """Return rows @ matrix.T for rows (T, k, n) and a matrix (m, n), (T, k, m): one product over all times."""
    times, k, n = rows.shape
    return (rows.reshape(times * k, n) @ matrix.T).reshape(times, k, len(matrix))


class Responses:
    """A kernel under an optimizer.

    Args:
        system: of the training kernel.
        kernel: the training kernel, only where it is traced.
        optimizer: what happens to a mode.
        ridge: delta.
        cross: Theta(X', X), (n', n), or None.
    """

    def __init__(self, system: Eigensystem, kernel: Any, optimizer: Optimizer, ridge: Any, cross: Any):
        self.system, self.kernel, self.optimizer, self.ridge, self._cross = system, kernel, optimizer, ridge, cross
        self._last: Gains | None = None
        # Beside the derivatives of `respond` any orthonormal basis would do; this one is held fixed, as the derivatives
        # of eigenvectors do not exist where eigenvalues are equal.
        self.basis = system.vectors if kernel is None else constant(system.vectors)

    def at(self, times: Any) -> Gains:
        """Return the modes at `times` (T,); the last ones are kept, as results are asked for at the same times."""
        last = self._last
        if last is not None and not is_traced(times) and np.array_equal(times, last.times):
            return last
        modes = gains(self.system, self.optimizer, self.ridge, times)
        self._last = None if is_traced(modes) else modes
        return modes

    def learned(self, modes: Gains, right: Any) -> Any:
        r"""Return $g_t(\Theta) b$ of `right` (k, n), (T, k, n)."""
        if self.kernel is None:
            return modes.gain[:, None, :] * right[None]
        right = right @ self.basis.T
        response = respond(self.kernel, self.system, self.optimizer, self.ridge, modes.times, right)
        return products(response, self.basis.T)

    def left(self, modes: Gains, right: Any) -> Any:
        r"""Return $b - \Theta g_t(\Theta) b$ of `right` (k, n), (T, k, n)."""
        if self.kernel is None:
            return modes.left[:, None, :] * right[None]
        return right[None] - products(self.learned(modes, right), self.basis.T @ self.train_modes)

    @cached_property
    def train_modes(self) -> Any:
        """Theta(X, X) V, (n, n)."""
        if self.kernel is None:
            return self.basis * resolved(self.system)[None]
        return self._without_rounding(self.kernel @ self.basis, self.kernel)

    @cached_property
    def cross_modes(self) -> Any:
        """Theta(X', X) V, (n', n)."""
        if self._cross is None:
            raise ValueError("Test points need cross_ntk = Theta(X', X); got None. Give it to LinearDynamics.")
        return self._without_rounding(self._cross @ self.basis, self._cross)

    def _without_rounding(self, modes: Any, kernel: Any) -> Any:
        """Return `modes` with 0 for those of an eigenvalue 0 that are rounding, but with their derivatives.

        Such a mode is orthogonal to every row of a true kernel; what rounding leaves would grow with time.
        """
        xp, null = namespace(modes, self.system.values), resolved(self.system) == 0
        if xp is np and not null.any():
            return modes
        top = self.system.values[0]
        relative = xp.where(top > 0, self.system.resolution / xp.where(top > 0, top, 1.0), 0.0)
        rounding = null[None] & (abs(modes) <= relative * abs(kernel).max())
        return modes - xp.where(rounding, constant(modes), 0.0)
