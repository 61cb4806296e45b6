r"""Runge-Kutta-Chebyshev: a stabilised explicit method of second order, for ODEs whose Jacobian is stiff and symmetric.

With s stages it is stable for steps $h\rho \le \frac23 (s^2 - 1)(1 - \frac2{15}\epsilon)$, where $\rho$ is the
Jacobian's spectral radius: the work grows with the square root of the stiffness, and no system is ever solved. Gradient
flow, whose Jacobian is minus a Hessian, is what it is made for. An implicit method of Diffrax would factor a dense
Jacobian of nC rows at every step.

Source: Sommeijer, Shampine & Verwer 1997, "RKC: an explicit solver for parabolic PDEs", J. Comput. Appl. Math. 88,
whose letters and error estimate these are.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import diffrax
import equinox as eqx
import equinox.internal as eqxi
import jax.numpy as jnp
from jaxtyping import Array, Float

# Their damping: stability polynomials stay below 1 - epsilon/3.
_DAMPING = 2 / 13
# A longer step is rejected. Rounding grows with s^2, here to 6e-11.
MOST_STAGES = 512


class _Stage(eqx.Module):
    """Stages j - 1 and j, with the Chebyshev polynomials T, T' and T'' of both at w_0."""

    j: Any
    previous: Any
    current: Any
    chebyshev: tuple[Any, Any]


def _next_chebyshev(w0: Any, before: Any, now: Any) -> Any:
    """Return (T, T', T'') of the next degree: T_j = 2 w T_{j-1} - T_{j-2}, differentiated twice."""
    t, dt, ddt = now
    return jnp.stack([2 * w0 * t - before[0], 2 * (t + w0 * dt) - before[1], 2 * (2 * dt + w0 * ddt) - before[2]])


def _step_width(s: Any, w0: Any) -> Any:
    r"""Return $w_1 = T_s'(w_0)/T_s''(w_0)$, in closed form with $w_0 = \cosh\theta$."""
    theta = jnp.arccosh(w0)
    tangent = jnp.tanh(s * theta)
    return tangent * jnp.sinh(theta) ** 2 / (s * jnp.sinh(theta) - tangent * w0)


def chebyshev_step(velocity: Callable, y0: Any, f0: Any, h: Any, s: Any) -> Any:
    """Return the state after one step of length `h` with `s` >= 2 stages; `f0` is the velocity at `y0`."""
    w0 = 1 + _DAMPING / s**2
    w1 = _step_width(s, w0)
    t0, t1 = jnp.stack([1.0 + 0 * w0, 0 * w0, 0 * w0]), jnp.stack([w0, 1.0 + 0 * w0, 0 * w0])
    t2 = _next_chebyshev(w0, t0, t1)
    # b_0 = b_1 = b_2, as T'' is 0 below degree 2.
    b2 = t2[2] / t2[1] ** 2

    def b(j, chebyshev):
        return jnp.where(j < 2, b2, chebyshev[2] / chebyshev[1] ** 2)

    def body(stage: _Stage) -> _Stage:
        before, now = stage.chebyshev
        new = _next_chebyshev(w0, before, now)
        b_new, b_now, b_before = b(stage.j, new), b(stage.j - 1, now), b(stage.j - 2, before)
        mu, nu, mu_f = 2 * b_new * w0 / b_now, -b_new / b_before, 2 * b_new * w1 / b_now
        gamma_f = -(1 - b_now * now[0]) * mu_f
        following = (
            (1 - mu - nu) * y0 + mu * stage.current + nu * stage.previous
            + h * (mu_f * velocity(stage.current) + gamma_f * f0)
        )  # fmt: skip
        return _Stage(stage.j + 1, stage.current, following, (now, new))

    first = _Stage(jnp.asarray(2), y0, y0 + b2 * w1 * h * f0, (t0, t1))
    last = eqxi.while_loop(lambda stage: stage.j <= s, body, first, max_steps=MOST_STAGES, kind="checkpointed")
    return last.current


class RungeKuttaChebyshev(diffrax.AbstractAdaptiveSolver):
    """The method as a solver of Diffrax, which chooses the steps; each step chooses its stages.

    Attributes:
        spectral_radius: a bound on the Jacobian's spectral radius, from (state, args).
    """

    spectral_radius: Callable[[Any, Any], Any] = eqx.field(static=True)
    term_structure: ClassVar = diffrax.ODETerm
    interpolation_cls: ClassVar = diffrax.LocalLinearInterpolation

    def order(self, terms):
        """Return the order, 2."""
        return 2

    def error_order(self, terms):
        """Return the order of the error estimate, 3."""
        return 3

    def init(self, terms, t0, t1, y0, args) -> Float[Array, "..."]:
        """Return the velocity at the start."""
        return terms.vf(t0, y0, args)

    def step(self, terms, t0, t1, y0, args, solver_state, made_jump):
        """Take one step; its error is infinite where it needs too many stages."""
        h, f0 = t1 - t0, solver_state
        needed = jnp.floor(jnp.sqrt(1 + 1.54 * h * self.spectral_radius(y0, args))) + 1
        # A step that will be rejected takes no more than two.
        s = jnp.where(needed > MOST_STAGES, 2, jnp.maximum(needed, 2))
        y1 = chebyshev_step(lambda y: terms.vf(t0, y, args), y0, f0, h, s)
        f1 = terms.vf(t1, y1, args)
        error = (12 * (y0 - y1) + 6 * h * (f0 + f1)) / 15
        error = jnp.where(needed > MOST_STAGES, jnp.inf, error)
        return y1, error, {"y0": y0, "y1": y1}, f1, diffrax.RESULTS.successful

    def func(self, terms, t0, y0, args):
        """Return the velocity."""
        return terms.vf(t0, y0, args)
