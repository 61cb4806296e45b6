r"""Learned modes: how much of the target networks have learned in each group of the kernel's modes, beside theory.

With the projections $v_i^\top f$ and $v_i^\top y$ on the training points the share learned in a group of modes is
$\sum_i (v_i^\top f)(v_i^\top y) / \sum_i |v_i^\top y|^2$. Theory has $1 - e^{-\lambda_i t/n}$ of each mode, whatever
the networks' random start, and in a group the mean of these with the modes' power as weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..results import Frame, Theory

# Groups are narrow on the logarithmic axis, and only those are measured that carry at least this share of the target's
# power: where there is nothing to learn, there is nothing but scatter.
_GROUPS, _LEAST_POWER = 24, 1e-3


@dataclass(frozen=True, eq=False)
class LearnedModes:
    """The groups of modes of a theory, G of which are measured."""

    theory: Theory

    @cached_property
    def first(self) -> np.ndarray:
        """The index of the first mode of each group, (all groups,)."""
        return np.unique(np.round(np.geomspace(1, self.theory.n + 1, _GROUPS + 1)).astype(int))[:-1] - 1

    @cached_property
    def power(self) -> np.ndarray:
        """The target's power in each mode, (n,)."""
        return (self.theory.flow.coefficients**2).sum(axis=1)

    @cached_property
    def kept(self) -> np.ndarray:
        """Which groups are measured, (all groups,)."""
        of_groups = np.add.reduceat(self.power, self.first)
        return of_groups > _LEAST_POWER * self.power.sum()

    @cached_property
    def ranks(self) -> np.ndarray:
        """The middle of each group that is measured, (G,)."""
        last = np.append(self.first[1:], self.theory.n)
        return np.sqrt((self.first + 1.0) * last)[self.kept]

    def expected(self, time: float) -> np.ndarray:
        """Return the share that theory says has been learned, (G,)."""
        return self._shares(self.power * (1 - np.asarray(self.theory.flow.decay(time))))

    def measured(self, frames: Sequence[Frame]) -> np.ndarray:
        """Return the share that each network has learned at checkpoints, (checkpoints, seeds, G)."""
        flow, outputs = self.theory.flow, np.stack([frame.f_train for frame in frames])
        along = flow.eigensystem.vectors.T @ outputs  # (checkpoints, seeds, n, C)
        return self._shares((along * flow.coefficients).sum(axis=-1))

    def _shares(self, along: np.ndarray) -> np.ndarray:
        """Return sums over groups, over the power there; `along` has the modes last."""
        sums, power = (np.add.reduceat(values, self.first, axis=-1) for values in (along, self.power))
        return sums[..., self.kept] / power[self.kept]
