"""Closed forms of duals; see the package for their arguments."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .gaussian import Covariances, FirstVariances, Moments, SecondVariances, Variances, arctan2, area_and_angle, eps_of


def _outer(a: FirstVariances, b: SecondVariances) -> Covariances:
    return a[:, None] * b[None, :]


def piecewise_linear_dual(
    q1: FirstVariances, q2: SecondVariances, k: Covariances, distance: Covariances, *, negative: Any, positive: Any
) -> Moments:
    r"""Dual of $a \min(z, 0) + b \max(z, 0)$: ReLU is $a=0, b=1$.

    $$\dot T = (a^2 + b^2)/2 - (a-b)^2 \theta / 2\pi, \qquad T = (a-b)^2 s / 2\pi + \dot T k,$$

    with $\theta$ the angle between the two inputs and $s = \sqrt{q_1 q_2} \sin\theta$. The distance is
    $T(q_1, q_1, q_1) + T(q_2, q_2, q_2) - 2T = \frac{a^2 + b^2}2 |u - v|^2 - \frac{(a-b)^2}\pi (s - \theta k)$.
    Source: Cho & Saul 2009, "Kernel methods for deep learning", eqs. 3-6 (orders 0 and 1), by linearity.
    """
    s, angle = area_and_angle(q1, q2, k, distance)
    jump, mean = (negative - positive) ** 2 / (2 * np.pi), (negative**2 + positive**2) / 2
    tdot = mean - jump * angle
    apart = mean * distance - 2 * jump * (s - angle * k)
    # What is left where the two terms cancel, as of opposed points under |z|, is rounding.
    apart = jnp.where(apart > 16 * eps_of(k) * mean * distance, apart, 0.0)
    return Moments(jump * s + tdot * k, tdot, apart)


def step_dual(
    q1: FirstVariances, q2: SecondVariances, k: Covariances, distance: Covariances, *, negative: Any, positive: Any
) -> Moments:
    r"""Dual of a jump at 0 from a to b, with $\phi(0) = 0$: sign is $a=-1, b=1$.

    $$T = (a^2 + b^2)/2 - (b-a)^2 \theta / 2\pi, \qquad \dot T = (b-a)^2 / 2\pi s,$$

    whose $\dot T$ is infinite where the two points are parallel. Source: Cho & Saul 2009, eqs. 3-6 (order 0), and the
    density of two Gaussians at 0.
    """
    s, angle = area_and_angle(q1, q2, k, distance)
    jump, mean = (negative - positive) ** 2 / (2 * np.pi), (negative**2 + positive**2) / 2
    alive1, alive2 = (q1 > 0)[:, None], (q2 > 0)[None, :]
    t = jnp.where(alive1 & alive2, mean - jump * angle, 0.0)
    apart = jnp.where(alive1 & alive2, 2 * jump * angle, jnp.where(alive1 | alive2, mean, 0.0))
    return Moments(t, jump / s, apart)


def erf_dual(q1: FirstVariances, q2: SecondVariances, k: Covariances, _: None = None) -> Moments:
    r"""Dual of erf: $T = (2/\pi) \arcsin(2k / \sqrt{(1+2q_1)(1+2q_2)})$.

    Source: Williams 1997, "Computing with infinite networks", eq. 11.
    """
    root = jnp.sqrt(_outer(1 + 2 * q1, 1 + 2 * q2) - 4 * k**2)
    return Moments((2 / np.pi) * arctan2(2 * k, root), (4 / np.pi) / root)


def gelu_dual(q1: FirstVariances, q2: SecondVariances, k: Covariances, _: None = None) -> Moments:
    r"""Dual of the exact GELU $z \Phi(z)$. With $P = (1+q_1)(1+q_2)$ and $E = P - k^2$,.

    $$T = \frac k4 + \frac1{2\pi}\Big[\frac{k^2 + q_1 q_2 E}{P \sqrt E} + k \arctan\frac{k}{\sqrt E}\Big].$$

    $\dot T$ is its derivative in $k$ (term by term: $dE/dk = -2k$ and $d \arctan(k/\sqrt E)/dk = 1/\sqrt E$).
    Source: Tsuchida, Pearce, van der Heide, Roosta & Gallagher 2021, "Avoiding kernel fixed points", proposition 1.
    """
    # Divisions cost more than everything else here but the angle: 1/P comes from two vectors.
    inverse, both = _outer(1 / (1 + q1), 1 / (1 + q2)), _outer(q1, q2)
    e = _outer(1 + q1, 1 + q2) - k**2
    over_root = 1 / jnp.sqrt(e)
    ratio = k * over_root
    angle = arctan2(ratio, jnp.ones_like(ratio))
    t = k / 4 + ((k**2 + both * e) * inverse * over_root + k * angle) / (2 * np.pi)
    tdot = 1 / 4 + (ratio * ((2 - both + ratio**2) * inverse + 1) + angle) / (2 * np.pi)
    return Moments(t, tdot)


def sine_dual(
    q1: FirstVariances, q2: SecondVariances, k: Covariances, _: None = None, *, frequency: Any, phase: Any
) -> Moments:
    r"""Dual of $\sin(bz + c)$: $T = \frac12 [e^{b^2(k-s)} - e^{-b^2(k+s)} \cos 2c]$, $s = (q_1+q_2)/2$.

    It is half the difference of $E \cos b(u - v)$ and $E \cos(b(u + v) + 2c)$; $\dot T$ is its derivative in k.
    """
    square, s = frequency**2, (q1[:, None] + q2[None, :]) / 2
    difference, total = jnp.exp(square * (k - s)), jnp.exp(-square * (k + s)) * jnp.cos(2.0 * phase)
    return Moments((difference - total) / 2, square / 2 * (difference + total))


def exp_dual(q1: FirstVariances, q2: SecondVariances, k: Covariances, _: None = None) -> Moments:
    r"""Dual of $e^z$: $T = \dot T = e^{(q_1 + q_2)/2 + k}$, the mean of a log-normal variable."""
    t = jnp.exp((q1[:, None] + q2[None, :]) / 2 + k)
    return Moments(t, t)


def gaussian_dual(q1: FirstVariances, q2: SecondVariances, k: Covariances, _: None = None, *, rate: Any) -> Moments:
    r"""Dual of $e^{-a z^2}$: $T = [(1+2aq_1)(1+2aq_2) - 4a^2k^2]^{-1/2}$, $\dot T = 4a^2 k\, T^3$.

    It is the determinant $|I + 2a\Sigma|^{-1/2}$ of a Gaussian integral; Williams 1997, eq. 13, at zero means.
    """
    t = 1 / jnp.sqrt(_outer(1 + 2 * rate * q1, 1 + 2 * rate * q2) - 4 * rate**2 * k**2)
    return Moments(t, 4 * rate**2 * k * t**3)


def _in_powers_of_k(coefficients: Float[Array, " powers"], q: Variances) -> Float[Array, "powers n"]:
    r"""Return $b_m(q) = \sum_i c_{m+2i} \frac{(m+2i)!}{2^i\, i!\, m!} q^i$ for each m."""
    degree = coefficients.shape[0] - 1

    def one(m: int) -> jax.Array:
        return sum(
            coefficients[m + 2 * i]
            * (math.factorial(m + 2 * i) // (2**i * math.factorial(i) * math.factorial(m)))
            * q**i
            for i in range((degree - m) // 2 + 1)
        )  # pyright: ignore[reportReturnType]

    return jnp.stack([one(m) for m in range(degree + 1)])


def polynomial_dual(
    q1: FirstVariances,
    q2: SecondVariances,
    k: Covariances,
    _: None = None,
    *,
    coefficients: Float[Array, " powers"],
) -> Moments:
    r"""Dual of $\sum_j c_j z^j$: $T = \sum_m m!\, b_m(q_1)\, b_m(q_2)\, k^m$.

    $z^j$ in Hermite polynomials of variance q is $\sum_i \frac{j!}{2^i i! (j-2i)!} q^i He_{j-2i}(z; q)$, and
    $E[He_m(u; q_1) He_{m'}(v; q_2)] = m!\, k^m \delta_{mm'}$ (O'Donnell 2014, "Analysis of Boolean functions", ch. 11).
    """
    b1, b2 = _in_powers_of_k(coefficients, q1), _in_powers_of_k(coefficients, q2)
    t, tdot = jnp.zeros_like(k), jnp.zeros_like(k)
    for m in reversed(range(coefficients.shape[0])):
        tdot = tdot * k + t  # Horner's scheme for the derivative, one power behind
        t = t * k + math.factorial(m) * _outer(b1[m], b2[m])
    return Moments(t, tdot)
