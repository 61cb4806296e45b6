r"""Diagnostics: how far a kernel has moved, and how well it fits the target.

All take kernel matrices on the same points, so they compare a network with itself over time, or with theory.
"""

from typing import Any

from ._checks import as_matrix, as_targets
from .spectra.alignment import alignment, frobenius_norm


def kernel_distance(kernel: Any, reference: Any) -> float:
    r"""Return $|\Theta - \Theta_0|_F / |\Theta_0|_F$ of two (n, n) kernels: 0 in the lazy limit.

    Source: Chizat, Oyallon & Bach 2019, section 3; Fort et al. 2020.

    Raises:
        ValueError: kernels of different shapes, or a reference that is zero.
    """
    reference = as_matrix(reference, "reference", (None, None))
    kernel = as_matrix(kernel, "kernel", reference.shape)
    size = float(frobenius_norm(reference))
    if size == 0:
        raise ValueError("reference must not be the zero matrix; got zeros. Give the kernel at initialisation.")
    return float(frobenius_norm(kernel - reference)) / size


def target_alignment(kernel: Any, y: Any) -> float:
    r"""Return $\sum_c y_c^T \Theta y_c / (|\Theta|_F |y|^2)$ of an (n, n) kernel and targets (n, C), between 0 and 1.

    Source: Cristianini et al. 2001, "On kernel-target alignment", definition 2.

    Raises:
        ValueError: shapes that do not fit, or a kernel or target that is zero.
    """
    kernel = as_matrix(kernel, "kernel", (None, None))
    kernel = as_matrix(kernel, "kernel", (len(kernel), len(kernel)))
    y = as_targets(y, "y", len(kernel))
    if not kernel.any() or not y.any():
        raise ValueError("kernel and targets must not be zero; got zeros. Give a kernel and a target that vary.")
    return float(alignment(kernel, y))
