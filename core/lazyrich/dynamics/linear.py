r"""Training of infinitely wide networks in function space: a linear ODE, solved in the kernel's eigenbasis.

With $\Theta = \sum_i \lambda_i v_i v_i^T$ on the training points, loss $\frac1{2n}\sum_i |f(x_i) - y_i|^2$ (mean over
points, sum over outputs) and gradient-flow time $t$ = learning rate x steps,

$$f_t(x) = f_0(x) + \Theta(x, X) \sum_i v_i \frac{1 - d_i(t)}{\lambda_i}\, v_i^T (y - f_0(X)),$$

where $d_i(t)$ is what is left of mode i: $e^{-\lambda_i t/n}$ for gradient flow, $(1 - \eta\lambda_i/n)^{t/\eta}$ for
gradient descent, a two-step recursion with momentum. Ridge $\delta$ (weight decay towards the initial weights) replaces
$\lambda_i$ by $\lambda_i + n\delta$ in $d_i$ and in the denominator. Source: Lee et al. 2019, eqs. 8-11 and 14-16.
"""

import warnings
from functools import cached_property
from typing import Any, cast

import numpy as np
from jaxtyping import Float

from .._checks import as_array, as_matrix, as_numbers, as_targets, number
from ..spectra import Eigensystem, eigensystem

Times = Float[np.ndarray, " time"]

# Above this a number of steps is not a whole number of float64 any more.
_MOST_STEPS = 2.0**53
# What is left of a diverging mode is reported from here on, as its square, a loss, leaves the range of float64.
_DIVERGED = 1e150
_overflow_is_reported = np.errstate(over="ignore", invalid="ignore")


def _as_times(t: Any) -> tuple[Times, bool]:
    """Return the times as a vector, and whether a single one was given."""
    times = as_numbers(t, "t")
    if times.ndim > 1 or np.isnan(times).any() or (times < 0).any():
        raise ValueError(f"Times must be numbers of at least 0, or infinity, scalar or (T,); got {t!r}. Change t.")
    return np.atleast_1d(times), times.ndim == 0


def _gradient_flow(rates: np.ndarray, time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    r"""Return $d = e^{-rt}$ and $(1 - d)/r$, its limit $t$ at $r = 0$ included, (T, n)."""
    safe = np.where(rates > 0, rates, 1.0)
    return np.exp(-rates * time), np.where(rates > 0, -np.expm1(-rates * time) / safe, time)


def _gradient_descent(step: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    r"""Return $d = (1 - a)^k$ and $(1 - d)/a$ for steps $a$ (n,) and whole numbers of them $k$ (T, 1)."""
    base = 1.0 - step
    sign = np.where((base < 0) & (np.mod(count, 2) == 1), -1.0, 1.0)
    decay = sign * np.abs(base) ** count
    # Below 1/2 by log1p and expm1, as 1 - a has already lost the digits of a small a.
    small = step < 0.5
    log = np.log1p(-np.where(small, step, 0.0))
    learned = np.where(small, -np.expm1(count * log), 1.0 - decay)
    return decay, np.where(step > 0, learned / np.where(step > 0, step, 1.0), count)


def _heavy_ball(step: np.ndarray, momentum: float, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    r"""Return d and (1 - d)/a after `count` (T, 1) heavy-ball steps $a$ (n,), each (T, n).

    $r_{k+1} = (1 + \beta - a) r_k - \beta r_{k-1}$ with $r_{-1} = r_0 = 1$. Then $s = (1 - r)/a$ obeys the same
    recursion plus 1, from $s_{-1} = s_0 = 0$, and needs no division. Both come from powers of one 3 x 3 matrix, by
    repeated squaring, since its eigenvalues may coincide.
    """
    matrix = np.zeros((*step.shape, 3, 3))
    matrix[..., 0, 0], matrix[..., 0, 1], matrix[..., 0, 2] = 1 + momentum - step, -momentum, 1.0
    matrix[..., 1, 0] = matrix[..., 2, 2] = 1.0
    result = np.broadcast_to(np.eye(3), (len(count), *matrix.shape))
    left = count[:, 0].astype(np.int64)
    while left.any():
        odd = (left % 2 == 1)[:, None, None, None]
        result = np.where(odd, result @ matrix, result)
        matrix, left = matrix @ matrix, left // 2
    decay, gain = result[..., 0, 0] + result[..., 0, 1], result[..., 0, 2]
    # A diverging mode overflows with both signs, and inf - inf would be NaN.
    finite = np.isfinite(decay) & np.isfinite(gain)
    return np.where(finite, decay, np.inf), np.where(finite, gain, -np.inf)


class LinearDynamics:
    """Mean, covariance and losses of an infinitely wide network at any training time.

    Args:
        ntk: training kernel Theta(X, X), (n, n), or its `Eigensystem`.
        y: targets, (n, C); a vector means C = 1.
        cross_ntk: Theta(X', X), (n', n); needed for everything on test points.
        nngp: K(X, X), (n, n); needed for covariances. For the NNGP posterior (only the readout is trained) give the
            NNGP kernel in place of `ntk` too.
        cross_nngp: K(X', X), (n', n).
        test_nngp: K(X', X'), (n', n').
        f0: output at t = 0: a number, an array (n, C), or the pair of those on training and test points.
        learning_rate: None for gradient flow, or the step size eta of gradient descent; times are then rounded to
            whole steps.
        momentum: heavy-ball momentum in [0, 1); needs a learning rate.
        ridge: delta >= 0, not divided by n.

    Times `t` are gradient-flow times (learning rate x steps): a scalar or an array (T,), infinity included. Results
    have shape (n, C), with a leading axis T for an array of times.

    Raises:
        ValueError: shapes that do not fit, NaN, a kernel that is not positive semi-definite, or a missing kernel.
    """

    def __init__(
        self,
        ntk: Any,
        y: Any,
        cross_ntk: Any = None,
        nngp: Any = None,
        cross_nngp: Any = None,
        test_nngp: Any = None,
        f0: Any = 0.0,
        learning_rate: float | None = None,
        momentum: float = 0.0,
        ridge: float = 0.0,
    ):
        self.eigensystem = ntk if isinstance(ntk, Eigensystem) else eigensystem(ntk)
        n = self.n = len(self.eigensystem.values)
        self.y = as_targets(y, "y", n)
        self.cross_ntk = None if cross_ntk is None else as_matrix(cross_ntk, "cross_ntk", (None, n))
        n_test = None if self.cross_ntk is None else len(self.cross_ntk)
        self.nngp = None if nngp is None else as_matrix(nngp, "nngp", (n, n))
        self.cross_nngp = None if cross_nngp is None else as_matrix(cross_nngp, "cross_nngp", (n_test, n))
        self.test_nngp = None if test_nngp is None else as_matrix(test_nngp, "test_nngp", (n_test, n_test))
        self.learning_rate = None if learning_rate is None else number(learning_rate, "learning_rate", above=0)
        self.momentum = number(momentum, "momentum", least=0)
        self.ridge = number(ridge, "ridge", least=0)
        # What is rounding counts as 0, so that nothing grows out of it.
        resolution = self.eigensystem.resolution
        self._values = np.where(self.eigensystem.values > resolution, self.eigensystem.values, 0.0)
        rates = self._values + n * self.ridge
        self._rates = np.where(rates > resolution, rates, 0.0)
        if self.momentum >= 1 or (self.momentum and learning_rate is None):
            raise ValueError(
                f"momentum must be below 1 and comes with a learning rate; got momentum {momentum!r} and "
                f"learning_rate {learning_rate!r}. Give a step size, or momentum 0 for gradient flow."
            )
        self._f0, self._f0_test = self._initial_output(f0, n_test)
        self.coefficients = self.eigensystem.coefficients(self.y - self._f0)

    def _initial_output(self, f0: Any, n_test: int | None) -> tuple[Any, Any]:
        """Return f0 on training and test points; None where it was not given."""

        def outputs(value: Any, name: str, n: int) -> Any:
            value = as_targets(value, name, n)
            if value.shape[1] != self.y.shape[1]:
                raise ValueError(
                    f"{name} must have as many outputs as y, {self.y.shape[1]}; got {value.shape[1]}. Give both alike."
                )
            return value

        if isinstance(f0, tuple):
            if len(f0) != 2:
                raise ValueError(
                    f"A pair f0 must be the outputs on training and on test points; got {len(f0)} parts. Give two."
                )
            test = np.atleast_1d(as_array(f0[1], "f0 on test points"))
            return outputs(f0[0], "f0", self.n), outputs(test, "f0 on test points", n_test or len(test))
        f0 = as_array(f0, "f0")
        return (f0, f0) if f0.ndim == 0 else (outputs(f0, "f0", self.n), None)

    @property
    def max_learning_rate(self) -> float:
        r"""Largest stable step size, $2n(1+\beta)/(\lambda_{max} + n\delta)$; gradient descent diverges above it."""
        return float(2 * self.n * (1 + self.momentum) / self._rates[0]) if self._rates[0] > 0 else np.inf

    def decay(self, t: Any) -> np.ndarray:
        """Return what is left of each mode's initial error, d_i(t), (n,) or (T, n); without ridge's floor."""
        times, single = _as_times(t)
        decay = self._modes(times)[0]
        return decay[0] if single else decay

    def _modes(self, times: Times) -> tuple[np.ndarray, np.ndarray]:
        """Return d_i(t) and the gain (1 - d_i(t)) / (lambda_i + n delta), each (T, n).

        A mode whose eigenvalue is rounding has d = 1 and the gain t/n, which fades once a mode of the smallest
        eigenvalue that can be told from rounding would be learned: later values depend on digits that are not there,
        and at infinity the least-norm solution has none of it.
        """
        rates, n, finite = self._rates, self.n, np.isfinite(times)[:, None]
        now = np.where(finite, times[:, None], 0.0)
        stable = True
        with np.errstate(over="ignore", invalid="ignore"):
            if self.learning_rate is None:
                decay, gain = _gradient_flow(rates / n, now)
            else:
                step, count = self.learning_rate * rates / n, self._steps(now)
                stable = step < 2 * (1 + self.momentum)
                decay, gain = (
                    _heavy_ball(step, self.momentum, count) if self.momentum else _gradient_descent(step, count)
                )
                gain = self.learning_rate * gain
        null = rates == 0
        gain = gain / n * np.where(null, np.exp(-now * self.eigensystem.resolution / n), 1.0)
        safe = np.where(null, 1.0, rates)
        decay = np.where(finite, decay, np.where(null, 1.0, np.where(stable, 0.0, np.inf)))
        gain = np.where(finite, gain, np.where(null, 0.0, np.where(stable, 1.0 / safe, -np.inf)))
        if np.abs(decay).max(initial=0.0) > _DIVERGED:
            warnings.warn(
                f"Gradient descent diverges: the learning rate must be below {self.max_learning_rate:.3g}; got "
                f"{self.learning_rate:.3g}, with outputs and losses that overflow. Lower it.",
                RuntimeWarning,
                stacklevel=3,
            )
        return decay, gain

    def _steps(self, times: np.ndarray) -> np.ndarray:
        """Return the whole numbers of steps at finite `times`."""
        count = np.round(times / self.learning_rate)
        if count.max(initial=0.0) > _MOST_STEPS:
            raise ValueError(
                f"Times must be at most {_MOST_STEPS:g} steps of gradient descent, or infinity; got "
                f"{count.max():.3g} steps of {self.learning_rate:.3g}. Lower t, or raise the learning rate."
            )
        return count

    @_overflow_is_reported
    def train(self, t: Any) -> Float[np.ndarray, "*time n out_dim"]:
        """Return the mean output on the training points, (n, C) or (T, n, C)."""
        times, single = _as_times(t)
        learned = self._modes(times)[1] * self._values
        f = self._f0 + self.eigensystem.vectors @ (learned[:, :, None] * self.coefficients)
        return f[0] if single else f

    @_overflow_is_reported
    def test(self, t: Any) -> Float[np.ndarray, "*time n_test out_dim"]:
        """Return the mean output on the test points, (n', C) or (T, n', C); needs `cross_ntk`."""
        times, single = _as_times(t)
        if self._f0_test is None:
            raise ValueError("f0 on the test points is needed; got training points alone. Give f0=(f0, f0_test).")
        f = self._f0_test + self._cross_modes @ (self._modes(times)[1][:, :, None] * self.coefficients)
        return f[0] if single else f

    @cached_property
    def _cross_modes(self) -> np.ndarray:
        """Theta(X', X) v_i, (n', n)."""
        if self.cross_ntk is None:
            raise ValueError("Test points need cross_ntk = Theta(X', X); got None. Give it to LinearDynamics.")
        modes = self.cross_ntk @ self.eigensystem.vectors
        # A null mode is orthogonal to every row of a true kernel; what rounding leaves would grow with time.
        spectrum = self.eigensystem
        relative = spectrum.resolution / spectrum.values[0] if spectrum.values[0] > 0 else 0.0
        rounding = (self._values == 0) & (np.abs(modes) <= relative * np.abs(self.cross_ntk).max())
        return np.where(rounding, 0.0, modes)

    @_overflow_is_reported
    def train_loss(self, t: Any) -> Any:
        """Return the loss of the mean on the training points, 1/(2n) sum |f - y|^2: a float, or (T,)."""
        times, single = _as_times(t)
        left = 1.0 - self._modes(times)[1] * self._values
        loss = (left**2 @ (self.coefficients**2).sum(axis=1)) / (2 * self.n)
        return float(loss[0]) if single else loss

    @_overflow_is_reported
    def test_loss(self, t: Any, y_test: Any) -> Any:
        """Return the loss of the mean on the test points, 1/(2n') sum |f - y'|^2: a float, or (T,)."""
        f = self.test(t)
        y_test = as_targets(y_test, "y_test", f.shape[-2])
        if y_test.shape[1] != f.shape[-1]:
            raise ValueError(
                f"y_test must have {f.shape[-1]} outputs as y has; got {y_test.shape[1]}. Give both alike."
            )
        loss = ((f - y_test) ** 2).sum(axis=(-2, -1)) / (2 * len(y_test))
        return float(loss) if loss.ndim == 0 else loss

    @_overflow_is_reported
    def covariance(self, t: Any) -> Float[np.ndarray, "*time n_test n_test"]:
        r"""Return the ensemble's covariance over random initialisations, per output, (n', n') or (T, n', n').

        On test points when `cross_ntk` was given, else on the training points. With
        $M_t = \Theta(x, X) \sum_i v_i \frac{1 - d_i}{\lambda_i} v_i^T$ and $f_0 \sim GP(0, K)$,
        $Cov = K(x,x') - M_t K(X,x') - K(x,X) M_t^T + M_t K(X,X) M_t^T$ (Lee et al. 2019, eq. 16).
        """
        times, single = _as_times(t)
        on_train = self.cross_ntk is None
        kernels = (self.nngp,) * 3 if on_train else (self.nngp, self.cross_nngp, self.test_nngp)
        if any(kernel is None for kernel in kernels):
            raise ValueError(
                "A covariance needs nngp, and on test points cross_nngp and test_nngp; got None. "
                "Give LinearDynamics these NNGP kernels."
            )
        k_train, k_cross, k_self = cast(tuple[np.ndarray, np.ndarray, np.ndarray], kernels)
        vectors = self.eigensystem.vectors
        modes = vectors * self._values if on_train else self._cross_modes
        m = (modes[None] * self._modes(times)[1][:, None, :]) @ vectors.T
        cross = m @ k_cross.T
        covariance = k_self - cross - cross.swapaxes(-1, -2) + m @ k_train @ m.swapaxes(-1, -2)
        return covariance[0] if single else covariance
