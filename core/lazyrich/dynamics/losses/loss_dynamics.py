r"""Training of infinitely wide networks in function space with any loss, on training and test points.

With the mean loss $\frac1n \sum_i L(f(x_i), y_i)$, gradient-flow time and ridge $\delta$ (weight decay towards the
initial weights),

$$\dot f(x) = -\frac1n \Theta(x, X)\, \nabla L(f(X), y) - \delta\,(f(x) - f_0(x)) .$$

Source: Lee et al. 2019, "Wide neural networks of any depth evolve as linear models under gradient descent", eq. 7.
Smooth losses go through an adaptive solver (gradient_flow.py), the hinge loss through its exact solution (hinge.py).
The losses and their targets are in point_losses.py. For the squared loss `LinearDynamics` has closed forms.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from ..._checks import as_array, as_matrix, as_numbers, as_targets, number
from ..._float64 import float64, is_traced
from ...results import labelled
from .hinge import exact_hinge
from .point_losses import Loss
from .weight_basis import Basis, weight_basis

# For t = infinity the flow goes on for this many times of its slowest mode,
_LONG = 100.0
# and is at rest if by its last speed it would move this part of its way in as much time again.  A loss that is never
# at rest, as the cross-entropy of separable data with f ~ log t, has 1/log t there.
_AT_REST = 1e-4


class _Start(NamedTuple):
    """Outputs at t = 0 on training and test points (None without test points), and all targets."""

    f: Any
    f_test: Any
    y: Any
    y_test: Any


def _start(loss: Loss, y: Any, f0: Any, y_test: Any, n: int, n_test: int | None) -> _Start:
    """Return f0 and targets, once they fit the kernels, each other and the loss."""
    if isinstance(f0, tuple) and len(f0) != 2:
        raise ValueError(
            f"A pair f0 must be the outputs on training and on test points; got {len(f0)} parts. Give two."
        )
    first = as_array(f0[0] if isinstance(f0, tuple) else f0, "f0")
    first = first if first.ndim == 0 else as_targets(first, "f0", n)
    y = loss.targets(y, "y", n, first.shape[1] if first.ndim else None)
    out_dim = y.shape[1]
    first = jnp.broadcast_to(first, (n, out_dim))
    if n_test is None:
        if y_test is not None:
            raise ValueError("y_test needs cross_ntk = Theta(X', X); got None. Give both or neither.")
        return _Start(first, None, y, None)
    if not isinstance(f0, tuple) and np.ndim(f0) > 0:
        raise ValueError("f0 on the test points is needed; got training points alone. Give f0=(f0, f0_test).")
    second = as_array(f0[1] if isinstance(f0, tuple) else f0, "f0 on test points")
    second = second if second.ndim == 0 else as_targets(second, "f0 on test points", n_test)
    if second.ndim and second.shape[1] != out_dim:
        raise ValueError(f"f0 on test points must have {out_dim} outputs; got {second.shape[1]}. Give both alike.")
    y_test = None if y_test is None else loss.targets(y_test, "y_test", n_test, out_dim)
    return _Start(first, jnp.broadcast_to(second, (n_test, out_dim)), y, y_test)


def _times(t: Any) -> Any:
    """Return the times, a scalar or a vector."""
    times = as_numbers(t, "t")
    if times.ndim > 1 or times.size == 0 or (not is_traced(times) and not (times >= 0).all()):
        raise ValueError(f"Times must be numbers of at least 0, or infinity, scalar or (T,); got {t!r}. Change t.")
    return times


def _smooth(loss: Loss, basis: Basis, start: _Start, cross_ntk: Any, ridge: Any, times: Any, tolerances: Any) -> Any:
    """Return f (T, n, C), f_test (or None) and how they were solved for."""
    from . import gradient_flow  # Diffrax takes 0.9 s to import, which nothing else needs.

    n = len(start.y)
    kappa = jnp.where(basis.largest > 0, jnp.sqrt(jnp.sum(basis.decode**2) / n), 1.0)
    fastest, slowest = basis.largest / n, basis.least / n
    problem = gradient_flow.Problem(
        loss.value, basis.decode / kappa, basis.encode * kappa, start.f, start.y, ridge, fastest, slowest
    )
    settled = _LONG / (ridge + slowest)
    now = jnp.where(jnp.isfinite(times), times, 0.0)
    now = jnp.where(jnp.isfinite(times), times, jnp.maximum(settled, now.max()))
    # One more stop, from where on the solver may find the flow at rest.
    stops = jnp.append(now, jnp.minimum(settled, now.max()))
    order = jnp.argsort(stops)
    method, path = gradient_flow.integrate(problem, stops[order], tolerances)
    if not is_traced(path):
        _check(path, stops[order], bool(jnp.isinf(times).any()))
    z = path.z[jnp.argsort(order)[:-1]]
    f = start.f[None] + jnp.einsum("nm,tmc->tnc", problem.decode, z)
    f_test = None
    if cross_ntk is not None:
        f_test = start.f_test[None] + jnp.einsum("nm,tmc->tnc", cross_ntk @ basis.inverse / kappa, z)
    return f, f_test, {"method": method, "steps": path.steps}


def _check(path: Any, times: Any, endless: bool) -> None:
    """Say so where the solver stopped early, or an endless flow does not come to rest."""
    if not path.reached.all():
        reached = float(np.max(times, where=np.asarray(path.reached), initial=0.0))
        raise ValueError(
            f"The flow must be solved up to t = {times.max():.3g}; got as far as t = {reached:.3g}, where it needs "
            "too many steps or the loss's gradient is no number. Lower t, or raise the ridge or the tolerances."
        )
    way, more = jnp.linalg.norm(path.z[-1]), path.speed * times.max()
    if endless and not path.resting and more > _AT_REST * way:
        raise ValueError(
            f"At t = infinity the flow must come to rest; got one that after t = {times.max():.3g} would go on by "
            f"{more / way:.2g} of its way in as much time again. Give a ridge above 0, or finite times."
        )


@float64
def loss_dynamics(
    ntk: Any,
    y: Any,
    t: Any,
    *,
    loss: Any = "cross_entropy",
    cross_ntk: Any = None,
    y_test: Any = None,
    f0: Any = 0.0,
    ridge: Any = 0.0,
    huber_delta: Any = 1.0,
    rtol: float = 1e-7,
    atol: float = 1e-7,
) -> Any:
    r"""Return the outputs, losses and accuracies of an infinitely wide network that is trained with any loss.

    Args:
        ntk: training kernel Theta(X, X), (n, n), or its `Eigensystem`.
        y: targets, (n, C) or (n,): numbers for squared, huber and a function of yours; class numbers (n,) or rows of
            probabilities (n, C) for cross_entropy; labels -1 and 1, or 0 and 1, for logistic, hinge and squared_hinge,
            whose outputs are summed.
        t: gradient-flow times, a scalar or (T,), in any order, infinity included where the flow has a limit.
        loss: squared, huber, cross_entropy, logistic, squared_hinge or hinge; or a function of the outputs f (C,) and
            targets y (C,) of one point, made of JAX operations, that returns a number. Another function is compiled
            anew, and so are other shapes, but no other values.
        cross_ntk: Theta(X', X), (n', n), for test points.
        y_test: their targets.
        f0: output at t = 0: a number, an array (n, C), or the pair of those on training and test points.
        ridge: delta >= 0, not divided by n. With it the hinge loss ends in the support vector machine without bias of
            C = 1/(n delta).
        huber_delta: the distance from which the Huber loss is linear.
        rtol: local error a step, relative to each mode.
        atol: local error a step, in units of the output. The hinge loss's flow is exact and knows no tolerances.

    Returns:
        A Dataset with `train_loss` (time), a mean over points; `f_train` (time, train_point, output);
        `train_accuracy` (time) where the loss has classes; `f_test` with `cross_ntk`, `test_loss` and `test_accuracy`
        with `y_test`. Without the dimension time for a scalar t. Under a JAX transformation, where an xarray Dataset
        cannot be, a dictionary of the same names.

    Raises:
        ValueError: arguments that do not fit, a kernel that is not positive semi-definite, labels that the loss does
            not know, times that take too many steps, or t = infinity of a flow without a limit.
    """
    known, times = Loss.of(loss, huber_delta), _times(t)
    delta = ridge if is_traced(ridge) else number(ridge, "ridge", least=0)
    tolerances = np.array([number(rtol, "rtol", above=0), number(atol, "atol", above=0)])
    basis = weight_basis(ntk)
    n = len(basis.decode)
    cross_ntk = None if cross_ntk is None else as_matrix(cross_ntk, "cross_ntk", (None, n))
    start = _start(known, y, f0, y_test, n, None if cross_ntk is None else len(cross_ntk))
    known.check(start.f, start.y)
    if known.name == "hinge":
        f, f_test, how = exact_hinge(ntk, start, cross_ntk, delta, np.atleast_1d(times))
    else:
        f, f_test, how = _smooth(known, basis, start, cross_ntk, delta, jnp.atleast_1d(times), tolerances)
    variables = {"f_train": f} | known.measures(f, start.y, "train")
    if f_test is not None:
        variables |= {"f_test": f_test} | known.measures(f_test, start.y_test, "test")
    variables = variables if times.ndim else {name: value[0] for name, value in variables.items()}
    if is_traced(variables):
        return variables
    attributes = {"loss": known.name, "ridge": delta, "rtol": rtol, "atol": atol}
    attributes |= {"huber_delta": float(huber_delta)} if known.name == "huber" else {}
    return _labelled(variables, times, attributes | jax.tree.map(_plain, how))


def _plain(value: Any) -> Any:
    return value if isinstance(value, str) else int(value)


def _labelled(variables: Any, times: Any, attributes: dict[str, Any]) -> xr.Dataset:
    """Return the Dataset; what the losses are depends on the settings."""
    leading = ("time",) if times.ndim else ()
    result = labelled(variables, leading, {"time": times}, **attributes)
    for name in {"train_loss", "test_loss"} & set(result):
        points = name.split("_")[0]
        result[name].attrs["long_name"] = f"mean over the {points} points of the loss {attributes['loss']}"
    return result
