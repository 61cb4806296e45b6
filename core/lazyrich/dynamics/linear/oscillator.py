r"""Momentum in continuous time: every mode of the error is a damped oscillator.

Heavy-ball steps $f_{k+1} - f_k = \beta (f_k - f_{k-1}) - \eta \nabla$ at times $t = \eta k$ are a discretisation of

$$\eta \ddot f + (1 - \beta) \dot f = -\nabla, \qquad \dot f(0) = 0$$

(Qian 1999): a mass $m = \eta$ and a friction $c = 1 - \beta$. A mode of rate $\rho$ obeys
$m \ddot r + c \dot r + \rho r = 0$ from $r = 1$, $\dot r = 0$. With $a = ct/2m$, $w = t\sqrt{\rho/m}$ and
$z = a^2 - w^2 = k^2$,

$$r = e^{-a} \Big(\cosh k + a \frac{\sinh k}{k}\Big),$$

overdamped where $z > 0$, critical at 0, and underdamped below, where k is imaginary. Derived by inserting it.
"""

import math
from typing import Any

from .modes import namespace, phi

# The series below are summed until what is left out is below 1e-17 of the sum.
_CRITICAL, _CRITICAL_TERMS = 0.1, 7
_SHORT_TERMS = 18


def oscillator(rate: Any, time: Any, mass: Any, friction: Any) -> tuple[Any, Any]:
    r"""Return $d = r(t)$ and $(1 - d)/\rho$ of the damped oscillator, with its limit at $\rho = 0$; all broadcast."""
    xp = namespace(rate, time, mass, friction)
    a = friction * time / (2 * mass) + 0 * rate
    w = time * xp.where(rate > 0, xp.sqrt(xp.where(rate > 0, rate, 1.0) / mass), 0.0)
    z = (a - w) * (a + w)
    near, over = xp.abs(z) < _CRITICAL, z > 0
    # |k|; by factors, as their product may overflow.
    root = xp.sqrt(xp.where(near, 1.0, xp.abs(a - w))) * xp.sqrt(xp.where(near, 1.0, a + w))
    slow, fast = w * (w / (a + root)), a + root
    decay = xp.where(
        near,
        _critical(xp, a, xp.where(near, z, 0.0)),
        xp.where(
            over,
            xp.exp(-slow) * (1 + xp.exp(-2 * root) - a * xp.expm1(-2 * root) / root) / 2,
            xp.exp(-a) * (xp.cos(root) + a * xp.sin(root) / root),
        ),
    )
    short, apart = (2 * a < 1) & (w < 1), over & ~near & (2 * root > a)
    learned = (1 - decay) / xp.where(rate > 0, rate, 1.0)
    by_rates = time / mass * (phi(slow) - phi(fast)) * (time / (2 * root))
    inside = xp.where(short, a, 0.0), xp.where(short, w, 0.0), xp.where(short, time, 0.0)
    return decay, xp.where(short, _short_gain(*inside) / mass, xp.where(apart, by_rates, learned))


def _critical(xp: Any, a: Any, z: Any) -> Any:
    r"""Return $e^{-a}(\cosh\sqrt z + a \sinh\sqrt z/\sqrt z)$ by the series in z, which both signs share."""
    terms = [z**j * (1 / math.factorial(2 * j) + a / math.factorial(2 * j + 1)) for j in range(_CRITICAL_TERMS)]
    return xp.exp(-a) * sum(terms)


def _short_gain(a: Any, w: Any, time: Any) -> Any:
    r"""Return $m (1 - r)/\rho$ for $2a, w < 1$, where $1 - r$ would cancel.

    $m(1 - r)/\rho$ is the integral to t of the impulse response, which is the first divided difference of
    $e^{\mu s}$ at the exponents $\mu_\pm = (-a \pm k)/t$. The j-th power has the divided difference h_{j-1}, the
    complete symmetric polynomial of the two, so the series is $t^2 \sum_j h_j/(j + 2)!$ with
    $h_j = -2a h_{j-1} - w^2 h_{j-2}$, time being counted in t.
    """
    before, h, total = 0.0 * a, 1.0 + 0.0 * a, 0.0
    for j in range(_SHORT_TERMS):
        total = total + h / math.factorial(j + 2)
        before, h = h, -2 * a * h - w * w * before
    return time * time * total
