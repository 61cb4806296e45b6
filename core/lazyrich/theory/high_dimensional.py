r"""Linear networks in high dimension: how test and training error move while n points and P parameters both grow.

A student of P weights learns $y = x \cdot \bar w + \epsilon$ by gradient flow, from inputs whose entries have variance
1/P, at the ratio $a = n/P$. The eigenvalues of the correlation matrix follow the law of Marchenko and Pastur,

$$\rho(\lambda) = \frac{\sqrt{(\lambda_+ - \lambda)(\lambda - \lambda_-)}}{2\pi\lambda}
+ \max(1 - a, 0)\, \delta(\lambda), \qquad \lambda_\pm = (\sqrt a \pm 1)^2,$$

each mode is learned at its own rate, and in units of the teacher's weight variance the test error is

$$E_g(t) = \int \rho\, \Big[(1 + INR)\, e^{-2\lambda t} + \frac{(1 - e^{-\lambda t})^2}{\lambda\, SNR}\Big] d\lambda
+ \frac{1}{SNR} .$$

SNR is the teacher's weight variance over that of the noise, INR the student's initial weight variance over the
teacher's. Source: Advani, Saxe & Sompolinsky 2020, "High-dimensional dynamics of generalization error in neural
networks". The training error is derived beside its lines.

Time is theirs, $\dot w = X^T (y - X w)$: with this project's loss, a mean over points, it is gradient-flow time over n.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._checks import within
from .._float64 import float64
from .marchenko_pastur import LARGEST, LONGEST, SMALLEST, quadrature

_BISECTIONS = 60


class HighDimensionalErrors(NamedTuple):
    """Mean squared errors (no factor 1/2) over the teacher's weight variance, on noisy targets."""

    train: Float[np.ndarray | Array, "..."]
    test: Float[np.ndarray | Array, "..."]


@jax.jit
@jnp.vectorize
def _errors(ratio, snr, inr, t):
    r"""Return training and test error at numbers.

    The training error: along a mode with singular value $s = \sqrt\lambda$ of X, the student's weight is
    $z = z_0 e^{-\lambda t} + (1 - e^{-\lambda t})(\bar z + \epsilon/s)$, so the residual $s\bar z + \epsilon - s z$ is
    $e^{-\lambda t} [s(\bar z - z_0) + \epsilon]$, of mean square $e^{-2\lambda t} [\lambda (1 + INR) + 1/SNR]$. There
    are P of them for n = a P points; where n > P, the other n - P directions keep their noise.
    """
    noise, ends = 1 / snr, jnp.isinf(t)
    values, density = quadrature(ratio)
    passed = values * jnp.where(ends, 1.0, t)
    left, gone = jnp.exp(-passed), -jnp.expm1(-passed)
    fitted = jnp.sum(density * left**2 * (values * (1 + inr) + noise)) / ratio
    learned = jnp.sum(density * ((1 + inr) * left**2 + noise * gone**2 / values))
    # At infinity the integral of density/eigenvalue is known, and diverges at a = 1, where its noise stays.
    apart = jnp.abs(1 - ratio)
    overfitted = jnp.minimum(ratio, 1.0) / jnp.where(apart > 0, apart, 1.0)
    overfitted = jnp.where(apart > 0, noise * overfitted, jnp.where(noise > 0, jnp.inf, 0.0))
    train = jnp.where(ends, 0.0, fitted) + noise * jnp.maximum(1 - 1 / ratio, 0.0)
    return train, jnp.where(ends, overfitted, learned) + jnp.maximum(1 - ratio, 0.0) * (1 + inr) + noise


def _mode_time(eigenvalue, snr, inr):
    """Return ln(1 + lambda SNR (1 + INR))/lambda, its limit at lambda = 0 included."""
    gain, some = snr * (1 + inr), eigenvalue > 0
    safe = jnp.where(some, eigenvalue, 1.0)
    return jnp.where(some, jnp.log1p(safe * gain) / safe, gain)


@jax.jit
@jnp.vectorize
def _best_time(ratio, snr, inr):
    r"""Return the root of the test error's slope, for numbers.

    Half the slope is $\int\rho [e^{-\lambda t}/SNR - e^{-2\lambda t}(1/SNR + \lambda(1 + INR))]$. Each mode's is below
    0 before that mode's best time and above 0 after it, and those times fall with the eigenvalue: the root lies between
    the best times of the spectrum's two edges. In what was tried there was one only (a from .05 to 20, SNR .1 to 1e4).
    """
    noisy = jnp.isfinite(snr)
    finite = jnp.where(noisy, snr, 1.0)
    values, density = quadrature(ratio)

    def slope(t):
        left = jnp.exp(-values * t)
        return jnp.sum(density * left * (1 - left * (1 + values * finite * (1 + inr))))

    def halve(_, bracket):
        low, high = bracket
        middle = jnp.sqrt(low) * jnp.sqrt(high)
        late = slope(middle) > 0
        return jnp.where(late, low, middle), jnp.where(late, middle, high)

    edges = (1 + jnp.sqrt(ratio)) ** 2, (1 - jnp.sqrt(ratio)) ** 2
    bracket = tuple(jax.lax.stop_gradient(_mode_time(edge, finite, inr)) for edge in edges)
    low, high = jax.lax.stop_gradient(jax.lax.fori_loop(0, _BISECTIONS, halve, bracket))
    root = jnp.sqrt(low) * jnp.sqrt(high)
    # A step of Newton's method, which also carries the derivatives of the root (implicit function theorem).
    best = root - slope(root) / jax.lax.stop_gradient(jax.grad(slope)(root))
    return jnp.where(noisy, best, jnp.inf)


def _together(first: Any, snr: Any, inr: Any, *more: Any) -> list[Any]:
    """Return the arguments as arrays of one shape, once the signal-to-noise and initial ratios are checked."""
    return jnp.broadcast_arrays(
        first,
        within(snr, "snr", SMALLEST, LARGEST, infinity=True),
        within(inr, "inr", 0.0, LARGEST),
        *more,
    )


@float64
def high_dimensional_errors(t: Any, *, ratio: Any, snr: Any, inr: Any = 0.0) -> HighDimensionalErrors:
    """Return the training and test error of a linear student after time t of gradient flow.

    All arguments broadcast together, may be traced and have derivatives. Integrals are good to 1e-10.

    Args:
        t: gradient-flow time over n, at least 0; infinity is the interpolating or least-squares solution.
        ratio: a = n/P, points over parameters, above 0.
        snr: teacher's weight variance over that of the noise; infinity is no noise.
        inr: student's initial weight variance over the teacher's.

    Returns:
        `.train` and `.test`; at a = 1 the test error is infinite at t = infinity, unless there is no noise.

    Raises:
        ValueError: an argument out of its range.
    """
    ratio = within(ratio, "ratio", SMALLEST, LARGEST)
    return HighDimensionalErrors(*_errors(*_together(ratio, snr, inr, within(t, "t", 0.0, LONGEST, infinity=True))))


@float64
def best_stopping_time(*, ratio: Any, snr: Any, inr: Any = 0.0) -> Float[np.ndarray | Array, "..."]:
    """Return the time at which the test error of `high_dimensional_errors` is least; infinite without noise.

    Args and errors are those of `high_dimensional_errors`, and so is the unit of time.
    """
    return _best_time(*_together(within(ratio, "ratio", SMALLEST, LARGEST), snr, inr))


@float64
def mode_stopping_time(eigenvalue: Any, *, snr: Any, inr: Any = 0.0) -> Float[np.ndarray | Array, "..."]:
    r"""Return the time at which one mode alone is best stopped, $\ln(1 + \lambda\, SNR\, (1 + INR))/\lambda$.

    Args:
        eigenvalue: lambda, at least 0, of the correlation matrix with entries of variance 1/P.
        snr: teacher's weight variance over that of the noise.
        inr: student's initial weight variance over the teacher's.

    Raises:
        ValueError: an argument out of its range.
    """
    return _mode_time(*_together(within(eigenvalue, "eigenvalue", 0.0, LONGEST), snr, inr))
