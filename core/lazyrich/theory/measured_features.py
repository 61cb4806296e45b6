r"""Measured learning curves of random-feature ridge regression, beside `random_feature_risk`.

k random features $\psi$ of each point make the kernel $\frac1k \Psi\Psi^T$, whose mean is the limiting kernel. They are
Gaussian with any Gram matrix as their covariance (`gaussian_features`), for which the theory is made, or the last
hidden layer of a finite network (`network_features`).
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from .._checks import as_array, as_points, as_targets, of_type
from ..mlp import Nonlinearity, Scales, hidden_states, init
from ..networks import Network
from ..results import labelled
from ..spectra import Eigensystem, eigensystem
from .draws import Settings, sizes, trials_of

Features = Callable[[int, int], np.ndarray]

_MOST_FEATURES = 100_000


def gaussian_features(kernel: Any) -> Features:
    """Return a function of k and a seed that draws k Gaussian features with a covariance, (P, k).

    Args:
        kernel: the covariance, a Gram matrix (P, P), or its `Eigensystem`.

    Raises:
        ValueError: a kernel that is not symmetric positive semi-definite.
    """
    system = kernel if isinstance(kernel, Eigensystem) else eigensystem(kernel)
    values = np.maximum(np.asarray(system.values), 0.0)  # the last ones may be below 0 by rounding
    root = np.asarray(system.vectors) * np.sqrt(values)
    return lambda k, seed: root @ np.random.default_rng(seed).standard_normal((len(root), k))


def network_features(net: Network, x: Any) -> Features:
    r"""Return a function of k and a seed that draws a network of width k and returns its last hidden layer, (P, k).

    The features are $s_w \phi(h^L)$, in float64; the mean of their kernel for infinite width is `nngp(net, x)` less
    the variance of the readout's bias. They are independent of one another with one hidden layer.

    Args:
        net: the network, whatever its width.
        x: points, (P, D).

    Raises:
        ValueError: points of a wrong shape or with NaN.
    """
    of_type(net, "net", Network)
    x = as_points(x, "x")

    def draw(k: int, seed: int) -> np.ndarray:
        wide = dataclasses.replace(net, width=k)
        with jax.enable_x64(True):
            params = jax.tree.map(jnp.asarray, init(wide, x.shape[1], 1, seed, "float64"))
            phi = Nonlinearity.of(wide)
            states = hidden_states(phi, Scales.of(wide, x.shape[1]), params, jnp.asarray(x))
            return np.sqrt(net.weight_var) * np.asarray(phi(states[-1]))

    return draw


def _fit(psi: np.ndarray, y: np.ndarray, drawn: np.ndarray, ridge: float) -> np.ndarray:
    r"""Return the predictions on the pool, (P, C), after training on the points `drawn`: the least-norm minimum.

    With $\Psi/\sqrt k = U S V^T$ on the training points the weights are $V S/(S^2+\delta)\, U^T y$.
    """
    psi = psi / np.sqrt(psi.shape[1])
    left, values, right = np.linalg.svd(psi[drawn], full_matrices=False)
    is_rounding = values <= max(len(drawn), psi.shape[1]) * np.finfo(np.float64).eps * values.max(initial=0.0)
    gain = np.where(is_rounding, 0.0, values / np.where(is_rounding, 1.0, values**2 + ridge))
    return psi @ (right.T @ (gain[:, None] * (left.T @ y)))


def _drawn_features(features: Features, k: int, seed: int, points: int) -> np.ndarray:
    """Return features of the pool, once they are a finite array of the shape asked for."""
    psi = np.asarray(features(k, seed), np.float64)
    if psi.shape != (points, k) or not np.isfinite(psi).all():
        raise ValueError(
            f"features(k, seed) must return finite numbers of shape (points, k), {(points, k)}; got {psi.shape}"
            + (", not all finite" if psi.size and not np.isfinite(psi).all() else "")
            + ". Give one row for each point of the pool."
        )
    return psi


def measured_random_feature_risk(
    features: Features,
    y: Any,
    *,
    n: Any,
    k: Any,
    ridge: float = 0.0,
    noise: float = 0.0,
    trials: int = 10,
    replace: bool = False,
    seed: int = 0,
) -> xr.Dataset:
    """Return test and train errors of random-feature ridge regression on random subsets of a pool.

    A trial draws the features anew. What is said of draws, standard errors and noise in `measured_kernel_risk` holds
    here too.

    Args:
        features: a function of k and a seed that returns k random features of every point of the pool, (P, k), such
            as `gaussian_features` and `network_features` make.
        y: targets of the pool, (P, C); a vector means C = 1.
        n: numbers of training points, a whole number or several, (S,); without replacement below P.
        k: numbers of features, a whole number or several, (F,).
        ridge: delta >= 0, not divided by n; without it the solution of least norm is taken.
        noise: variance of the noise drawn anew for each output of the training targets.
        trials: number of draws.
        replace: draw points independently and test on the whole pool; otherwise test on those that were not drawn.
        seed: a whole number below 2^32.

    Returns:
        `test` and `train` over (n, k, trial).

    Raises:
        ValueError: an argument out of its range, or features of another shape or with NaN.
    """
    if not callable(features):
        raise ValueError(
            f"features must be a function of k and a seed; got {type(features).__name__}. Make one with "
            "gaussian_features or network_features."
        )
    y = as_array(y, "y")
    points = len(y) if y.ndim else 0
    y = as_targets(y, "y", points)
    settings = Settings.checked(ridge, noise, trials, replace, seed)
    n, k = sizes(n, "n", points if replace else points - 1), sizes(k, "k", _MOST_FEATURES)
    errors = np.empty((2, len(n), len(k), settings.trials))
    for layer, trial in enumerate(trials_of(y, settings.noise, settings.trials, settings.replace, settings.seed)):
        for column, width in enumerate(k):
            psi = _drawn_features(features, width, int(trial.rng.integers(2**32)), points)
            for row, size in enumerate(n):
                draw = trial.first(size)
                errors[:, row, column, layer] = draw.errors(_fit(psi, draw.y, draw.rows, settings.ridge), y)
    test, train = errors[0] + y.shape[1] * settings.noise, errors[1]
    return labelled(
        {"test": test, "train": train}, ("n", "k", "trial"), {"n": n, "k": k}, **settings.attributes(points)
    )
