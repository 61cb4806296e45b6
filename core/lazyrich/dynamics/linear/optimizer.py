"""The optimizer of linear dynamics: gradient flow, gradient descent, heavy-ball steps or their continuous limit."""

from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from ..._checks import flag, traceable_number
from ..._float64 import is_traced
from . import modes
from .modes import namespace
from .oscillator import oscillator

# What is left of a mode has overflowed from here on, where its square, a loss, leaves the range of float64.
OVERFLOW = 1e150
# A mode that has overflowed is held here, as infinity times a coefficient of 0 would be NaN.
_HELD = 1e200


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Optimizer:
    r"""What happens to a mode over time.

    Attributes:
        learning_rate: step size $\eta$; None for gradient flow.
        momentum: $\beta$ in (0, 1), or traced; None where it is 0.
        continuous: the differential equation that the heavy-ball steps follow, in place of the steps.
    """

    learning_rate: Any
    momentum: Any
    continuous: bool = field(metadata={"static": True})

    @classmethod
    def of(cls, learning_rate: Any, momentum: Any, continuous: Any) -> "Optimizer":
        """Return the optimizer once its numbers have been checked; those that are traced are not."""
        rate = learning_rate if learning_rate is None else traceable_number(learning_rate, "learning_rate", above=0)
        beta = traceable_number(momentum, "momentum", least=0)
        if not is_traced(beta) and (beta >= 1 or (beta and rate is None)):
            raise ValueError(
                f"momentum must be below 1 and comes with a learning rate; got momentum {momentum!r} and "
                f"learning_rate {learning_rate!r}. Give a step size, or momentum 0 for gradient flow."
            )
        beta = beta if is_traced(beta) or beta else None
        return cls(rate, beta, flag(continuous, "continuous"))

    @property
    def name(self) -> str:
        """What the field calls it."""
        if self.learning_rate is None:
            return "gradient flow"
        if self.continuous:
            return "momentum in continuous time"
        return "gradient descent" if self.momentum is None else "heavy-ball momentum"

    @property
    def is_discrete(self) -> bool:
        """Whether time goes in steps, which may be too large."""
        return self.learning_rate is not None and not self.continuous

    @property
    def step(self) -> Any:
        """The step whose multiples are the times there are; None for continuous time."""
        return self.learning_rate if self.is_discrete else None

    def time_scales(self, rate: np.ndarray) -> tuple[float, float]:
        """Return a time before anything of note, and one by which modes of `rate`, descending, have decayed."""
        if not len(rate):
            return 1.0, 2.0
        friction = 0.0 if self.learning_rate is None else 2 * self.learning_rate / (1 - self._beta)
        return 1e-3 / rate[0], 50 * (1 / rate[-1] + friction)

    @property
    def largest_step(self) -> Any:
        r"""Largest stable $\eta\rho$ of a mode of rate $\rho$, $2(1 + \beta)$ (Polyak 1964)."""
        return 2 * (1 + self._beta)

    @property
    def _beta(self) -> Any:
        return 0.0 if self.momentum is None else self.momentum

    def finite(self, rate: Any, time: Any) -> tuple[Any, Any]:
        r"""Return $d$ and $(1 - d)/\rho$ of modes of `rate` (1, n) after finite `time` (T, 1)."""
        if self.learning_rate is None:
            return modes.gradient_flow(rate, time)
        if self.continuous:
            return oscillator(rate, time, self.learning_rate, 1 - self._beta)
        step, count = self.learning_rate * rate, self._steps(time)
        if self.momentum is None:
            decay, gain = modes.gradient_descent(step, count)
        else:
            decay, gain = modes.heavy_ball(step, self.momentum, count)
        return decay, self.learning_rate * gain

    def at(self, rate: Any, time: Any) -> tuple[Any, Any]:
        r"""Return $d$ and $(1 - d)/\rho$, (T, n), at times (T,) that may be infinite; beyond `OVERFLOW` they are held.

        A mode of rate 0 keeps d = 1, and its gain is the time, or 0 at infinity.
        """
        xp = namespace(rate, time, self)
        rate, time = rate[None, :], time[:, None]
        is_finite = xp.isfinite(time)
        with np.errstate(over="ignore", invalid="ignore"):
            decay, gain = self.finite(rate, xp.where(is_finite, time, 0.0))
            stable = self.learning_rate * rate < self.largest_step if self.is_discrete else True
        end_decay = xp.where(rate > 0, xp.where(stable, 0.0, np.inf), 1.0)
        end_gain = xp.where(rate > 0, xp.where(stable, 1.0, -np.inf) / xp.where(rate > 0, rate, 1.0), 0.0)
        decay, gain = xp.where(is_finite, decay, end_decay), xp.where(is_finite, gain, end_gain)
        if not self.is_discrete:
            return decay, gain
        lost = ~(xp.abs(decay) <= OVERFLOW) | ~xp.isfinite(gain)
        return xp.where(lost, _HELD, decay), xp.where(lost, -_HELD, gain)

    def _steps(self, time: Any) -> Any:
        """Return the whole numbers of steps at finite times."""
        count = namespace(time, self).round(time / self.learning_rate)
        if not is_traced(count) and count.max(initial=0.0) > 2.0**modes.STEP_BITS:
            raise ValueError(
                f"Times must be at most {2.0**modes.STEP_BITS:g} steps of gradient descent, or infinity; got "
                f"{count.max():.3g} steps of {self.learning_rate:.3g}. Lower t, or raise the learning rate."
            )
        return count

    def stability(self, top: float) -> "Stability":
        r"""Return the verdict on a kernel whose largest rate, $\lambda_{max}/n$ with ridge, is `top`."""
        largest = self.largest_step / top if top > 0 else np.inf
        if not self.is_discrete or top <= 0 or self.learning_rate * top < self.largest_step:
            return Stability(True, largest, np.inf, self)
        return Stability(False, largest, self._overflow_time(top), self)

    def _overflow_time(self, top: float) -> float:
        """Return the first time at which the top mode has overflowed, by bisection over the steps."""
        low, high = 0, 2**modes.STEP_BITS
        rate = np.array([top])

        def overflows(count: int) -> bool:
            return abs(self.at(rate, np.array([count * self.learning_rate]))[0].item()) > OVERFLOW

        if not overflows(high):
            return np.inf
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if overflows(middle) else (middle, high)
        return high * self.learning_rate


@dataclass(frozen=True)
class Stability:
    """Whether training converges; `str` of it says the same in a sentence.

    Attributes:
        stable: whether every mode of the error decays.
        max_learning_rate: the largest stable step size.
        overflow_time: the first time at which outputs and losses are infinite, as they leave the range of float64;
            infinity where they never do.
        optimizer: what it is the verdict on.
    """

    stable: bool
    max_learning_rate: float
    overflow_time: float
    optimizer: Optimizer

    def __str__(self) -> str:
        """Return the verdict in a sentence."""
        if not self.optimizer.is_discrete:
            return f"Stable: {self.optimizer.name} converges at any speed."
        rate, largest = self.optimizer.learning_rate, self.max_learning_rate
        if self.stable:
            return f"Stable: the learning rate {rate:.3g} is below the largest stable one, {largest:.3g}."
        verdict = f"{self.optimizer.name.capitalize()} diverges: the learning rate must be below {largest:.3g}"
        end = (
            f"outputs and losses overflow at t = {self.overflow_time:.3g}"
            if np.isfinite(self.overflow_time)
            else "too slowly to overflow"
        )
        return f"{verdict}; got {rate:.3g}, and {end}. Lower it."
