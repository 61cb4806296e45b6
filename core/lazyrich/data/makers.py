r"""Makers of data sets: each draws inputs and noise-free targets from a seeded generator.

A maker is called as `maker(rng, count)` and returns inputs (count, D) and targets (count, C). Inputs have norm
$\sqrt D$ (so that $|x|^2/D = 1$, and the kernels depend on angles alone), except those of `regression`, which keep
their coordinate. To add a data set, add a maker to `MAKERS`.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
from jaxtyping import Float
from sklearn.datasets import load_digits

Points = tuple[Float[np.ndarray, "n in_dim"], Float[np.ndarray, "n out_dim"]]


def _to_sphere(x: np.ndarray) -> np.ndarray:
    return x * np.sqrt(x.shape[1]) / np.linalg.norm(x, axis=1, keepdims=True)


@cache
def _all_digits() -> Points:
    """All 1,797 images, less their mean image, at norm sqrt(64); targets one-hot less 1/10."""
    images, labels = load_digits(return_X_y=True)
    return _to_sphere(np.asarray(images - images.mean(axis=0))), np.eye(10)[labels] - 0.1


def digits(rng: np.random.Generator, count: int) -> Points:
    """Handwritten digits (8 x 8 pixels, 10 classes; Alpaydin & Kaynak 1998, shipped with scikit-learn)."""
    x, y = _all_digits()
    if count > len(x):
        raise ValueError(
            f"digits has {len(x)} images, so n_train + n_test must not exceed that; got {count}. Ask for fewer."
        )
    chosen = rng.permutation(len(x))[:count]
    return x[chosen], y[chosen]


def circle(rng: np.random.Generator, count: int) -> Points:
    r"""Points $\sqrt2 (\cos a, \sin a)$ with target $\cos a + \frac12 \sin 3a + \frac14 \cos 7a$: three speeds."""
    a = rng.uniform(-np.pi, np.pi, count)
    y = np.cos(a) + np.sin(3 * a) / 2 + np.cos(7 * a) / 4
    return np.sqrt(2) * np.stack([np.cos(a), np.sin(a)], axis=1), y[:, None]


def sphere(rng: np.random.Generator, count: int, in_dim: int = 10, teacher_width: int = 100) -> Points:
    r"""Uniform points on the sphere; the target is a random ReLU teacher, centred and of unit variance.

    $y \propto \sum_j a_j \max(w_j \cdot x, 0)$ with $a_j, w_j$ standard normal. Mean and variance are those of 10,000
    points of the generator's own, not of the sample, so that the target function does not depend on `count`.
    """
    w, a = rng.standard_normal((in_dim, teacher_width)), rng.standard_normal((teacher_width, 1))
    pool, x = (_to_sphere(rng.standard_normal((size, in_dim))) for size in (10_000, count))
    of_pool, y = (np.maximum(points @ w, 0) @ a for points in (pool, x))
    return x, (y - of_pool.mean()) / of_pool.std()


def regression(rng: np.random.Generator, count: int) -> Points:
    r"""One coordinate in [-2, 2] with target $\sin 2x + \frac14 \sin 9x$: a slow wave and a fast ripple."""
    x = rng.uniform(-2, 2, (count, 1))
    return x, np.sin(2 * x) + np.sin(9 * x) / 4


MAKERS: dict[str, Callable[[np.random.Generator, int], Points]] = {
    "digits": digits,
    "circle": circle,
    "sphere": sphere,
    "regression": regression,
}
