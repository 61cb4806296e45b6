r"""What the draws of mini-batches do to the loss, from the covariance of what they do to the kernel's weights.

The errors on some points are $e + \Phi w$, e being those of the mean and w what the draws add to the weights in the
eigenbasis, of covariance $\Omega$. With $G = \Phi^T\Phi$ and $u = \Phi^T e$, the sum of squares has the mean
$|e|^2 + \mathrm{tr}(G\Omega)$, and were w Gaussian the variance (Isserlis' theorem)

$$\sum_{cd} 2\,\mathrm{tr}(G\,\Omega_{cd}\,G\,\Omega_{cd}^T) + 4\, u_c^T \Omega_{cd}\, u_d$$

over ordered pairs c, d of outputs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float

from .._checks import as_targets
from .linear import LinearDynamics


@dataclass(frozen=True, eq=False)
class Points:
    r"""Training or test points: $\Phi$, which takes w to their outputs, and the errors and loss of the mean."""

    features: Float[np.ndarray, "points n"]
    mean_error: Callable[[float], Float[np.ndarray, "points out_dim"]]
    mean_loss: Callable[[float], float]

    @cached_property
    def gram(self) -> Float[np.ndarray, "n n"]:
        r"""$\Phi^T\Phi$."""
        return self.features.T @ self.features

    def loss(self, t: float, covariance: np.ndarray, pairs: tuple[np.ndarray, np.ndarray]) -> float:
        """Return the mean loss for the covariance of `pairs` of outputs, (pairs, n, n), or its diagonals (pairs, n)."""
        own = covariance[pairs[0] == pairs[1]]
        added = self.gram[None] * own if own.ndim == 3 else np.diag(self.gram)[None] * own
        return self.mean_loss(t) + float(added.sum()) / (2 * len(self.features))

    def deviation(self, t: float, covariance: np.ndarray, pairs: tuple[np.ndarray, np.ndarray]) -> float:
        """Return the standard deviation of the loss as if w were Gaussian, for the covariance of every pair c <= d."""
        (left, right), u = pairs, self.features.T @ self.mean_error(t)
        spread = 2 * ((self.gram @ covariance @ self.gram) * covariance).sum(axis=(1, 2))
        along = 4 * np.einsum("ap,pab,bp->p", u[:, left], covariance, u[:, right])
        # Rounding can leave what is 0 slightly negative.
        variance = np.maximum(((spread + along) * np.where(left == right, 1, 2)).sum(), 0.0)
        return float(np.sqrt(variance)) / (2 * len(self.features))


def points_with_a_loss(flow: LinearDynamics, values: Float[np.ndarray, " n"], y_test: Any) -> dict[str, Points]:
    """Return training points, and test points if there are targets on them, by the names of their losses.

    Args:
        flow: the dynamics of the mean.
        values: the kernel's eigenvalues, 0 for those that are rounding.
        y_test: targets on the test points of `flow`, or None.

    Raises:
        ValueError: test points without targets or targets without test points, or targets of another shape.
    """
    vectors = np.asarray(flow.eigensystem.vectors)
    points = {"train_loss": Points(vectors * values, lambda t: flow.train(t) - flow.y, flow.train_loss)}
    if (flow.cross_ntk is None) != (y_test is None):
        raise ValueError("A test loss needs both cross_ntk and y_test; got one of them. Give both, or neither.")
    if flow.cross_ntk is not None:
        flow.test_loss(0.0, y_test)  # which checks the targets
        targets = as_targets(y_test, "y_test", len(flow.cross_ntk))
        # A null mode is orthogonal to every row of a true kernel.
        features = flow.cross_ntk @ vectors * (values > 0)
        points["test_loss"] = Points(features, lambda t: flow.test(t) - targets, lambda t: flow.test_loss(t, targets))
    return points
