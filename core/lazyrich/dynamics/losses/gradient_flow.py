r"""Gradient flow of any loss in function space, by an adaptive explicit method.

With $S = V \Lambda^{1/2}$, so that $\Theta = S S^T$, the state is $z$ (n, C): how far the weights have moved, in an
orthonormal basis. Then $f = f_0 + S z$ and

$$\dot z = -\tfrac1n S^T \nabla L(f) - \delta z, \qquad \dot f = -\tfrac1n \Theta \nabla L(f) - \delta (f - f_0).$$

In these coordinates an error of z is one of at most $\sqrt{\Theta(x, x)}$ times its size in f(x), a test point's too;
and a singular kernel's null modes stand still, where the dual variables $\Theta^{-1}(f_0 - f)$ grow without end.
The Jacobian $-\frac1n S^T H S - \delta$, with H the loss's Hessian, is symmetric, as stabilised methods ask for.

Tsitouras's method comes first; where stability and not accuracy holds its steps small, the problem is stiff, and
Runge-Kutta-Chebyshev (chebyshev.py) solves it anew.
"""

from typing import Any, NamedTuple, cast

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import optimistix

from ..._float64 import is_traced
from .chebyshev import RungeKuttaChebyshev

# More steps of Tsitouras's method than this, and than four from each time to the next, are a stiff problem's.
_STIFF = 300
# Steps of Runge-Kutta-Chebyshev between two times.  With 512 stages each they reach 7e8 times the fastest time scale.
_MOST_STEPS = 4_096


class Problem(NamedTuple):
    """What flows.

    Attributes:
        loss: a pytree, and a function of f and y.
        decode: S / kappa, (n, n), with a scale kappa that gives z the units of f.
        encode: kappa S^T, (n, n).
        f0: outputs at t = 0, (n, C).
        y: targets, (n, C).
        ridge: delta.
        fastest: the kernel's largest eigenvalue over n.
        slowest: the least one above rounding, over n.
    """

    loss: Any
    decode: Any
    encode: Any
    f0: Any
    y: Any
    ridge: Any
    fastest: Any
    slowest: Any

    def outputs(self, z: Any) -> Any:
        """Return f, (n, C)."""
        return self.f0 + self.decode @ z

    def velocity(self, z: Any) -> Any:
        """Return dz/dt."""
        gradient = jax.vmap(jax.grad(self.loss))(self.outputs(z), self.y)
        return -(self.encode @ gradient) / len(self.y) - self.ridge * z

    def _hessians(self, z: Any) -> tuple[Any, Any]:
        """Return the diagonals of the points' Hessians and the absolute sums of their rows, each (n, C)."""
        hessians = jax.vmap(jax.hessian(self.loss))(self.outputs(z), self.y)
        return jnp.diagonal(hessians, axis1=-2, axis2=-1), jnp.abs(hessians).sum(axis=-1)

    def spectral_radius(self, z: Any) -> Any:
        """Return a bound on the Jacobian's, from Gershgorin's bound on the points' Hessians."""
        return self.fastest * self._hessians(z)[1].max() + self.ridge

    def is_at_rest(self, z: Any, atol: Any) -> Any:
        """Whether the state is a tenth of `atol` from its end, at the rate of its slowest mode, and stays there.

        The rate has Gershgorin's lower bound on the Hessians in it, which is 0 for a cross-entropy without ridge: that
        is never at rest.
        """
        diagonal, sums = self._hessians(z)
        curvature = (diagonal + jnp.abs(diagonal) - sums).min()
        rate = self.ridge + jnp.where(curvature > 0, self.slowest, self.fastest) * curvature
        return jnp.linalg.norm(self.velocity(z)) <= 0.1 * atol * rate


class Trajectory(NamedTuple):
    """The states (T, n, C), whether each was reached, the steps taken, the last speed, and whether it is at rest."""

    z: Any
    reached: Any
    steps: Any
    speed: Any
    resting: Any


def _solve(problem: Problem, times: Any, tolerances: Any, solver: Any, most: int, in_all: int) -> Trajectory:
    """Integrate from t = 0 through increasing `times`; each interval is one of unit length for the solver."""
    controller = diffrax.PIDController(rtol=tolerances[0], atol=tolerances[1], norm=optimistix.two_norm)

    def velocity(_, z, args):
        problem, width = args
        return width * problem.velocity(z)

    def advance(carry, time):
        z, before, steps, going = carry
        width = jnp.where(going & ~problem.is_at_rest(z, tolerances[1]), time - before, 0.0)
        # The first step tried is the whole interval.
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(velocity), solver, 0.0, 1.0, 1.0, z, (problem, width),  # type: ignore[arg-type]
            saveat=diffrax.SaveAt(t1=True), stepsize_controller=controller, max_steps=most, throw=False,
        )  # fmt: skip
        end = cast(jax.Array, solution.ys)[0]
        steps = steps + solution.stats["num_steps"]
        arrived = (solution.result == diffrax.RESULTS.successful) & jnp.all(jnp.isfinite(end))
        going = going & arrived & (steps <= in_all)
        z = jnp.where(going, end, z)
        return (z, time, steps, going), (z, going)

    start = (jnp.zeros_like(problem.f0), jnp.zeros_like(times[0]), jnp.asarray(0), jnp.asarray(True))
    (last, _, steps, _), (z, reached) = jax.lax.scan(advance, start, times)
    return Trajectory(
        z, reached, steps, jnp.linalg.norm(problem.velocity(last)), problem.is_at_rest(last, tolerances[1])
    )


def _radius(z: Any, args: Any) -> Any:
    problem, width = args
    return width * problem.spectral_radius(z)


@jax.jit
def _tsitouras(problem: Problem, times: Any, tolerances: Any) -> Trajectory:
    most = _STIFF + 4 * len(times)
    return _solve(problem, times, tolerances, diffrax.Tsit5(), most, most)


@jax.jit
def _chebyshev(problem: Problem, times: Any, tolerances: Any) -> Trajectory:
    return _solve(problem, times, tolerances, RungeKuttaChebyshev(_radius), _MOST_STEPS, _MOST_STEPS * len(times))


def integrate(problem: Problem, times: Any, tolerances: Any) -> tuple[str, Trajectory]:
    """Return the method taken and the trajectory through increasing `times`, (T,).

    Under a JAX transformation the method cannot depend on what came out, and an unfinished trajectory is an error of
    Equinox's at run time.
    """
    if is_traced(problem, times):
        path = _chebyshev(problem, times, tolerances)
        message = "The flow must be solved up to the last time; got too many steps. Lower t, or raise the ridge."
        return "Runge-Kutta-Chebyshev", path._replace(z=eqx.error_if(path.z, ~path.reached.all(), message))
    path = _tsitouras(problem, times, tolerances)
    if path.reached.all():
        return "Tsitouras", path
    return "Runge-Kutta-Chebyshev", _chebyshev(problem, times, tolerances)
