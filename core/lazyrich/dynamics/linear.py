r"""Training of infinitely wide networks in function space: a linear ODE, solved in the kernel's eigenbasis.

With $\Theta = \sum_i \lambda_i v_i v_i^T$ on the training points, loss $\frac1{2n}\sum_i |f(x_i) - y_i|^2$ (mean over
points, sum over outputs) and gradient-flow time $t$ = learning rate x steps,

$$f_t(x) = f_0(x) + \Theta(x, X) \sum_i v_i \frac{1 - d_i(t)}{\lambda_i}\, v_i^T (y - f_0(X)),$$

where $d_i(t)$ is what is left of mode i: $e^{-\lambda_i t/n}$ for gradient flow, $(1 - \eta\lambda_i/n)^{t/\eta}$ for
gradient descent, a two-step recursion with momentum. Ridge $\delta$ (weight decay towards the initial weights) replaces
$\lambda_i$ by $\lambda_i + n\delta$ in $d_i$ and in the denominator. Source: Lee et al. 2019, eqs. 8-11 and 14-16.
"""

from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float

from .._checks import as_array, as_matrix, as_targets, number
from ..spectra import Eigensystem, eigensystem

Times = Float[np.ndarray, " time"]


def _as_times(t: Any) -> tuple[Times, bool]:
    """Return the times as a vector, and whether a single one was given."""
    try:
        times = np.asarray(t, dtype=np.float64)
    except (TypeError, ValueError):
        times = np.asarray(np.nan)
    if times.ndim > 1 or np.isnan(times).any() or (times < 0).any():
        raise ValueError(f"Times must be numbers of at least 0, or infinity, scalar or (T,); got {t!r}. Change t.")
    return np.atleast_1d(times), times.ndim == 0


def _powers(base: Any, exponent: Any) -> np.ndarray:
    """Return base ** exponent for whole exponents, with the limit at infinity."""
    with np.errstate(over="ignore", invalid="ignore"):
        sign = np.where((base < 0) & (np.mod(exponent, 2) == 1), -1.0, 1.0)
        return sign * np.abs(base) ** exponent


def _momentum_powers(step: np.ndarray, momentum: float, count: np.ndarray) -> np.ndarray:
    r"""What is left of each mode after `count` heavy-ball steps, (T, n).

    $r_{k+1} = (1 + \beta - a) r_k - \beta r_{k-1}$ with $a = \eta\lambda/n$ and $r_{-1} = r_0 = 1$: powers of a 2 x 2
    matrix, by repeated squaring, since its eigenvalues may coincide.
    """
    one = np.eye(2)
    matrix = np.zeros((*step.shape, 2, 2))
    matrix[..., 0, 0], matrix[..., 0, 1], matrix[..., 1, 0] = 1 + momentum - step, -momentum, 1.0
    result = np.broadcast_to(one, (len(count), *matrix.shape))
    left = count.astype(np.int64)
    with np.errstate(over="ignore", invalid="ignore"):
        while left.any():
            odd = (left % 2 == 1)[:, None, None, None]
            result = np.where(odd, result @ matrix, result)
            matrix, left = matrix @ matrix, left // 2
    return result[..., 0, :].sum(axis=-1)


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
        if self.momentum >= 1 or (self.momentum and learning_rate is None):
            raise ValueError(
                f"momentum must be below 1 and comes with a learning rate; got momentum {momentum!r} and "
                f"learning_rate {learning_rate!r}. Give a step size, or momentum 0 for gradient flow."
            )
        self._f0, self._f0_test = self._initial_output(f0, n_test)
        self.coefficients = self.eigensystem.coefficients(self.y - self._f0)

    def _initial_output(self, f0: Any, n_test: int | None) -> tuple[Any, Any]:
        """Return f0 on training and test points; None where it was not given."""
        if isinstance(f0, tuple):
            train, test = f0
            return as_targets(train, "f0", self.n), as_targets(test, "f0 on test points", n_test or len(test))
        f0 = as_array(f0, "f0")
        return (f0, f0) if f0.ndim == 0 else (as_targets(f0, "f0", self.n), None)

    @property
    def _rates(self) -> np.ndarray:
        return self.eigensystem.values + self.n * self.ridge

    @property
    def max_learning_rate(self) -> float:
        r"""Largest stable step size, $2n(1+\beta)/(\lambda_{max} + n\delta)$; gradient descent diverges above it."""
        return float(2 * self.n * (1 + self.momentum) / self._rates[0])

    def decay(self, t: Any) -> np.ndarray:
        """Return what is left of each mode's initial error, d_i(t), (n,) or (T, n); without ridge's floor."""
        times, single = _as_times(t)
        decay = self._decay(times)
        return decay[0] if single else decay

    def _decay(self, times: Times) -> np.ndarray:
        rates, finite = self._rates, np.isfinite(times)
        learned = rates > self.eigensystem.resolution
        if self.learning_rate is None:
            decay = np.exp(-np.where(finite, times, 0.0)[:, None] * rates[None, :] / self.n)
            return np.where(finite[:, None], decay, np.where(learned, 0.0, 1.0)[None, :])
        step = self.learning_rate * rates / self.n
        count = np.where(finite, np.round(times / self.learning_rate), 0.0)
        if self.momentum:
            decay = _momentum_powers(step, self.momentum, count)
        else:
            decay = _powers(1.0 - step[None, :], count[:, None])
        stable = self.learning_rate * rates < self.max_learning_rate * self._rates[0]
        limit = np.where(learned, np.where(stable, 0.0, np.inf), 1.0)
        return np.where(finite[:, None], decay, limit[None, :])

    def _gain(self, times: Times) -> np.ndarray:
        """Return (1 - d_i(t)) / rate_i, (T, n); its limit t/n where the rate is too small to divide by."""
        rates = self._rates
        finite_times = np.where(np.isfinite(times), times, 0.0)[:, None]
        small = np.abs(rates)[None, :] * finite_times / self.n < 1e-5
        null = rates <= self.eigensystem.resolution
        safe = np.where(rates == 0, 1.0, rates)[None, :]
        if self.learning_rate is None:
            gain = -np.expm1(-finite_times * rates[None, :] / self.n) / safe
            gain = np.where(rates[None, :] == 0, finite_times / self.n, gain)
        else:
            gain = (1.0 - self._decay(times)) / safe
            gain = np.where(small & null[None, :], finite_times / self.n, gain)
        at_end = np.where(null[None, :], 0.0, (1.0 - self._decay(times)) / safe)
        return np.where(np.isfinite(times)[:, None], gain, at_end)

    def train(self, t: Any) -> Float[np.ndarray, "*time n out_dim"]:
        """Return the mean output on the training points, (n, C) or (T, n, C)."""
        times, single = _as_times(t)
        learned = self._gain(times) * self.eigensystem.values[None, :]
        f = self._f0 + self.eigensystem.vectors @ (learned[:, :, None] * self.coefficients)
        return f[0] if single else f

    def test(self, t: Any) -> Float[np.ndarray, "*time n_test out_dim"]:
        """Return the mean output on the test points, (n', C) or (T, n', C); needs `cross_ntk`."""
        times, single = _as_times(t)
        if self._f0_test is None:
            raise ValueError("f0 on the test points is needed; got training points alone. Give f0=(f0, f0_test).")
        f = self._f0_test + self._cross_modes @ (self._gain(times)[:, :, None] * self.coefficients)
        return f[0] if single else f

    @cached_property
    def _cross_modes(self) -> np.ndarray:
        """Theta(X', X) v_i, (n', n)."""
        if self.cross_ntk is None:
            raise ValueError("Test points need cross_ntk = Theta(X', X); got None. Give it to LinearDynamics.")
        return self.cross_ntk @ self.eigensystem.vectors

    def train_loss(self, t: Any) -> Any:
        """Return the loss of the mean on the training points, 1/(2n) sum |f - y|^2: a float, or (T,)."""
        times, single = _as_times(t)
        left = 1.0 - self._gain(times) * self.eigensystem.values[None, :]
        loss = (left**2 @ (self.coefficients**2).sum(axis=1)) / (2 * self.n)
        return float(loss[0]) if single else loss

    def test_loss(self, t: Any, y_test: Any) -> Any:
        """Return the loss of the mean on the test points, 1/(2n') sum |f - y'|^2: a float, or (T,)."""
        f = self.test(t)
        y_test = as_targets(y_test, "y_test", f.shape[-2])
        if y_test.shape[1] != f.shape[-1]:
            raise ValueError(f"y_test must have {f.shape[-1]} outputs as y has; got {y_test.shape[1]}. Give both alike.")
        loss = ((f - y_test) ** 2).sum(axis=(-2, -1)) / (2 * len(y_test))
        return float(loss) if loss.ndim == 0 else loss

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
        k_train, k_cross, k_self = kernels
        vectors = self.eigensystem.vectors
        modes = vectors * self.eigensystem.values if on_train else self._cross_modes
        m = (modes[None] * self._gain(times)[:, None, :]) @ vectors.T
        cross = m @ k_cross.T
        covariance = k_self - cross - cross.swapaxes(-1, -2) + m @ k_train @ m.swapaxes(-1, -2)
        return covariance[0] if single else covariance
