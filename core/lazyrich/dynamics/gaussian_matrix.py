r"""A wide Gaussian matrix of which only what is asked for is drawn.

Let W be S x S with independent entries of variance 1/S, and $\langle a, b\rangle = a \cdot b / S$. Training touches W
only through $W p$ for some vectors p and $W^T g$ for others, so only these are drawn: W is kept as an orthonormal basis
$q_j$ of the p seen so far with its images $x_j = W q_j$, and one $y_k$ of the g with $z_k = W^T y_k$. A direction
$q \perp q_j$ that is new has the image

$$W q = \sum_k y_k \langle z_k, q\rangle + P_{\perp y}\, \xi, \qquad \xi \sim N(0, I),$$

which is W's law given all that is known: with Q, X, Y, Z the columns, every matrix that agrees with $WQ = X$ and
$W^T Y = Z$ is $(X Q^T + Y Z^T)/S - Y (Y^T X) Q^T/S^2 + P_{\perp y} W' P_{\perp q}$, and the Gaussian's law on such an
affine space is that of a free $W'$ (Bolthausen 2014; Bayati & Montanari 2011). The first term is what dynamical
mean-field theory writes with a response function: by Stein's lemma $\langle z_k, \phi(h)\rangle$ is the mean of
$\partial\phi(h)/\partial z_k$ (Bordelon & Pehlevan 2022).

Fresh vectors $\xi$ are made orthonormal to all others drawn in the same layer. As S grows they are so by themselves;
at finite S it removes the sampling error of everything linear, and the whole of it in a linear network.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

Vectors = Float[Array, "n particles"]


class Drawn(NamedTuple):
    """The fresh vectors of a layer, orthonormal; rows past the count are 0."""

    vectors: Float[Array, "drawn particles"]
    count: Int[Array, ""]


class Side(NamedTuple):
    """What is known of W (or of its transpose): orthonormal directions, their images, and how long vectors are."""

    basis: Float[Array, "slots particles"]
    images: Float[Array, "slots particles"]
    count: Int[Array, ""]
    scale: Float[Array, ""]


class GaussianMatrix(NamedTuple):
    r"""W plus what training has added to it, $\sum_{kj} y_k M_{kj} q_j^T / S$."""

    inputs: Side
    outputs: Side
    moved: Float[Array, "slots slots"]

    @classmethod
    def unseen(cls, slots: int, particles: int, dtype: Any) -> "GaussianMatrix":
        """Return a matrix of which nothing is known, with room for `slots` directions on each side."""

        def side() -> Side:  # one each, since their memory is handed on
            basis, images = (jnp.zeros((slots, particles), dtype) for _ in range(2))
            return Side(basis, images, jnp.zeros((), "int32"), jnp.zeros((), dtype))

        return cls(side(), side(), jnp.zeros((slots, slots), dtype))

    @property
    def transposed(self) -> "GaussianMatrix":
        """The transpose."""
        return GaussianMatrix(self.outputs, self.inputs, self.moved.T)


class Visit(NamedTuple):
    """What comes of multiplying vectors: their images, their coordinates in the basis, and what is known now.

    `left_out` is the norm, relative to the first vectors', of what found no room.
    """

    images: Vectors
    coordinates: Float[Array, "n slots"]
    matrix: GaussianMatrix
    drawn: Drawn
    left_out: Float[Array, ""]


def inner(a: Float[Array, "n particles"], b: Float[Array, "m particles"]) -> Float[Array, "n m"]:
    """Return the means over particles <a_i b_j>."""
    return a @ b.T / a.shape[1]


@jax.jit
def orthonormal(vectors: Vectors) -> Vectors:
    """Return vectors that are nearly orthonormal, or 0, made so: by the inverse root of their Gram matrix."""
    values, turn = jnp.linalg.eigh(inner(vectors, vectors))
    inverse = jnp.where(values > 0, jax.lax.rsqrt(jnp.where(values > 0, values, 1.0)), 0.0)
    inverse = jnp.where(values > 1e-3 * values[-1], inverse, 0.0)
    return (turn * inverse[None, :]) @ turn.T @ vectors


def without(vectors: Vectors, basis: Float[Array, "m particles"]) -> Vectors:
    """Return `vectors` less their projections on an orthonormal basis."""
    return vectors - inner(vectors, basis) @ basis


def _expected(matrix: GaussianMatrix, coordinates: Float[Array, "n slots"], rest: Vectors) -> Vectors:
    """Return the mean, given all that is known, of the images of `coordinates` in the basis plus `rest` outside it."""
    onto_outputs = coordinates @ matrix.moved.T + inner(rest, matrix.outputs.images)
    return coordinates @ matrix.inputs.images + onto_outputs @ matrix.outputs.basis


@jax.jit
def look(matrix: GaussianMatrix, vectors: Vectors, noise: Vectors) -> Vectors:
    """Return images without keeping anything; what is new in `vectors` has its random part from `noise`.

    `noise`, orthonormal and of as many rows, makes the images at different times go together.
    """
    coordinates = inner(vectors, matrix.inputs.basis)
    rest = vectors - coordinates @ matrix.inputs.basis
    values, turn = jnp.linalg.eigh(inner(rest, rest))
    root = (turn * jnp.sqrt(jnp.maximum(values, 0.0))[None, :]) @ turn.T
    return _expected(matrix, coordinates, rest) + root @ without(noise, matrix.outputs.basis)


def _append(
    rows: Float[Array, "slots particles"], new: Vectors, count: Int[Array, ""]
) -> Float[Array, "slots particles"]:
    return jax.lax.dynamic_update_slice(rows, new, (count, jnp.int32(0)))


@partial(jax.jit, donate_argnames=("matrix", "drawn"))
def visit(matrix: GaussianMatrix, vectors: Vectors, drawn: Drawn, key: jax.Array, tolerance: Any) -> Visit:
    """Return the images of `vectors`, drawing those of new directions longer than `tolerance` of the first vectors.

    The last n rows of the room are never filled, as n rows are written at a time. What is known is written where it
    was: `matrix` and `drawn` cannot be used again.
    """
    side, other = matrix.inputs, matrix.outputs
    coordinates = inner(vectors, side.basis)
    residual = vectors - coordinates @ side.basis
    values, turn = (flipped[..., ::-1] for flipped in jnp.linalg.eigh(inner(residual, residual)))
    norm = jnp.sqrt(jnp.max(jnp.mean(vectors**2, axis=1)))
    scale = jnp.where(side.count > 0, side.scale, norm)
    is_new = values > (tolerance * scale) ** 2
    number = is_new.sum(dtype=jnp.int32)
    fits = side.count + number <= side.basis.shape[0] - len(vectors)

    def draw():
        unit = jnp.where(is_new, jax.lax.rsqrt(jnp.where(is_new, values, 1.0)), 0.0)
        new = orthonormal(without((turn * unit[None, :]).T @ residual, side.basis))
        fresh = without(jax.random.normal(key, vectors.shape, vectors.dtype), drawn.vectors)
        fresh = jnp.where(is_new[:, None], orthonormal(without(fresh, other.basis)), 0.0)
        return new, fresh, inner(new, other.images) @ other.basis + fresh

    nothing = jnp.zeros_like(vectors)
    new, fresh, images = jax.lax.cond(fits & (number > 0), draw, lambda: (nothing, nothing, nothing))
    number = jnp.where(fits, number, 0)
    left_out = jnp.where(fits, 0.0, jnp.sqrt(jnp.maximum(values[0], 0.0)) / scale)
    matrix = matrix._replace(
        inputs=Side(
            _append(side.basis, new, side.count), _append(side.images, images, side.count), side.count + number, scale
        )
    )
    drawn = Drawn(_append(drawn.vectors, fresh, drawn.count), drawn.count + number)
    along = inner(vectors, new)
    coordinates += jax.lax.dynamic_update_slice(jnp.zeros_like(coordinates), along, (jnp.int32(0), side.count))
    return Visit(_expected(matrix, coordinates, residual - along @ new), coordinates, matrix, drawn, left_out)
