r"""Gradient flow of the hinge loss, exact: between a finite number of events its outputs move on straight lines.

The flow follows $\dot f = -\Theta w$, $\dot a = w$, $w = \frac1n g - \delta a$, where $f = f_0 - \Theta a$ and
$g_i = -y_i \alpha_i$ is a subgradient: $\alpha = 1$ where the margin $m = yf$ is below 1, and 0 above. At $m = 1$ it is
the $\alpha \in [0, 1]$ of the least speed (Brezis 1973, theorem 3.1: a gradient flow of a convex function follows the
subgradient of minimal norm), which is also the one that keeps the point there, if any does. Derived:

1. With $Q_{ij} = y_i \Theta_{ij} y_j / n$, margins move by $\dot m = Q\alpha + \delta\, y(f_0 - f)$.
2. Least $w^T \Theta w$ over the points at m = 1 has the conditions $\dot m \ge 0$ at $\alpha = 0$, $\dot m \le 0$ at
   $\alpha = 1$ and $\dot m = 0$ between. It is a quadratic program in a box, solved by an active set.
3. Points that stay at m = 1 have constant f, so by 1. a constant $\alpha$; so g is constant until another point
   arrives, and $a(s) = a + wu$, $f(s) = f - \Theta w u$ with $u = (1 - e^{-\delta s})/\delta$ for the time s since.

An adaptive solver would chatter about m = 1. With ridge the end is the support vector machine without a bias unit, of
$C = 1/(n\delta)$ (Chen, Huang, Nguyen & Weng 2021, "On the equivalence between neural network and support vector
machine").
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from ..._float64 import is_traced
from ...spectra import Eigensystem

# Speeds below this part of the largest possible one are rounding.
_ROUNDING = 1e-11
# Added to a singular program's diagonal, relative to it; a step of refinement takes it out where it matters.
_JITTER = 1e-13


class Piece(NamedTuple):
    """From time `start` on, the margins at first, how they and the dual variables move per unit of u."""

    start: float
    margins: Any
    a: Any
    speed: Any
    direction: Any


def box_program(q: Any, linear: Any, alpha: Any) -> Any:
    r"""Return the $\alpha \in [0, 1]^k$ with $Q\alpha + c$ at least 0, at most 0 or 0 at 0, at 1 or between.

    It minimises $\frac12 \alpha^T Q \alpha + c^T \alpha$ by a primal active set from a feasible `alpha`: move the free
    ones to their minimum until one meets its bound, and free the bound one that would gain most (Nocedal & Wright 2006,
    "Numerical optimization", section 16.5).
    """
    alpha = alpha.copy()
    free = (alpha > 0) & (alpha < 1)
    tolerance = _ROUNDING * (np.abs(q).sum(axis=1).max(initial=0.0) + np.abs(linear).max(initial=0.0))
    for _ in range(100 + 20 * len(alpha)):
        target = alpha.copy()
        if free.any():
            target[free] -= _solve(q[np.ix_(free, free)], (q @ alpha + linear)[free])
        move = target - alpha
        to_bound = np.where(move > 0, 1 - alpha, alpha)
        room = np.divide(to_bound, np.abs(move), out=np.full(len(alpha), np.inf), where=to_bound < np.abs(move))
        step = min(1.0, room.min(initial=1.0))
        alpha = np.clip(alpha + step * move, 0.0, 1.0)
        if step < 1:
            stopped = int(room.argmin())
            alpha[stopped] = np.round(alpha[stopped])
            free[stopped] = False
            continue
        slope = q @ alpha + linear
        gain = np.where(free, 0.0, np.where(alpha > 0.5, slope, -slope))
        if gain.max(initial=0.0) <= tolerance:
            return alpha
        free[int(gain.argmax())] = True
    raise ValueError(
        f"The speeds of {len(alpha)} points at margin 1 must have a solution; got none within {_ROUNDING:g} of "
        "rounding. Give a ridge above 0, or the squared_hinge."
    )


def _solve(q: Any, right: Any) -> Any:
    """Solve with a positive semi-definite matrix, with one step of refinement."""
    factor = cho_factor(q + _JITTER * np.trace(q) * np.eye(len(q)), check_finite=False)
    first = cho_solve(factor, right, check_finite=False)
    return first + cho_solve(factor, right - q @ first, check_finite=False)


def pieces(theta: Any, y: Any, f0: Any, ridge: float) -> Iterator[Piece]:
    """Yield the straight pieces of one output's flow; vectors are (n,)."""
    n = len(y)
    q = y[:, None] * theta * y[None] / n
    largest = np.abs(q).sum(axis=1).max(initial=0.0)
    margins, a, now = y * f0, np.zeros(n), 0.0
    alpha = (margins < 1).astype(float)
    at_kink = np.abs(margins - 1) <= _ROUNDING
    for _ in range(1000 + 100 * n):
        linear = ridge * (y * f0 - margins)
        others = q @ np.where(at_kink, 0.0, alpha) + linear
        alpha[at_kink] = box_program(q[np.ix_(at_kink, at_kink)], others[at_kink], alpha[at_kink])
        speed = q @ alpha + linear
        margins[at_kink] = 1.0
        at_kink &= (alpha > 0) & (alpha < 1)
        speed[at_kink | (np.abs(speed) <= _ROUNDING * (largest + np.abs(linear).max()))] = 0.0
        resting = not speed.any()
        direction = np.zeros(n) if resting else -y * alpha / n - ridge * a
        yield Piece(now, margins.copy(), a.copy(), speed, direction)
        # Only a point on its way to the kink meets it; rounding may have carried it past.
        coming = np.where(alpha > 0.5, speed > 0, speed < 0)
        u = np.divide(np.abs(1 - margins), np.abs(speed), out=np.full(n, np.inf), where=coming & ~at_kink)
        first = u.min()
        if first == np.inf or first * ridge >= 1:
            return
        now += -np.log1p(-ridge * first) / ridge if ridge > 0 else first
        margins, a = margins + first * speed, a + first * direction
        at_kink |= u <= first * (1 + 1e-12)
    raise ValueError(f"The hinge flow must end; got more than {1000 + 100 * n} events. Give a ridge above 0.")


def hinge_flow(theta: Any, y: Any, f0: Any, ridge: float, times: Any) -> tuple[Any, Any]:
    """Return the margins' outputs f (T, n) and the dual variables a (T, n) of one output at `times`, infinity included.

    Args:
        theta: kernel, (n, n).
        y: labels -1 and 1, (n,).
        f0: outputs at t = 0, (n,).
        ridge: delta.
        times: (T,), in any order.
    """
    path = list(pieces(theta, y, f0, ridge))
    index = np.searchsorted([piece.start for piece in path], times, side="right") - 1
    f, a = np.empty((len(times), len(y))), np.empty((len(times), len(y)))
    for i, (time, piece) in enumerate(zip(times, (path[j] for j in index), strict=True)):
        since = time - piece.start
        u = -np.expm1(-ridge * since) / ridge if ridge > 0 else since
        # At rest nothing moves, in infinite time either.
        u = u if piece.direction.any() else 0.0
        f[i], a[i] = y * (piece.margins + u * piece.speed), piece.a + u * piece.direction
    return f, a


def exact_hinge(ntk: Any, start: Any, cross_ntk: Any, ridge: Any, times: Any) -> Any:
    """Return f (T, n, C), f_test (or None) and how they were solved for, one output at a time."""
    if is_traced(ntk, start, cross_ntk, ridge, times):
        raise ValueError(
            "The hinge loss's exact flow needs numbers; got a tracer of a JAX transformation. Take squared_hinge."
        )
    theta = (ntk.vectors * ntk.values) @ ntk.vectors.T if isinstance(ntk, Eigensystem) else np.asarray(ntk, float)
    flows = [hinge_flow(theta, y, f0, ridge, times) for y, f0 in zip(start.y.T, np.asarray(start.f).T, strict=True)]
    f, a = (np.stack(parts, axis=-1) for parts in zip(*flows, strict=True))
    f_test = None if cross_ntk is None else np.asarray(start.f_test)[None] - np.einsum("mn,tnc->tmc", cross_ntk, a)
    return f, f_test, {"method": "exact, event by event"}
