r"""Dual activations: what an activation does to a pair of Gaussian variables.

For $(u, v)$ jointly Gaussian with variances $q_1, q_2$ and covariance $k$, the dual of $\phi$ is

$$T(q_1, q_2, k) = E[\phi(u) \phi(v)], \qquad \dot T = E[\phi'(u) \phi'(v)] = dT/dk .$$

Each dual maps variances `q1` of shape (n1,) or (1,), `q2` of shape (n2,) or (1,), covariances `k` (n1, n2) and squared
distances `distance` $= E[(u - v)^2]$ (n1, n2) to a `Moments`. A variance of shape (1,) is shared by all points. The
distances are given, and returned, where `phi` has a kink: there the kernel of close points needs more digits of their
angle than the covariance holds. Elsewhere they are None.

* `closed`: closed forms; each cites its source.
* `hermite`: a series that serves every smooth activation.
* `kinks`: quadrature split where phi is not smooth, for every activation that has no closed form and a kink.
"""

from .closed import erf_dual as erf_dual
from .closed import exp_dual as exp_dual
from .closed import gaussian_dual as gaussian_dual
from .closed import gelu_dual as gelu_dual
from .closed import piecewise_linear_dual as piecewise_linear_dual
from .closed import polynomial_dual as polynomial_dual
from .closed import sine_dual as sine_dual
from .closed import step_dual as step_dual
from .gaussian import Covariances as Covariances
from .gaussian import FirstVariances as FirstVariances
from .gaussian import Moments as Moments
from .gaussian import SecondVariances as SecondVariances
from .gaussian import Variances as Variances
from .gaussian import chord as chord
from .gaussian import derivative as derivative
from .hermite import hermite_dual as hermite_dual
from .hermite import hermite_second_moment as hermite_second_moment
from .kinks import kinked_dual as kinked_dual
from .kinks import kinked_second_moment as kinked_second_moment
