r"""Modes: the eigenfunctions of the kernel, and what each has to do with the train loss.

On the training points mode i is $\sqrt n\, v_i$, of mean square 1. Elsewhere it is what the kernel makes of that,
$\phi_i(x) = \frac{\sqrt n}{\lambda_i} \Theta(x, X)\, v_i$, the same on the training points (Nyström's method; Rasmussen
& Williams 2006, eq. 4.44). Its sign is that which the target has in it.
"""

from functools import cached_property

import numpy as np

import lazyrich as lr

# Of a larger kernel the first ones; later modes are learned late, and cannot be told apart on a plot.
MOST = 50


class Modes:
    """The first modes of a kernel, at most `MOST`, numbered from 1.

    Args:
        flow: the dynamics; those with `cross_ntk` have the modes on the test points too.
    """

    def __init__(self, flow: lr.LinearDynamics):
        """Take the dynamics; nothing is computed before it is asked for."""
        self._flow = flow

    @cached_property
    def count(self) -> int:
        """How many there are: rounding has no modes."""
        spectrum = self._flow.eigensystem
        return int(min((spectrum.values > spectrum.resolution).sum(), MOST))

    @cached_property
    def rates(self) -> np.ndarray:
        """One over the time scale of each mode, lambda_i/n, (m,)."""
        return np.asarray(self._flow.eigensystem.values[: self.count]) / self._flow.n

    @cached_property
    def on_train(self) -> np.ndarray:
        """The modes on the training points, (n, m)."""
        coefficients = self._flow.coefficients[: self.count]
        largest = np.abs(coefficients).argmax(axis=1)
        signs = np.where(coefficients[np.arange(self.count), largest] < 0, -1.0, 1.0)
        return np.sqrt(self._flow.n) * signs * self._flow.eigensystem.vectors[:, : self.count]

    @cached_property
    def on_test(self) -> np.ndarray:
        """The modes on the test points, (n', m)."""
        return self._flow.cross_ntk @ self.on_train / self._flow.eigensystem.values[: self.count]

    def losses(self, times: np.ndarray) -> np.ndarray:
        r"""Return what each mode has of one network's train loss on average, (T, m).

        Where outputs are random at the start, of covariance K, each has $v_i^T K v_i$ of their variance.
        """
        of_mean = np.asarray(self._flow.train_loss_by_mode(times))[:, : self.count]
        if self._flow.nngp is None:
            return of_mean
        vectors, outputs = self._flow.eigensystem.vectors[:, : self.count], self._flow.y.shape[1]
        prior = np.einsum("ni,ni->i", vectors, self._flow.nngp @ vectors)
        return of_mean + outputs / (2 * self._flow.n) * self._flow.decay(times)[:, : self.count] ** 2 * prior

    def shares(self, times: np.ndarray) -> np.ndarray:
        """Return which share of the train loss each mode has, (T, m); 0 where nothing is left of it."""
        total = lr.expected_losses(self._flow, times).train[:, None]
        return np.where(total > 0, self.losses(times) / np.where(total > 0, total, 1.0), 0.0)
