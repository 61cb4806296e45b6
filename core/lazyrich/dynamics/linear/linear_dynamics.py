r"""Training of infinitely wide networks in function space: a linear ODE, solved in the kernel's eigenbasis.

With $\Theta = \sum_i \lambda_i v_i v_i^T$ on the training points, loss $\frac1{2n}\sum_i |f(x_i) - y_i|^2$ (mean over
points, sum over outputs) and gradient-flow time $t$ = learning rate x steps,

$$f_t(x) = f_0(x) + \Theta(x, X) \sum_i v_i \frac{1 - d_i(t)}{\lambda_i}\, v_i^T (y - f_0(X)),$$

where $d_i(t)$ is what is left of mode i: $e^{-\lambda_i t/n}$ for gradient flow, $(1 - \eta\lambda_i/n)^{t/\eta}$ for
gradient descent, a two-step recursion with momentum and a damped oscillator in its continuous limit. Ridge $\delta$
(weight decay towards the initial weights) replaces $\lambda_i$ by $\lambda_i + n\delta$ in $d_i$ and below the line.
Source: Lee et al. 2019, eqs. 8-11 and 14-16. `gains` says what becomes of eigenvalues that are rounding.
"""

import warnings
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from ..._checks import traceable_number
from ..._float64 import float64, is_traced
from .early_stopping import EarlyStopping, minimise
from .ensembles import Ensembles, TestEnsemble, TrainEnsemble
from .errors import TestErrors, shares
from .gains import Gains, diverged, rates
from .labels import label
from .modes import namespace
from .optimizer import OVERFLOW, Optimizer, Stability
from .problem import as_outputs, as_times, check_problem
from .responses import Responses, products

_overflow_is_reported = np.errstate(over="ignore", invalid="ignore")


class LinearDynamics:
    r"""Mean, covariance and losses of an infinitely wide network at any training time.

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
        momentum: heavy-ball momentum beta in [0, 1); needs a learning rate.
        ridge: delta >= 0, not divided by n.
        continuous: with a learning rate, solve $\eta \ddot f + (1 - \beta) \dot f = -\nabla$, the differential equation
            of which heavy-ball steps are the discretisation, in place of the steps.

    Times `t` are gradient-flow times (learning rate x steps): a scalar or an array (T,), infinity included. Results
    have shape (n, C), with a leading axis T for an array of times. A step size above `max_learning_rate` is allowed:
    `stability` then says that training diverges, and when outputs and losses become infinite.

    Under `jax.jit`, `jax.vmap` and `jax.grad` any array or number may be traced, times included, and so are the
    results; numbers are not checked then. Derivatives in a kernel given as a matrix exist where eigenvalues are equal
    too. Times that are rounded to steps have the derivative 0.

    Raises:
        ValueError: shapes that do not fit, NaN, a kernel that is not positive semi-definite, or a missing kernel.
    """

    @float64
    def __init__(
        self,
        ntk: Any,
        y: Any,
        cross_ntk: Any = None,
        nngp: Any = None,
        cross_nngp: Any = None,
        test_nngp: Any = None,
        f0: Any = 0.0,
        learning_rate: Any = None,
        momentum: Any = 0.0,
        ridge: Any = 0.0,
        continuous: bool = False,
    ):
        problem = check_problem(ntk, y, cross_ntk, nngp, cross_nngp, test_nngp, f0)
        self.eigensystem, self.y, self._f0, self._f0_test = problem.system, problem.y, problem.f0, problem.f0_test
        self.cross_ntk, self.nngp = problem.cross_ntk, problem.nngp
        self.cross_nngp, self.test_nngp = problem.cross_nngp, problem.test_nngp
        self.n = len(self.y)
        self.optimizer = Optimizer.of(learning_rate, momentum, continuous)
        self.ridge = traceable_number(ridge, "ridge", least=0)
        self.coefficients = self.eigensystem.vectors.T @ (self.y - self._f0)
        self._kernel = Responses(self.eigensystem, problem.ntk, self.optimizer, self.ridge, self.cross_ntk)
        self._start = (self.y - self._f0).T @ self._kernel.basis
        self._ensembles = Ensembles(self._kernel, self.nngp, self.cross_nngp, self.test_nngp)
        self._test_errors = TestErrors(self._kernel, self._start)

    @property
    @float64
    def max_learning_rate(self) -> Any:
        r"""Largest stable step size, $2n(1+\beta)/(\lambda_{max} + n\delta)$; gradient descent diverges above it."""
        top = rates(self.eigensystem, self.ridge)[0]
        xp = namespace(top, self.optimizer)
        largest = xp.where(top > 0, self.optimizer.largest_step * self.n / xp.where(top > 0, top, 1.0), np.inf)
        return largest if is_traced(largest) else float(largest)

    @property
    def stability(self) -> Stability:
        """Whether training converges and, if not, when it overflows; `str` of it is a sentence."""
        return self.optimizer.stability(float(rates(self.eigensystem, self.ridge)[0]) / self.n)

    @float64
    @_overflow_is_reported
    def decay(self, t: Any) -> Float[np.ndarray | Array, "*time n"]:
        """Return what is left of each mode's initial error, d_i(t), (n,) or (T, n); without ridge's floor."""
        modes, single = self._modes(t)
        decay = modes.decay
        return _result(namespace(decay).where(abs(decay) > OVERFLOW, np.inf, decay), single)

    @float64
    @_overflow_is_reported
    def train(self, t: Any) -> Float[np.ndarray | Array, "*time n out_dim"]:
        """Return the mean output on the training points, (n, C) or (T, n, C)."""
        modes, single = self._modes(t)
        moved = products(self._kernel.learned(modes, self._start), self._kernel.train_modes)
        return _result(diverged(self._f0[None] + moved.swapaxes(1, 2), modes), single)

    @float64
    @_overflow_is_reported
    def test(self, t: Any) -> Float[np.ndarray | Array, "*time n_test out_dim"]:
        """Return the mean output on the test points, (n', C) or (T, n', C); needs `cross_ntk`."""
        modes, single = self._modes(t)
        moved = products(self._kernel.learned(modes, self._start), self._kernel.cross_modes)
        return _result(diverged(self._test_start[None] + moved.swapaxes(1, 2), modes), single)

    @float64
    @_overflow_is_reported
    def train_loss(self, t: Any) -> Any:
        """Return the loss of the mean on the training points, 1/(2n) sum |f - y|^2: a float, or (T,)."""
        modes, single = self._modes(t)
        if self._kernel.kernel is None:
            squares = modes.left**2 @ (self.coefficients**2).sum(axis=1)
        else:
            squares = (self._kernel.left(modes, self._start) ** 2).sum(axis=(1, 2))
        return _result(diverged(squares / (2 * self.n), modes), single)

    @float64
    @_overflow_is_reported
    def train_loss_by_mode(self, t: Any) -> Float[np.ndarray | Array, "*time n"]:
        """Return each mode's share of the training loss, (n,) or (T, n); they add up to `train_loss`."""
        modes, single = self._modes(t)
        return _result(self._by_mode(modes), single)

    @float64
    @_overflow_is_reported
    def test_loss(self, t: Any, y_test: Any) -> Any:
        """Return the loss of the mean on the test points, 1/(2n') sum |f - y'|^2: a float, or (T,)."""
        modes, single = self._modes(t)
        return _result(self._test_loss(modes, self._as_test_targets(y_test)), single)

    @float64
    def early_stopping(self, y_test: Any) -> EarlyStopping:
        """Return the time of the smallest test loss, that loss, and whether it is at the start, the end or between.

        The minimum is over a grid of 400 log-spaced times, then refined to 1e-9 of the time; for gradient descent over
        whole steps.

        Raises:
            ValueError: missing test points, or targets that do not fit them.
        """
        y_test = self._as_test_targets(y_test)
        rate = rates(self.eigensystem, self.ridge) / self.n

        @_overflow_is_reported
        def loss(times: np.ndarray) -> np.ndarray:
            return self._test_loss(self._kernel.at(times), y_test)

        return minimise(loss, *self.optimizer.time_scales(rate[rate > 0]), self.optimizer.step)

    @float64
    @_overflow_is_reported
    def covariance(self, t: Any, points: str | None = None) -> Float[np.ndarray | Array, "*time m m"]:
        """Return the ensemble's covariance over random initialisations, per output, (m, m) or (T, m, m).

        Args:
            t: times.
            points: train or test; None means test where `cross_ntk` was given, else train.

        Source: Lee et al. 2019, eq. 16; see `ensembles`.

        Raises:
            ValueError: a kernel that is needed and was not given, or times that are none.
        """
        modes, single = self._modes(t)
        return _result(diverged(self._ensemble(points).covariance(modes), modes), single)

    @float64
    @_overflow_is_reported
    def variance(self, t: Any, points: str | None = None) -> Float[np.ndarray | Array, "*time m"]:
        """Return the diagonal of `covariance` without the rest of it, (m,) or (T, m); arguments are the same."""
        modes, single = self._modes(t)
        return _result(diverged(self._ensemble(points).variance(modes), modes), single)

    @float64
    @_overflow_is_reported
    def mean_variance(self, t: Any, points: str | None = None) -> Any:
        """Return the mean of `variance` over the points: a float, or (T,); arguments are the same.

        It is what `expected_losses` adds to the loss of the mean, for the price of that.
        """
        modes, single = self._modes(t)
        return _result(diverged(self._ensemble(points).mean_variance(modes), modes), single)

    def dataset(self, t: Any, y_test: Any = None) -> xr.Dataset:
        """Return all that is known at the times, labelled; `lazyrich.save` writes it.

        Args:
            t: times, (T,) or a scalar.
            y_test: targets of the test points, for `test_loss`.

        Returns:
            `train_loss`, `train_loss_by_mode`, `f_train`, and where there are kernels for them `f_test`, `test_loss`,
            `variance_train` and `variance_test`, over `time`; the settings and the `stability` in `attrs`.
        """
        return label(self, as_times(t)[0], y_test)

    def _modes(self, t: Any) -> tuple[Gains, bool]:
        """Return the modes at times `t`, and whether a single one was given; say so if one has overflowed."""
        times, single = as_times(t)
        modes = self._kernel.at(times)
        if not is_traced(modes) and modes.overflows.any():
            # From here to who called the public method: this one, that, and its two decorators.
            warnings.warn(str(self.stability), RuntimeWarning, stacklevel=5)
        return modes, single

    @property
    def _test_start(self) -> Any:
        """f0 on the test points, (n', C)."""
        if self._f0_test is None:
            raise ValueError("f0 on the test points is needed; got training points alone. Give f0=(f0, f0_test).")
        shape = len(self._kernel.cross_modes), self.y.shape[1]
        return namespace(self._f0_test).broadcast_to(self._f0_test, shape)

    def _as_test_targets(self, y_test: Any) -> Any:
        return as_outputs(y_test, "y_test", len(self._kernel.cross_modes), self.y.shape[1])

    def _by_mode(self, modes: Gains) -> Any:
        return shares(modes.left, (self.coefficients**2).sum(axis=1)) / (2 * self.n)

    def _test_loss(self, modes: Gains, y_test: Any) -> Any:
        error = (self._test_start - y_test).T
        return diverged(self._test_errors.squares(modes, error) / (2 * len(y_test)), modes)

    def _ensemble(self, points: Any) -> TrainEnsemble | TestEnsemble:
        default = "train" if self.cross_ntk is None else "test"
        return self._ensembles.on(default if points is None else points)


def _result(values: Any, single: bool) -> Any:
    """Return what was asked for: all times or the single one, whose loss is a float unless it is traced."""
    values = values[0] if single else values
    return float(values) if values.ndim == 0 and not is_traced(values) else values
