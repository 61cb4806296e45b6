r"""Self-distillation of kernel ridge regression: each round fits a mixture of the targets and the last round's outputs.

With targets y, ridge $\delta$ and the weight $\alpha$ of the true targets,

$$f_t = K (K + \delta I)^{-1} (\alpha y + (1 - \alpha) f_{t-1}), \qquad t = 1, 2, \ldots$$

From $f_0 = y$ the first round is ridge regression. In the limit $f = K(K + \delta I)^{-1}(\alpha y + (1 - \alpha) f)$,
so $(\alpha K + \delta I) K^{-1} f = \alpha y$: again ridge regression, with the larger ridge $\delta/\alpha$; at
$\alpha = 0$ everything is forgotten. Source: Borup & Andersen 2021, "Even your teacher needs guidance".
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._checks import as_matrix, as_targets, number, whole
from .._float64 import float64, is_traced
from ..spectra import eigensystem


class Distillation(NamedTuple):
    """Outputs of each round, the first being ridge regression, and those of infinitely many; in the targets' units."""

    train: Float[np.ndarray | Array, "rounds n out_dim"]
    train_limit: Float[np.ndarray | Array, "n out_dim"]
    test: Float[np.ndarray | Array, "rounds n_test out_dim"] | None
    test_limit: Float[np.ndarray | Array, "n_test out_dim"] | None


@partial(jax.jit, static_argnames="rounds")
def _coefficients(kernel, y, ridge, weight, rounds: int):
    r"""Return $(K + \delta I)^{-1}$ applied to each round's targets, and that of the limit."""
    identity = jnp.eye(len(y))
    factor = jax.scipy.linalg.cho_factor(kernel + ridge * identity)

    def fit(targets, _):
        solution = jax.scipy.linalg.cho_solve(factor, targets)
        return weight * y + (1 - weight) * kernel @ solution, solution

    limit = weight * jax.scipy.linalg.cho_solve(jax.scipy.linalg.cho_factor(weight * kernel + ridge * identity), y)
    return jax.lax.scan(fit, y, None, length=rounds)[1], limit


def _checked(kernel: Any, ridge: Any) -> Any:
    """Return the ridge, once kernel + ridge I is known to be positive definite."""
    ridge = ridge if is_traced(ridge) else number(ridge, "ridge", above=0)
    if is_traced(kernel):
        return ridge
    system = eigensystem(kernel)
    if not is_traced(ridge) and system.values[-1] + ridge <= system.resolution:
        raise ValueError(
            f"kernel + ridge I must be positive definite beyond rounding; got the ridge {ridge:.3g} beside a smallest "
            f"eigenvalue of {system.values[-1]:.3g} and a largest one of {system.values[0]:.3g}. Give a larger ridge."
        )
    return ridge


@float64
def self_distillation(
    kernel: Any, y: Any, *, rounds: int, ridge: Any, target_weight: Any = 0.0, cross_kernel: Any = None
) -> Distillation:
    """Return the outputs of rounds of self-distillation, on training and test points.

    Arrays, ridge and weight may be traced and have derivatives; only the number of rounds and shapes compile.

    Args:
        kernel: K(X, X), symmetric positive semi-definite, (n, n).
        y: targets, (n, C); a vector means C = 1.
        rounds: how many, at least 1.
        ridge: delta above 0, in the kernel's units, not divided by n.
        target_weight: alpha from 0 to 1, the share of the true targets from the second round on.
        cross_kernel: K(X', X), (n', n), for outputs on test points.

    Returns:
        `.train` (rounds, n, C), `.train_limit` (n, C); `.test` and `.test_limit` on test points, or None.

    Raises:
        ValueError: shapes that do not fit, an argument out of its range, or a kernel that is not positive
            semi-definite.
    """
    matrix = as_matrix(kernel, "kernel", (None, None))
    ridge, y = _checked(kernel, ridge), as_targets(y, "y", len(matrix))
    cross = None if cross_kernel is None else as_matrix(cross_kernel, "cross_kernel", (None, len(y)))
    if not is_traced(target_weight) and number(target_weight, "target_weight", least=0) > 1:
        raise ValueError(f"target_weight must be at most 1; got {target_weight!r}. Give the share of the targets.")
    solutions, limit = _coefficients(matrix, y, ridge, target_weight, whole(rounds, "rounds", 1))
    test = (None, None) if cross is None else (cross @ solutions, cross @ limit)
    return Distillation(matrix @ solutions, matrix @ limit, *test)
