"""What linear dynamics are given, once checked: kernels, targets and the outputs before training."""

from typing import Any, NamedTuple

import jax
import numpy as np

from ..._checks import as_array, as_matrix, as_numbers, as_targets
from ..._float64 import as_double, is_traced
from ...spectra import Eigensystem, eigensystem


class Problem(NamedTuple):
    """Checked arrays in double precision.

    Attributes:
        system: of the training kernel.
        ntk: the training kernel itself, only where it is traced.
        y: targets, (n, C).
        cross_ntk: Theta(X', X), (n', n), or None, as the following.
        nngp: K(X, X), (n, n).
        cross_nngp: K(X', X), (n', n).
        test_nngp: K(X', X'), (n', n').
        f0: outputs before training, (n, C).
        f0_test: those on the test points, a number or (n', C); None where they were not given.
    """

    system: Eigensystem
    ntk: Any
    y: Any
    cross_ntk: Any
    nngp: Any
    cross_nngp: Any
    test_nngp: Any
    f0: Any
    f0_test: Any


def check_problem(
    ntk: Any, y: Any, cross_ntk: Any, nngp: Any, cross_nngp: Any, test_nngp: Any, f0: Any
) -> Problem:  # fmt: skip
    """Return the arguments of `LinearDynamics` as it works with them.

    Raises:
        ValueError: shapes that do not fit, numbers that are not finite, or a kernel that is none.
    """
    system = _system(ntk)
    # Symmetrised as its eigensystem is, so that derivatives are symmetric.
    kernel = as_double(ntk + ntk.T) / 2 if is_traced(ntk) and not isinstance(ntk, Eigensystem) else None
    n = len(system.values)
    y = as_double(as_targets(y, "y", n))
    cross = _matrix(cross_ntk, "cross_ntk", None, n)
    n_test = None if cross is None else len(cross)
    on_train, on_test = _initial_outputs(f0, y.shape, n_test)
    return Problem(
        system,
        kernel,
        y,
        cross,
        _matrix(nngp, "nngp", n, n),
        _matrix(cross_nngp, "cross_nngp", n_test, n),
        _matrix(test_nngp, "test_nngp", n_test, n_test),
        on_train,
        on_test,
    )


def _system(ntk: Any) -> Eigensystem:
    if isinstance(ntk, Eigensystem):
        return ntk
    if is_traced(ntk):
        return eigensystem(ntk)
    # Where something else is traced, known numbers are decomposed once, while tracing.
    with jax.ensure_compile_time_eval():
        return eigensystem(ntk)


def _matrix(value: Any, name: str, rows: int | None, columns: int | None) -> Any:
    return None if value is None else as_double(as_matrix(value, name, (rows, columns)))


def as_outputs(value: Any, name: str, n: int, outputs: int) -> Any:
    """Return `value` as (n, outputs), as many as `y` has."""
    value = as_double(as_targets(value, name, n))
    if value.shape[1] != outputs:
        raise ValueError(f"{name} must have {outputs} outputs as y has; got {value.shape[1]}. Give both alike.")
    return value


def _initial_outputs(f0: Any, shape: tuple[int, int], n_test: int | None) -> tuple[Any, Any]:
    """Return f0 on training points, and on test points or None."""
    if not isinstance(f0, tuple):
        f0 = as_double(as_array(f0, "f0"))
        if f0.ndim == 0:
            return f0.__array_namespace__().broadcast_to(f0, shape), f0
        return as_outputs(f0, "f0", *shape), None
    if len(f0) != 2:
        raise ValueError(
            f"A pair f0 must be the outputs on training and on test points; got {len(f0)} parts. Give two."
        )
    test = as_array(f0[1], "f0 on test points")
    test = test if test.ndim else test[None]
    rows = len(test) if n_test is None else n_test
    return as_outputs(f0[0], "f0", *shape), as_outputs(test, "f0 on test points", rows, shape[1])


def as_times(t: Any) -> tuple[Any, bool]:
    """Return the times as a vector, and whether a single one was given; the values of traced ones are not checked."""
    times = as_numbers(t, "t")
    if times.ndim > 1 or (not is_traced(times) and (np.isnan(times).any() or (times < 0).any())):
        raise ValueError(f"Times must be numbers of at least 0, or infinity, scalar or (T,); got {t!r}. Change t.")
    return as_double(times).reshape(-1), times.ndim == 0
