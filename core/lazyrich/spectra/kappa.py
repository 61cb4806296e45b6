r"""The exponent of a kernel's eigenvalues from data alone, through the effective ridge of fewer and fewer points.

If the operator's eigenvalues fall as $j^{-\alpha}$, the effective ridge of n points falls as $\kappa(n) \propto
n^{-\alpha}$, and $1/\mathrm{tr}\,(K_n + \delta I)^{-1}$ estimates it: why is said in `lazyrich.spectra.stieltjes`.
Unlike the eigenvalues' own decay this has no window to choose at the end that a finite sample bends.
"""

from typing import Any

import numpy as np
import xarray as xr
from scipy.linalg import eigvalsh

from .._checks import as_matrix, number, seed_of, whole
from .gram import symmetrised
from .line import Line, widening


def kappa_from_gram(kernel: Any, sizes: Any, *, ridge: float = 0.0, subsets: int = 10, seed: int = 0) -> xr.Dataset:
    r"""Return the effective ridge of random subsets of the points of a kernel matrix, and its exponent.

    Args:
        kernel: symmetric positive definite, of a pool of points drawn independently, (n, n).
        sizes: numbers of points, at least 3 different ones from 2 to n/2.
        ridge: $\delta$ of at least 0, in the units of the kernel and not divided by n.
        subsets: how many subsets of each size, at least 2.
        seed: of the subsets.

    Returns:
        Over `size` and `subset`: `kappa`. Over `size`: `kappa_mean` and its standard error `kappa_stderr`. Numbers:
        `exponent`, the $\alpha$ of $\kappa \propto (n + 1/2)^{-\alpha}$ by least squares in logarithms, and
        `exponent_stderr`. The standard errors are about other pools of n points too, not only other subsets of this
        one; that of the exponent includes its change over the sizes.

    Raises:
        ValueError: a kernel that is not symmetric, or is singular to rounding on a subset; sizes out of their range.
    """
    single = getattr(kernel, "dtype", None) in (np.float32, np.float16)
    eps = float(np.finfo(kernel.dtype if single else np.float64).eps)
    kernel = as_matrix(kernel, "kernel", (None, None))
    kernel = as_matrix(kernel, "kernel", (len(kernel), len(kernel)))
    kernel = symmetrised(kernel, eps)
    ridge, subsets = number(ridge, "ridge", least=0), whole(subsets, "subsets", 2)
    sizes = _as_sizes(sizes, len(kernel))
    rng = np.random.default_rng(seed_of(seed))
    orders = [rng.permutation(len(kernel)) for _ in range(subsets)]
    # Subsets of one order are nested, so that what they share cancels in the exponent.
    kappa = np.array([[_kappa(kernel[np.ix_(order[:n], order[:n])], ridge, eps) for order in orders] for n in sizes])
    return _labelled(kappa, sizes, len(kernel), {"ridge": ridge, "seed": seed, "points": len(kernel)})


def _as_sizes(sizes: Any, n: int) -> np.ndarray:
    sizes = [sizes] if np.ndim(sizes) == 0 else list(sizes)
    sizes = np.array(sorted({whole(size, "an entry of sizes", 2, max(n // 2, 2)) for size in sizes}))
    if len(sizes) < 3:
        raise ValueError(f"sizes must be at least 3 different numbers of points; got {len(sizes)}. Give more.")
    return sizes


def _kappa(kernel: np.ndarray, ridge: float, eps: float) -> float:
    r"""Return $1 / \mathrm{tr}\,(K + \delta I)^{-1}$."""
    values = eigvalsh(kernel) + ridge
    resolution = len(kernel) * eps * values[-1]
    if values[0] <= resolution:
        raise ValueError(
            f"kernel + ridge I must be positive definite beyond rounding; got the smallest eigenvalue {values[0]:.3g} "
            f"of {len(kernel)} points beside a largest one of {values[-1]:.3g}. Give a larger ridge, leave out points "
            "that occur twice, or take fewer points."
        )
    return float(1 / (1 / values).sum())


def _labelled(kappa: np.ndarray, sizes: np.ndarray, n: int, attributes: dict[str, Any]) -> xr.Dataset:
    """Label kappa (sizes, subsets), with its mean, its exponent and their errors."""
    # sum_j 1/(1 + kappa j^alpha) is its integral less half of its term at 0 (Euler-Maclaurin): n + 1/2 is what scales.
    lines = [Line.through(np.log(sizes + 0.5), y) for y in np.log(kappa).T]
    slopes, curvatures = (np.array([getattr(line, name) for line in lines]) for name in ("slope", "curvature"))
    noise = _pool_error(curvatures, sizes[-1] / n)
    drift = 2 * lines[0].span * np.sqrt(max(curvatures.mean() ** 2 - noise**2, 0.0))
    result = xr.Dataset(
        {
            "kappa": (("size", "subset"), kappa),
            "kappa_mean": ("size", kappa.mean(axis=1)),
            "kappa_stderr": ("size", _pool_error(kappa, sizes / n)),
            "exponent": -slopes.mean(),
            # As in `fit_power_law`: a uniform spread over the change of the exponent, less what noise makes of it.
            "exponent_stderr": np.hypot(_pool_error(slopes, sizes[-1] / n), drift / np.sqrt(12)),
        },
        coords={"size": sizes, "subset": np.arange(kappa.shape[1])},
        attrs=attributes,
    )
    result["kappa"].attrs["long_name"] = "effective ridge 1/tr(K_n + ridge I)^-1"
    result["exponent"].attrs["long_name"] = "exponent of kappa in 1/n"
    return result


def _pool_error(values: np.ndarray, part: Any) -> Any:
    r"""Return the standard error of the mean over the last axis, of B subsets of a `part` p of all points each.

    1. For averages over points, the mean over all subsets varies from pool to pool with p V, where V is the variance of
       one subset's value over pools; derived for sampling without replacement.
    2. Within one pool the variance is then (1 - p) V, of which the mean over B subsets keeps the B-th part.
    """
    count = values.shape[-1]
    variance = values.var(axis=-1, ddof=1) / (1 - part)
    return widening(count - 1) * np.sqrt(variance * (part + (1 - part) / count))
