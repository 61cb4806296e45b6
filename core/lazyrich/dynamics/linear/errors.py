r"""Squared errors by mode, and on test points at many times for little more than one.

With $A = \Theta(x, X) V$, gains g and coefficients c the error is $e_t = e_0 + A\,(g_t c)$: a product of n' x n for
every time and output. Its square is a quadratic form in the gains, a product of n x n for every time,

$$|e_t|^2 = |e_0|^2 + 2\, g_t \cdot b + g_t^T H g_t, \qquad b = \sum (A^T e_0) \circ c, \quad H = (A^T A) \circ c c^T,$$

which cancels where the error has become small. Then it is computed from the error itself.
"""

from functools import cached_property
from typing import Any

import numpy as np

from .ensembles import CANCELLED, in_blocks
from .gains import Gains
from .modes import namespace
from .optimizer import OVERFLOW
from .responses import Responses, products


def shares(left: Any, power: Any) -> Any:
    """Return the squares of what is `left` (T, n) of modes of a `power` (n,), infinite where it has overflowed."""
    overflows = abs(left) > OVERFLOW
    xp = namespace(left, power)
    return xp.where(overflows, np.inf, xp.where(overflows, 0.0, left) ** 2 * power[None])


class TestErrors:
    """The errors of the mean on the test points.

    Args:
        kernel: what is trained.
        start: c, what is to be learned in the eigenbasis, (C, n).
    """

    def __init__(self, kernel: Responses, start: Any):
        self._kernel, self._start = kernel, start

    def squares(self, modes: Gains, error: Any) -> Any:
        """Return the sum of squares over points and outputs, (T,), for `error` e_0 before training, (C, n')."""
        outputs, n = self._start.shape
        few = len(modes.times) * outputs < n
        if few or self._kernel.kernel is not None or namespace(modes, error, self._start) is not np:
            return self._direct(modes, error)
        cross = self._kernel.cross_modes
        slope = (self._start * (error @ cross)).sum(axis=0)
        start, gain = (error**2).sum(), modes.gain
        squares = start + 2 * gain @ slope + ((gain @ self._curvature) * gain).sum(axis=1)
        terms = start + gain**2 @ self._curvature.diagonal()
        cancelled = ~(terms < CANCELLED * squares)
        if cancelled.any():
            squares[cancelled] = self._direct(Gains(*(array[cancelled] for array in modes)), error)
        return squares

    @cached_property
    def _curvature(self) -> np.ndarray:
        """H, (n, n)."""
        cross = self._kernel.cross_modes
        return (cross.T @ cross) * (self._start.T @ self._start)

    def _direct(self, modes: Gains, error: Any) -> Any:
        def block(modes: Gains) -> Any:
            moved = products(self._kernel.learned(modes, self._start), self._kernel.cross_modes)
            return ((error[None] + moved) ** 2).sum(axis=(1, 2))

        return in_blocks(block, modes, error.size)
