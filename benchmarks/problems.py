"""What is timed, drawn with NumPy alone, so that the peer's process has the very same points and weights."""

import itertools

import numpy as np


def points(n: int, in_dim: int = 64) -> np.ndarray:
    """Return standard normal points, (n, in_dim) float64."""
    return np.random.default_rng(0).standard_normal((n, in_dim))


def weights(in_dim: int, width: int, depth: int) -> list[np.ndarray]:
    """Return the raw N(0, 1) weights of a network with one output, (fan-in, fan-out) float32 each, readout last."""
    rng = np.random.default_rng(1)
    sides = [in_dim, *[width] * depth, 1]
    return [rng.standard_normal(shape, np.float32) for shape in itertools.pairwise(sides)]
