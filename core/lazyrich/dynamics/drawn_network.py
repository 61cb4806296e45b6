r"""Finite networks of which only what training looks at is drawn: width 10,000 in a second, exactly in law.

Gradient descent on n points multiplies a hidden matrix W by the features of each step and its transpose by the signals,
never by anything else. So in place of its N^2 entries W is kept as orthonormal directions $q_j$ with their images
$x_j = W q_j$, and $y_k$ with $z_k = W^T y_k$. A new direction $q \perp q_j$ has the image

$$W q = \sum_k y_k\, z_k \cdot q + P_{\perp y}\, \xi, \qquad \xi \sim N(0, I),$$

the law of an N x N matrix of independent N(0, 1) entries given all that is known of it (Bolthausen 2014; derived in
`gaussian_matrix`, which takes the limit of infinite width by making all $\xi$ orthonormal; here they are independent,
so that a network of width N scatters as one of width N does). Training adds $\sum_{kj} y_k M_{kj} q_j^T$.

This pays where the steps times the points are fewer than the units; `lazyrich.train` is for all other networks.
"""

from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float

from ..mlp import Nonlinearity, Scales
from ..networks import Network
from .wide_layers import activate

Rows = Float[np.ndarray, "rows width"]
# Directions shorter than this, relative to what they are a part of, are rounding errors.
_TOLERANCE = {"float32": 1e-5, "float64": 1e-12}


@jax.jit
def _pull_back(
    nonlinearity: Nonlinearity, h: Float[Array, "n width"], signal: Float[Array, "n width"]
) -> Float[Array, "n width"]:
    return nonlinearity.pull_back(h, signal)


class _Side:
    """Orthonormal directions and their images, one a row, in arrays that take memory as they are filled."""

    def __init__(self, room: int, width: int, dtype: Any):
        self.arrays, self.count = np.zeros((2, room, width), dtype), 0

    @property
    def basis(self) -> Rows:
        return self.arrays[0, : self.count]

    @property
    def images(self) -> Rows:
        return self.arrays[1, : self.count]

    @property
    def left(self) -> int:
        """How many directions of the space are not known yet."""
        return self.arrays.shape[2] - self.count

    def append(self, directions: Rows, images: Rows) -> None:
        rows = slice(self.count, self.count + len(directions))
        self.arrays[0, rows], self.arrays[1, rows] = directions, images
        self.count = rows.stop


def _check_finite(values: Any) -> None:
    if not np.isfinite(values).all():
        raise ValueError(
            "A network's values must stay finite; got infinity or NaN, as of training that diverges. Lower the "
            "learning rate, or widen the network."
        )


def _without(vectors: Rows, basis: Rows) -> Rows:
    return vectors - (vectors @ basis.T) @ basis


class DrawnMatrix:
    """A matrix of independent N(0, 1) entries, plus what training adds, drawn where it is looked at.

    Args:
        width: N, rows and columns.
        room: the most directions it is ever multiplied by on each side.
        rng: where it is drawn from.
        dtype: of all numbers.
    """

    def __init__(self, width: int, room: int, rng: np.random.Generator, dtype: Any = "float32"):
        """Draw nothing yet."""
        self._rng, self._dtype = rng, dtype
        room = min(room, width)
        self._inputs, self._outputs = (_Side(room, width, dtype) for _ in range(2))
        self._moved = np.zeros((room, room), dtype)

    def times(self, vectors: Rows) -> tuple[Rows, np.ndarray]:
        """Return W v of every row v, and the rows' coordinates in the directions of that side."""
        return self._images(vectors, self._inputs, self._outputs, self._moved)

    def transposed_times(self, vectors: Rows) -> tuple[Rows, np.ndarray]:
        """Return the same of the transpose."""
        return self._images(vectors, self._outputs, self._inputs, self._moved.T)

    def add(self, outputs: np.ndarray, inputs: np.ndarray) -> None:
        """Add the products of rows on both sides, given by their coordinates."""
        self._moved[: outputs.shape[1], : inputs.shape[1]] += outputs.T @ inputs

    def _images(self, vectors: Rows, side: _Side, other: _Side, moved: np.ndarray) -> tuple[Rows, np.ndarray]:
        coordinates = self._explored(vectors, side, other)
        added = coordinates @ moved[: other.count, : side.count].T
        return coordinates @ side.images + added @ other.basis, coordinates

    def _explored(self, vectors: Rows, side: _Side, other: _Side) -> np.ndarray:
        """Return the coordinates of `vectors`, once the images of new directions in them are drawn."""
        size = np.linalg.norm(vectors)
        _check_finite(size)
        known = vectors @ side.basis.T
        rest = vectors - known @ side.basis
        _, lengths, new = np.linalg.svd(rest, full_matrices=False)
        is_new = lengths > _TOLERANCE[self._dtype] * size
        # Of a short rest much is rounding error, which need not be orthogonal to the basis.
        new = new[is_new][: side.left]
        new = np.linalg.qr(_without(new, side.basis).T)[0].T
        fresh = self._rng.standard_normal(new.shape, self._dtype)
        side.append(new, (new @ other.images.T) @ other.basis + _without(fresh, other.basis))
        return np.concatenate([known, rest @ new.T], axis=1)


class DrawnNetwork:
    """A network of one output with its first weights, biases and readout, and hidden matrices drawn as it is used.

    Args:
        net: the network, in a parametrization in which all weights have one learning rate: not `standard`, no `ABC`.
        in_dim: input dimension D.
        room: the most points that are put through it in all, at every step and every look.
        seed: of the weights.
        dtype: float32 is right for training.
    """

    def __init__(self, net: Network, in_dim: int, room: int, seed: int, dtype: Any = "float32"):
        """Draw all but the hidden matrices."""
        rng, width = np.random.default_rng(seed), net.width
        self._nonlinearity, self._scales, self._dtype = Nonlinearity.of(net), Scales.of(net, in_dim), dtype
        self._first, self._biases, self._readout, self._readout_bias = (
            rng.standard_normal(shape, dtype) for shape in ((width, in_dim), (net.depth, width), width, 1)
        )
        self._matrices = [DrawnMatrix(width, room, rng, dtype) for _ in range(net.depth - 1)]

    def __call__(self, x: Any) -> Float[np.ndarray, " n"]:
        """Return f(x), (n,), of points (n, D)."""
        return self._output(self._forward(x)[0])

    def ntk(self, x: Any) -> Float[np.ndarray, "n n"]:
        """Return the empirical NTK of points, as `lazyrich.empirical_ntk` does."""
        x = np.asarray(x, self._dtype)
        scales, (states, _) = self._scales, self._forward(x)
        signals, _ = self._backward(states, np.ones(len(x), self._dtype))
        features = [scales.first * x, *(scales.hidden * self._phi(h) for h in states)]
        terms = [p @ p.T + scales.bias**2 for p in features]
        kernel = terms.pop()
        for term, g in zip(terms, signals, strict=True):
            kernel = kernel + term * (g @ g.T)
        return kernel

    @np.errstate(over="ignore", invalid="ignore")  # what overflows is reported in words
    def step(self, x: Any, y: Float[np.ndarray, " n"], learning_rate: float) -> Float[np.ndarray, " n"]:
        """Take a step of gradient descent on sum (f - y)^2 / 2n, and return f(x) before it.

        Raises:
            ValueError: training has diverged.
        """
        x, scales = np.asarray(x, self._dtype), self._scales
        states, features = self._forward(x)
        f = self._output(states)
        _check_finite(f)
        error = ((y - f) * (learning_rate * scales.gamma / len(x))).astype(self._dtype)
        last = scales.hidden * self._phi(states[-1])
        signals, coordinates = self._backward(states, error)
        for matrix, g, p in zip(self._matrices, coordinates, features, strict=True):
            matrix.add(scales.hidden * g, p)
        self._first += scales.first * signals[0].T @ x
        self._biases += scales.bias * np.stack([g.sum(axis=0) for g in signals])
        self._readout += error @ last
        self._readout_bias += scales.bias * error.sum()
        return f

    def _phi(self, h: Rows) -> Rows:
        with jax.enable_x64(self._dtype == "float64"):
            return np.asarray(activate(self._nonlinearity, h))

    def _pull_back(self, h: Rows, signal: Rows) -> Rows:
        with jax.enable_x64(self._dtype == "float64"):
            return np.asarray(_pull_back(self._nonlinearity, h, signal))

    def _output(self, states: list[Rows]) -> np.ndarray:
        scales = self._scales
        return (scales.hidden * self._phi(states[-1]) @ self._readout + scales.bias * self._readout_bias) / scales.gamma

    def _forward(self, x: Any) -> tuple[list[Rows], list[np.ndarray]]:
        """Return h^1 ... h^L, and the coordinates of phi(h^1) ... phi(h^(L-1)) in the matrices' directions."""
        scales, coordinates = self._scales, []
        states = [scales.first * np.asarray(x, self._dtype) @ self._first.T + scales.bias * self._biases[0]]
        for matrix, bias in zip(self._matrices, self._biases[1:], strict=True):
            image, where = matrix.times(self._phi(states[-1]))
            states.append(scales.hidden * image + scales.bias * bias + scales.residual * states[-1])
            coordinates.append(where)
        return states, coordinates

    def _backward(self, states: list[Rows], error: np.ndarray) -> tuple[list[Rows], list[np.ndarray]]:
        """Return the signals of sum_i error_i f_i at the layers 1 ... L, and their coordinates from layer 2 on."""
        scales = self._scales
        signals = [self._pull_back(states[-1], scales.hidden * np.outer(error, self._readout))]
        coordinates = []
        for matrix, h in zip(self._matrices[::-1], states[-2::-1], strict=True):
            image, where = matrix.transposed_times(signals[0])
            below = self._pull_back(h, scales.hidden * image)
            signals.insert(0, below + scales.residual * signals[0])
            coordinates.insert(0, where)
        return signals, coordinates
