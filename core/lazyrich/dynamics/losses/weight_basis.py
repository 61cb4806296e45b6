r"""The weights' motion in function space, in an orthonormal basis.

In the limit the outputs are linear in the weights, $f = f_0 + S z$, with $S S^T = \Theta$ on the training points. The
columns of $S = V \Lambda^{1/2}$ stand for orthonormal directions in the space of weights, and z for how far the weights
have moved along them.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..._checks import as_matrix
from ..._float64 import is_traced
from ...spectra import Eigensystem, eigensystem


class Basis(NamedTuple):
    r"""$S = V\Lambda^{1/2}$ on training points, $S^T$, $V\Lambda^{-1/2}$, and the kernel's extreme eigenvalues.

    Modes that are rounding have columns of zeros, and do not count for the least eigenvalue.
    """

    decode: Any
    encode: Any
    inverse: Any
    largest: Any
    least: Any


def weight_basis(ntk: Any) -> Basis:
    """Return the basis of a kernel (n, n) or of its `Eigensystem`."""
    if is_traced(ntk):
        # Derivatives in the kernel: any fixed basis of the dual variables will do, and f = f_0 + Theta V Lambda^-1/2 z.
        fixed = jax.lax.stop_gradient(as_matrix(ntk, "ntk", (None, None)))
        values, vectors = jnp.linalg.eigh(fixed)
        resolution, moved = len(fixed) * np.finfo(np.float64).eps * values[-1], ntk - fixed
    else:
        system = ntk if isinstance(ntk, Eigensystem) else eigensystem(ntk)
        values, vectors, resolution, moved = system.values, system.vectors, system.resolution, None
    kept = values > resolution
    root = jnp.sqrt(jnp.where(kept, values, 1.0))
    inverse = vectors * jnp.where(kept, 1 / root, 0.0)[None]
    decode = vectors * jnp.where(kept, root, 0.0)[None]
    # Without any mode nothing moves, and any rate will do.
    largest = jnp.max(jnp.where(kept, values, 0.0))
    least = jnp.where(largest > 0, jnp.min(jnp.where(kept, values, jnp.inf)), 1.0)
    return Basis(decode if moved is None else decode + moved @ inverse, decode.T, inverse, largest, least)
