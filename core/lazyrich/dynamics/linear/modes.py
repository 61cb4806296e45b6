r"""What is left of a mode of the error after some training, and how much of the targets it has taken up.

A mode of rate $\rho = \lambda/n$ obeys $\dot r = -\rho r$ from $r = 1$ in gradient flow, and a recursion in gradient
descent. Each function returns $d$, what is left of it, and the gain $(1 - d)/\rho$ with its limit at $\rho = 0$, both
without cancellation. Arguments broadcast; they are NumPy arrays, or JAX's where one of them is traced.
"""

from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..._float64 import is_traced

# Whole numbers of steps have at most this many binary digits in float64.
STEP_BITS = 53
# Below this the series of phi to x^2 is exact in float64.
_SHORT = 1e-5


def namespace(*values: Any) -> ModuleType:
    """Return `jax.numpy` where one of `values` is traced, else NumPy, which compiles nothing for a new shape."""
    return jnp if is_traced(values) else np


def phi(x: Any) -> Any:
    r"""Return $(1 - e^{-x})/x$, which is 1 at 0, for $x \ge 0$."""
    xp = namespace(x)
    short = x < _SHORT
    safe = xp.where(short, 1.0, x)
    return xp.where(short, 1 - x / 2 + x * x / 6, -xp.expm1(-safe) / safe)


def gradient_flow(rate: Any, time: Any) -> tuple[Any, Any]:
    r"""Return $d = e^{-\rho t}$ and $(1 - d)/\rho$."""
    x = rate * time
    return namespace(x).exp(-x), time * phi(x)


def gradient_descent(step: Any, count: Any) -> tuple[Any, Any]:
    r"""Return $d = (1 - a)^k$ and $(1 - d)/a$ for steps $a = \eta\rho$ and whole numbers of them $k$."""
    xp = namespace(step, count)
    base = 1.0 - step
    sign = xp.where((base < 0) & (xp.mod(count, 2) == 1), -1.0, 1.0)
    decay = sign * xp.abs(base) ** count
    # Below 1/2 by log1p and expm1, as 1 - a has already lost the digits of a small a.
    small = step < 0.5
    log = xp.log1p(-xp.where(small, step, 0.0))
    learned = xp.where(small, -xp.expm1(count * log), 1.0 - decay)
    return decay, xp.where(step > 0, learned / xp.where(step > 0, step, 1.0), count)


def heavy_ball(step: Any, momentum: Any, count: Any) -> tuple[Any, Any]:
    r"""Return d and $(1 - d)/a$ after $k$ (T, 1) heavy-ball steps $a$ (1, n), each (T, n).

    $r_{k+1} = (1 + \beta - a) r_k - \beta r_{k-1}$ with $r_{-1} = r_0 = 1$ (Polyak 1964). Then $s = (1 - r)/a$ obeys
    the same recursion plus 1, from $s_{-1} = s_0 = 0$, and needs no division. Both are one 3 x 3 matrix to the power k,
    applied by repeated squaring: its eigenvalues may coincide, so it is not diagonalised.
    """
    xp = namespace(step, momentum, count)
    step = step[0]
    one, zero = xp.ones_like(step), xp.zeros_like(step)
    rows = ((1 + momentum - step, -momentum * one, one), (one, zero, zero), (zero, zero, one))
    matrix = xp.stack([xp.stack(row, axis=-1) for row in rows], axis=-2)[None]
    start = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])  # columns: (r_0, r_-1, 0) and (s_0, s_-1, 1)
    state = xp.broadcast_to(xp.asarray(start), (len(count), len(step), 3, 2))
    left = count[:, :, None, None]

    def halve(_: Any, carry: Any) -> Any:
        state, matrix, left = carry
        state = xp.where(xp.mod(left, 2) == 1, matrix @ state, state)
        left = xp.floor(left / 2)
        # Kept where no step is left: powers that nobody asked for overflow, and spoil derivatives.
        return state, xp.where((left > 0).any(), matrix @ matrix, matrix), left

    carry = state, matrix, left
    if xp is jnp:
        state, *_ = jax.lax.fori_loop(0, STEP_BITS, halve, carry)
    else:
        for bit in range(int(left.max(initial=0)).bit_length()):
            carry = halve(bit, carry)
        state, *_ = carry
    return state[..., 0, 0], state[..., 0, 1]
