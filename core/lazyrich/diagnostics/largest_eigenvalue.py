r"""The largest algebraic eigenvalue of a symmetric operator, by Lanczos iteration with full re-orthogonalisation.

The iteration finds both ends of a spectrum, whichever is larger in magnitude (Golub & Van Loan 2013, section 10.3). It
is written out here because it must end well where the Krylov space is exhausted, on a network of a few units, or one
without weights: matfree's tridiagonalisation divides by zero there, and refuses more iterations than dimensions.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Vector = Float[Array, " parameters"]
Scalar = Float[Array, ""]
Operator = Callable[[Vector], Vector]


class _State(NamedTuple):
    """How far Lanczos has got: basis (iterations, P), the operator in it, and what the next step starts from."""

    step: Any
    basis: Any
    matrix: Any
    v: Vector
    coupling: Scalar
    scale: Scalar


def _tridiagonal(operator: Operator, start: Vector, iterations: int, tolerance: float) -> _State:
    """Return the orthonormal basis of Lanczos and the operator in it, after at most so many iterations."""
    rounding = 10 * jnp.finfo(start.dtype).eps

    def step(state: _State) -> _State:
        i, basis, matrix, v, coupling, scale = state
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
        return _State(i + 1, basis, matrix, jnp.where(goes_on, w / size, 0.0), jnp.where(goes_on, size, 0.0), scale)

    def is_rough(state: _State) -> Any:
        """Say whether the residual of the largest eigenvalue, coupling times last entry of its vector, is large."""
        values, vectors = jnp.linalg.eigh(_filled(state))
        residual = state.coupling * jnp.abs(vectors[state.step - 1, -1])
        return (state.step == 0) | ((state.step < iterations) & (residual > tolerance * jnp.abs(values[-1])))

    zero = jnp.zeros((), start.dtype)
    empty = jnp.zeros((iterations, len(start)), start.dtype), jnp.zeros((iterations, iterations), start.dtype)
    state = _State(0, *empty, start, zero, zero)
    if not tolerance:
        return jax.lax.fori_loop(0, iterations, lambda _, state: step(state), state)
    return jax.lax.while_loop(is_rough, step, state)


def _filled(state: _State) -> Any:
    """Return the operator in the basis; of vectors that are not there yet stands what is never the largest."""
    unused = jnp.arange(len(state.matrix)) >= state.step
    return state.matrix + jnp.diag(jnp.where(unused, state.matrix[0, 0] - state.scale, 0.0))


def largest_eigenvalue(
    operator: Operator, start: Vector, iterations: int, tolerance: float = 0.0
) -> tuple[Scalar, Scalar]:
    """Return the largest algebraic eigenvalue of a symmetric `operator`, from a unit `start`, and its residual.

    The iteration ends early once the residual is below `tolerance` times the eigenvalue; not at 0, the only tolerance
    at which the result has derivatives.
    """
    state = _tridiagonal(operator, start, iterations, tolerance)
    # The derivative of an eigenvalue is v^T dH v, at a v that stands still (Magnus 1985, theorem 1).
    v = jax.lax.stop_gradient(jnp.linalg.eigh(_filled(state))[1][:, -1] @ state.basis)
    w = operator(v)
    value = v @ w
    return value, jnp.linalg.norm(w - value * v)
