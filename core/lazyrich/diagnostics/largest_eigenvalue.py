r"""The largest algebraic eigenvalue of a symmetric operator, by Lanczos iteration with full re-orthogonalisation.

The iteration finds both ends of a spectrum, whichever is larger in magnitude (Golub & Van Loan 2013, section 10.3). It
is written out here because it must end well where the Krylov space is exhausted, on a network of a few units, or one
without weights: matfree's tridiagonalisation divides by zero there, and refuses more iterations than dimensions.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Vector = Float[Array, " parameters"]
Scalar = Float[Array, ""]
Operator = Callable[[Vector], Vector]


def _tridiagonal(operator: Operator, start: Vector, iterations: int) -> tuple[Any, Any]:
    """Return the orthonormal basis of Lanczos, (iterations, P), and the operator in it, (iterations, iterations)."""
    rounding = 10 * jnp.finfo(start.dtype).eps

    def step(i, state):
        basis, matrix, v, coupling, scale = state
        basis = basis.at[i].set(v)
        w = operator(v)
        scale = jnp.maximum(scale, jnp.linalg.norm(w))
        # Beyond an exhausted space, where v = 0, stands a value below one inside the spectrum: it is never the largest.
        alpha = jnp.where((v != 0).any(), v @ w, matrix[0, 0] - scale)
        # At i = 0 the coupling is 0, and what it is written to is overwritten or empty.
        matrix = matrix.at[i, i - 1].set(coupling).at[i - 1, i].set(coupling).at[i, i].set(alpha)
        for _ in range(2):  # once leaves what rounding has of the basis in w
            w = w - (basis @ w) @ basis
        size = jnp.linalg.norm(w)
        goes_on = size > rounding * scale
        return basis, matrix, jnp.where(goes_on, w / size, 0.0), jnp.where(goes_on, size, 0.0), scale

    zero = jnp.zeros((), start.dtype)
    empty = jnp.zeros((iterations, len(start)), start.dtype), jnp.zeros((iterations, iterations), start.dtype)
    return jax.lax.fori_loop(0, iterations, step, (*empty, start, zero, zero))[:2]


def largest_eigenvalue(operator: Operator, start: Vector, iterations: int) -> tuple[Scalar, Scalar]:
    """Return the largest algebraic eigenvalue of a symmetric `operator`, from a unit `start`, and its residual."""
    basis, matrix = _tridiagonal(operator, start, iterations)
    # The derivative of an eigenvalue is v^T dH v, at a v that stands still (Magnus 1985, theorem 1).
    v = jax.lax.stop_gradient(jnp.linalg.eigh(matrix)[1][:, -1] @ basis)
    w = operator(v)
    value = v @ w
    return value, jnp.linalg.norm(w - value * v)
