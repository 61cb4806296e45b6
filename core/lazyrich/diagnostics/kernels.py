r"""How far a kernel has moved, and how well it fits the target.

All take kernel matrices on the same points, so they compare a network with itself over time, or with theory. Under a
JAX transformation they return arrays, and look at shapes alone.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._checks import as_matrix, as_targets
from .._float64 import float64, is_traced, to_numpy
from ..spectra.alignment import alignment, frobenius_norm

Scalar = float | Float[Array, ""]


def _square(kernel: Any, name: str) -> Any:
    """Return `kernel` as an (n, n) matrix."""
    kernel = as_matrix(kernel, name, (None, None))
    return as_matrix(kernel, name, (len(kernel), len(kernel)))


def _plain(value: Any) -> Scalar:
    """Return a float, or what stands in its place under a JAX transformation."""
    return value if is_traced(value) else float(to_numpy(value))


@float64
def kernel_distance(kernel: Any, reference: Any) -> Scalar:
    r"""Return $|\Theta - \Theta_0|_F / |\Theta_0|_F$ of two (n, n) kernels: 0 in the lazy limit.

    Source: Chizat, Oyallon & Bach 2019, section 3; Fort et al. 2020.

    Raises:
        ValueError: kernels of different shapes, or a reference that is zero.
    """
    reference = as_matrix(reference, "reference", (None, None))
    kernel = as_matrix(kernel, "kernel", reference.shape)
    if not is_traced(reference) and not np.any(reference):
        raise ValueError("reference must not be the zero matrix; got zeros. Give the kernel at initialisation.")
    return _plain(frobenius_norm(jnp.asarray(kernel) - reference) / frobenius_norm(jnp.asarray(reference)))


@float64
def target_alignment(kernel: Any, y: Any) -> Scalar:
    r"""Return $\sum_c y_c^T \Theta y_c / (|\Theta|_F |y|^2)$ of an (n, n) kernel and targets (n, C), between 0 and 1.

    A layer's term of the kernel (`empirical_ntk` with `layers`) has one of its own.

    Source: Cristianini et al. 2001, "On kernel-target alignment", definition 2.

    Raises:
        ValueError: shapes that do not fit, or a kernel or target that is zero.
    """
    kernel = _square(kernel, "kernel")
    y = as_targets(y, "y", len(kernel))
    if not is_traced(kernel, y) and not (np.any(kernel) and np.any(y)):
        raise ValueError("kernel and targets must not be zero; got zeros. Give a kernel and a target that vary.")
    return _plain(alignment(jnp.asarray(kernel), jnp.asarray(y)))


@float64
def centred_kernel_alignment(kernel: Any, reference: Any) -> Scalar:
    r"""Return the centred kernel alignment (CKA) of two (n, n) kernels, between 0 and 1.

    $$\mathrm{CKA} = \frac{\langle HKH, HK_0H \rangle_F}{|HKH|_F\, |HK_0H|_F}, \quad H = I - \tfrac1n 1 1^T$$

    1 where one is a multiple of the other up to constants: unlike `kernel_distance` it does not see a kernel grow.

    Source: Cortes, Mohri & Rostamizadeh 2012, section 2; Kornblith et al. 2019, section 3.

    Raises:
        ValueError: kernels that are not square or of different shapes, or one that is constant.
    """
    reference = _square(reference, "reference")
    kernel = as_matrix(kernel, "kernel", reference.shape)
    one, other = (_centred(matrix, name) for matrix, name in ((kernel, "kernel"), (reference, "reference")))
    return _plain((one * other).sum() / frobenius_norm(one) / frobenius_norm(other))


def _centred(kernel: Any, name: str) -> Any:
    """Return H K H of a kernel K whose largest entry is 1 in size."""
    kernel = jnp.asarray(kernel)
    largest = jnp.abs(kernel).max()
    kernel = kernel / jnp.where(largest > 0, largest, 1.0)
    kernel = kernel - kernel.mean(axis=0, keepdims=True)
    kernel = kernel - kernel.mean(axis=1, keepdims=True)
    rounding = len(kernel) * np.finfo(np.float64).eps
    if not is_traced(kernel) and jnp.abs(kernel).max() <= rounding:
        raise ValueError(
            f"{name} must vary from point to point to be centred; got a constant. Give a kernel of points that differ."
        )
    return kernel
