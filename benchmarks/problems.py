"""What is timed, drawn with NumPy alone, so that the peer's process has the very same points and weights."""

import itertools

import numpy as np

# Gradient-flow times of `regression`, from before its fastest mode to after its slowest.
TIMES = np.geomspace(1e-2, 1e6, 200)


def points(n: int, in_dim: int = 64) -> np.ndarray:
    """Return standard normal points, (n, in_dim) float64."""
    return np.random.default_rng(0).standard_normal((n, in_dim))


def weights(in_dim: int, width: int, depth: int) -> list[np.ndarray]:
    """Return the raw N(0, 1) weights of a network with one output, (fan-in, fan-out) float32 each, readout last."""
    rng = np.random.default_rng(1)
    sides = [in_dim, *[width] * depth, 1]
    return [rng.standard_normal(shape, np.float32) for shape in itertools.pairwise(sides)]


def regression(
    n: int, n_test: int | None = None, outputs: int = 10
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the Laplace kernel of n points, that of n_test (n) others with them, and targets of both, (n, outputs)."""
    total = n + (n if n_test is None else n_test)
    x, y = points(total, 8), points(total, outputs)
    squares = (x**2).sum(axis=1)
    distances = np.sqrt(np.maximum(squares[:, None] + squares[None, :n] - 2 * x @ x[:n].T, 0.0))
    np.fill_diagonal(distances, 0.0)
    kernel = np.exp(-distances / 4)
    return (kernel[:n] + kernel[:n].T) / 2, kernel[n:], y[:n], y[n:]
