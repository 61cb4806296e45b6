"""A least-squares line through the logarithms of a spectrum, and what can be said of its slope."""

from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit


def widening(freedom: int) -> float:
    """Return by what a standard error from few degrees of freedom is widened, so that two of them still mean 95 %."""
    return float(stdtrit(freedom, 0.975) / stdtrit(1e9, 0.975))


class Line(NamedTuple):
    """A least-squares line through log eigenvalues y over log ranks x, and the parabola that it leaves out."""

    x: np.ndarray
    y: np.ndarray
    centred: np.ndarray
    bend: np.ndarray  # x^2, orthogonal to 1 and x
    slope: float
    curvature: float

    @classmethod
    def through(cls, x: np.ndarray, y: np.ndarray) -> "Line":
        """Fit the logarithms (m,) of eigenvalues to those of ranks."""
        centred = x - x.mean()
        squares = centred @ centred
        bend = centred**2 - centred @ centred / len(x) - (centred**2 @ centred) / squares * centred
        return cls(x, y, centred, bend, float(centred @ y / squares), float(bend @ y / (bend @ bend)))

    @property
    def residuals(self) -> np.ndarray:
        """Logarithms of the eigenvalues less the line."""
        return self.y - self.y.mean() - self.slope * self.centred

    @property
    def span(self) -> float:
        """Log of the last rank over the first."""
        return float(self.x[-1] - self.x[0])

    def variance(self, direction: np.ndarray, residuals: np.ndarray) -> float:
        r"""Return the variance of the coefficient $g^T y / g^T g$ of `direction` g, from residuals r.

        The larger of two: with independent residuals, $r^T r / (m - 3) / g^T g$; and with ones that are correlated over
        neighbouring ranks, as sorting makes them, from the sums of $g_i r_i$ over $b = \sqrt m / 2$ blocks, at least
        5, which are nearly independent: $\frac{b}{b-3} \sum_b (\sum_{i \in b} g_i r_i)^2 / (g^T g)^2$ (White's
        sandwich, over clusters).
        """
        count, power = len(self.x), direction @ direction
        blocks = max(5, int(np.sqrt(count) / 2))
        sums = np.add.reduceat(direction * residuals, np.linspace(0, count, blocks, endpoint=False).astype(int))
        clustered = blocks / (blocks - 3) * (sums @ sums) / power**2
        return float(max(residuals @ residuals / (count - 3) / power, widening(blocks - 3) ** 2 * clustered))

    @property
    def drift(self) -> float:
        """How far the exponent changes from one end of the window to the other, less what noise makes of it."""
        noise = self.variance(self.bend, self.residuals - self.curvature * self.bend)
        return 2 * self.span * np.sqrt(max(self.curvature**2 - noise, 0.0))

    @property
    def stderr(self) -> float:
        """Of the slope; a uniform spread of the exponent over its drift is added in quadrature."""
        return float(np.sqrt(self.variance(self.centred, self.residuals) + self.drift**2 / 12))

    @property
    def ks_distance(self) -> float:
        """Largest distance of a rank from that of its eigenvalue on the line, over the number of ranks."""
        ranks = np.exp(self.x)
        return float(np.abs(ranks * np.expm1(self.residuals / self.slope)).max() / (ranks[-1] - ranks[0]))
