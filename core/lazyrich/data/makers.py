r"""Makers of data sets: each draws inputs and noise-free targets from a seeded generator.

A maker is called as `maker(rng, count, **options)` and returns inputs (count, D) and targets (count, C), no point
twice. Its options and their defaults are those of its signature; `spec.DataSpec` has a field for each. Inputs have norm
$\sqrt D$ (so that $|x|^2/D = 1$, and the kernels depend on angles alone), except those of `regression`, which keep
their coordinate, and of `spirals`, whose squares are D on average. To add a data set, add a maker to `MAKERS`.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
from jaxtyping import Float
from sklearn.datasets import load_digits

from .labels import class_targets

Points = tuple[Float[np.ndarray, "n in_dim"], Float[np.ndarray, "n out_dim"]]
# x_train, y_train, x_test, y_test
Split = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
Classes = tuple[int, ...] | None


def to_sphere(x: np.ndarray) -> np.ndarray:
    r"""Return points (n, D) scaled to norm $\sqrt D$."""
    return x * np.sqrt(x.shape[1]) / np.linalg.norm(x, axis=1, keepdims=True)


@cache
def all_digits(classes: Classes = None) -> Points:
    """All images of some classes, less their mean image, at norm sqrt(64), and their targets."""
    images, labels = load_digits(return_X_y=True)
    return images_of(np.asarray(images), np.asarray(labels), classes)


def images_of(images: np.ndarray, labels: np.ndarray, classes: Classes) -> Points:
    """Return the images of some classes (None: all), less their mean, on the sphere, and their targets."""
    chosen = tuple(range(10)) if classes is None else classes
    kept = np.isin(labels, chosen)
    images = images[kept].astype(np.float64)
    return to_sphere(images - images.mean(axis=0)), class_targets(labels[kept].astype(int), chosen)


def some(rng: np.random.Generator, count: int, of: tuple[np.ndarray, np.ndarray]) -> Points:
    """Return `count` of the points in random order; whoever calls has seen to it that there are as many."""
    chosen = rng.permutation(len(of[0]))[:count]
    return of[0][chosen], of[1][chosen]


def digits(rng: np.random.Generator, count: int, classes: Classes = None) -> Points:
    """Handwritten digits (8 x 8 pixels, 10 classes; Alpaydin & Kaynak 1998, shipped with scikit-learn)."""
    return some(rng, count, all_digits(classes))


def circle(rng: np.random.Generator, count: int) -> Points:
    r"""Points $\sqrt2 (\cos a, \sin a)$ with target $\cos a + \frac12 \sin 3a + \frac14 \cos 7a$: three speeds."""
    a = rng.uniform(-np.pi, np.pi, count)
    y = np.cos(a) + np.sin(3 * a) / 2 + np.cos(7 * a) / 4
    return np.sqrt(2) * np.stack([np.cos(a), np.sin(a)], axis=1), y[:, None]


def sphere(rng: np.random.Generator, count: int) -> Points:
    r"""Uniform points on the sphere in 10 dimensions; the target is a random ReLU teacher, centred, of unit variance.

    $y \propto \sum_j a_j \max(w_j \cdot x, 0)$ over 100 units with $a_j, w_j$ standard normal. Mean and variance are
    those of 10,000 points of the generator's own, not of the sample, so that the target function does not depend on
    `count`.
    """
    in_dim, teacher_width = 10, 100
    w, a = rng.standard_normal((in_dim, teacher_width)), rng.standard_normal((teacher_width, 1))
    pool, x = (to_sphere(rng.standard_normal((size, in_dim))) for size in (10_000, count))
    of_pool, y = (np.maximum(points @ w, 0) @ a for points in (pool, x))
    return x, (y - of_pool.mean()) / of_pool.std()


def regression(rng: np.random.Generator, count: int) -> Points:
    r"""One coordinate in [-2, 2] with target $\sin 2x + \frac14 \sin 9x$: a slow wave and a fast ripple."""
    x = rng.uniform(-2, 2, (count, 1))
    return x, np.sin(2 * x) + np.sin(9 * x) / 4


def parity(rng: np.random.Generator, count: int, in_dim: int = 10, degree: int = 2) -> Points:
    r"""Corners of the hypercube $\{\pm1\}^D$ with the parity of the first k coordinates, $y = \prod_{i \le k} x_i$.

    Which k of the D coordinates makes no difference to a fully connected network, whose law does not change when they
    are exchanged. Barak et al., "Hidden progress in deep learning: SGD learns parities near the computational limit",
    2022.
    """
    _check_order(degree=degree, in_dim=in_dim)
    x = _corners(rng, count, in_dim)
    return x, x[:, :degree].prod(axis=1, keepdims=True)


def staircase(rng: np.random.Generator, count: int, in_dim: int = 10, degree: int = 3, leap: int = 1) -> Points:
    r"""Corners of the hypercube with $y = J^{-1/2} \sum_{j=1}^J \prod_{i \le k_j} x_i$, of unit variance.

    $k_j = \min(j\ell, k)$ up to the degree k: each monomial adds at most $\ell$ coordinates to the one before, so that
    the leap is $\ell$. Leap 1, $x_1 + x_1 x_2 + x_1 x_2 x_3 + ...$, has the merged-staircase property. Abbe,
    Boix-Adsera & Misiakiewicz, "The merged-staircase property", 2022, and "SGD learning on neural networks: leap
    complexity and saddle-to-saddle dynamics", 2023.
    """
    _check_order(leap=leap, degree=degree, in_dim=in_dim)
    x = _corners(rng, count, in_dim)
    sizes = [*range(leap, degree, leap), degree]
    monomials = np.cumprod(x[:, :degree], axis=1)[:, np.array(sizes) - 1]
    return x, monomials.sum(axis=1, keepdims=True) / np.sqrt(len(sizes))


def _check_order(**sizes: int) -> None:
    """Say so where sizes do not ascend."""
    if sorted(sizes.values()) != list(sizes.values()):
        got = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise ValueError(f"{' <= '.join(sizes)} must hold; got {got}. Raise in_dim, or lower the others.")


def _corners(rng: np.random.Generator, count: int, in_dim: int) -> np.ndarray:
    """Return different corners of the hypercube."""
    codes = rng.choice(2**in_dim, count, replace=False)
    return 2.0 * (codes[:, None] >> np.arange(in_dim) & 1) - 1


def spirals(rng: np.random.Generator, count: int, turns: float = 1.5) -> Points:
    r"""Two spirals in the plane, $x = 2 s r (\cos \theta, \sin \theta)$, $\theta = 2\pi r \times$ turns, $y = s$.

    One arm, s = -1, is the other, s = +1, turned by half a turn; points alternate between them. $r^2$ is uniform in
    [0, 1], so that $|x|^2$ is 2 on average. Lang & Witbrock, "Learning to tell two spirals apart", 1988.
    """
    r, y = np.sqrt(rng.uniform(size=(count, 1))), np.where(np.arange(count) % 2, -1.0, 1.0)[:, None]
    angle = 2 * np.pi * turns * r
    return 2 * y * r * np.hstack([np.cos(angle), np.sin(angle)]), y


MAKERS: dict[str, Callable[..., Points]] = {
    "digits": digits,
    "circle": circle,
    "sphere": sphere,
    "regression": regression,
    "parity": parity,
    "staircase": staircase,
    "spirals": spirals,
}
