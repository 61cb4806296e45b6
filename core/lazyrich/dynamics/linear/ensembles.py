r"""Covariance of an ensemble of infinitely wide networks over their initial weights, at any training time.

With $f_0 \sim GP(0, K)$ and $M_t = \Theta(x, X)\, g_t(\Theta)$ (see `gains`),

$$Cov_t = K(x,x') - M_t K(X,x') - K(x,X) M_t^T + M_t K(X,X) M_t^T$$

(Lee et al. 2019, eq. 16). With $L_t = M_t V$, $Q = V^T K(X,X) V$ and $P = K(x,X) V$ that is
$K(x,x') + L_t H_t^T + H_t L_t^T$ with $H_t = L_t Q/2 - P$: two products a time for the matrix, one for its diagonal.
On the training points $I - M_t = E_t V^T$, and $Cov_t = E_t Q E_t^T$ has no differences.

The sum of the variances over points is a quadratic form in the gains g, one product of n x n for all of them, as
$M_t V = A\, diag(g_t)$ with $A = \Theta(x, X) V$:

$$\sum_x Cov_t(x,x) = tr\, K - 2\, g_t \cdot b + g_t^T H g_t, \qquad b_i = (A^T P)_{ii}, \quad H = (A^T A) \circ Q.$$
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..._checks import choice
from .gains import Gains
from .modes import namespace
from .responses import Responses

# Numbers in a block of times: two megabytes, which stay in the cache from one product to the next.
_BLOCK = 2**18
# A form whose terms are larger than this times their sum has lost more than three of its fourteen digits.
CANCELLED = 1e3


def in_blocks(function: Callable[[Gains], Any], modes: Gains, numbers: int) -> Any:
    """Return `function` of the modes, called with as many times at once as `numbers` of each fill a block.

    Traced arrays are not cut, so that the program does not grow with the number of times.
    """
    times, size = len(modes.times), max(1, _BLOCK // max(numbers, 1))
    if namespace(modes) is not np or times <= size:
        return function(modes)
    blocks = [Gains(*(array[i : i + size] for array in modes)) for i in range(0, times, size)]
    return np.concatenate([function(block) for block in blocks])


@dataclass(frozen=True, eq=False)
class TrainEnsemble:
    """The ensemble on the training points.

    Attributes:
        kernel: what is trained.
        prior: Q, (n, n).
    """

    kernel: Responses
    prior: Any

    def covariance(self, modes: Gains) -> Any:
        """Return the covariance, (T, n, n)."""

        def block(modes: Gains) -> Any:
            left = self.kernel.left(modes, self.kernel.basis)
            return left @ self.prior[None] @ left.swapaxes(1, 2)

        return in_blocks(block, modes, self.prior.size)

    def variance(self, modes: Gains) -> Any:
        """Return the diagonal of the covariance, (T, n)."""

        def block(modes: Gains) -> Any:
            left = self.kernel.left(modes, self.kernel.basis)
            return namespace(left).einsum("tij,tij->ti", left @ self.prior[None], left)

        return in_blocks(block, modes, self.prior.size)

    def mean_variance(self, modes: Gains) -> Any:
        """Return the mean over points of the variance, (T,)."""
        if self.kernel.kernel is not None:
            return self.variance(modes).mean(axis=1)
        return modes.left**2 @ self.prior.diagonal() / len(self.prior)


@dataclass(frozen=True, eq=False)
class TestEnsemble:
    """The ensemble on the test points.

    Attributes:
        kernel: what is trained.
        prior: Q, (n, n).
        cross: P, (n', n).
        test: K(x, x), (n', n').
    """

    kernel: Responses
    prior: Any
    cross: Any
    test: Any

    def covariance(self, modes: Gains) -> Any:
        """Return the covariance, (T, n', n')."""

        def block(modes: Gains) -> Any:
            learned = self.kernel.learned(modes, self.kernel.cross_modes)
            half = learned @ (self.prior / 2)[None] - self.cross[None]
            product = learned @ half.swapaxes(1, 2)
            return self.test[None] + product + product.swapaxes(1, 2)

        return in_blocks(block, modes, self.cross.size)

    def variance(self, modes: Gains) -> Any:
        """Return the diagonal of the covariance, (T, n')."""
        diagonal = self.test.diagonal()[None]

        def block(modes: Gains) -> Any:
            learned = self.kernel.learned(modes, self.kernel.cross_modes)
            einsum = namespace(learned).einsum
            squares = einsum("tij,tij->ti", learned @ self.prior[None], learned)
            return diagonal + squares - 2 * einsum("tij,ij->ti", learned, self.cross)

        return in_blocks(block, modes, self.cross.size)

    def mean_variance(self, modes: Gains) -> Any:
        """Return the mean over points of the variance, (T,); from the variances where the form cancels."""
        if self.kernel.kernel is not None or namespace(modes, self.test) is not np:
            return self.variance(modes).mean(axis=1)
        slope, curvature = self._form
        start, gain = self.test.trace(), modes.gain
        total = start - 2 * gain @ slope + ((gain @ curvature) * gain).sum(axis=1)
        terms = start + gain**2 @ curvature.diagonal()
        cancelled = ~(terms < CANCELLED * total)
        if cancelled.any():
            total[cancelled] = self.variance(Gains(*(array[cancelled] for array in modes))).sum(axis=1)
        return total / len(self.test)

    @cached_property
    def _form(self) -> tuple[np.ndarray, np.ndarray]:
        """b, (n,), and H, (n, n)."""
        modes = self.kernel.cross_modes
        return (modes * self.cross).sum(axis=0), (modes.T @ modes) * self.prior


class Ensembles:
    """The ensembles on both sets of points, made when they are asked for.

    Args:
        kernel: what is trained.
        nngp: K(X, X), (n, n), or None, as the others.
        cross_nngp: K(X', X), (n', n).
        test_nngp: K(X', X'), (n', n').
    """

    def __init__(self, kernel: Responses, nngp: Any, cross_nngp: Any, test_nngp: Any):
        self._kernel, self._nngp, self._cross_nngp, self._test_nngp = kernel, nngp, cross_nngp, test_nngp

    def on(self, points: Any) -> TrainEnsemble | TestEnsemble:
        """Return the ensemble on the `train` or `test` points."""
        on_train = choice(points, "points", ("train", "test")) == "train"
        if self._nngp is None or (not on_train and (self._cross_nngp is None or self._test_nngp is None)):
            raise ValueError(
                "A covariance needs nngp, and on test points cross_nngp and test_nngp; got None. "
                "Give LinearDynamics these NNGP kernels."
            )
        return self._train if on_train else self._test

    @cached_property
    def _train(self) -> TrainEnsemble:
        basis = self._kernel.basis
        return TrainEnsemble(self._kernel, basis.T @ self._nngp @ basis)

    @cached_property
    def _test(self) -> TestEnsemble:
        return TestEnsemble(self._kernel, self._train.prior, self._cross_nngp @ self._kernel.basis, self._test_nngp)
