r"""The regression problem of grokking: target and network are quadratic polynomials, of known distance.

The network is $f = \alpha (\bar w \cdot x + \frac\varepsilon2 x^T M x)$, so with
$A = \alpha\varepsilon M - \beta\beta^T$ the error is $f - y = \alpha \bar w \cdot x + \frac12 x^T A x$. Its terms
are uncorrelated, and $E[(x^T A x)^2] = ((\mathrm{tr} A)^2 + 2|A|_F^2)/D^2$ for Gaussian x: half its mean square is

$$\frac12 \Big[ \frac{(\mathrm{tr} A)^2}{4 D^2} + \frac{|A|_F^2}{2 D^2} + \frac{\alpha^2 |\bar w|^2}{D} \Big],$$

which the paper calls variance, misalignment and power in the linear modes; it has them without the $\frac12$.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .spec import GrokkingSpec


class Polynomial(NamedTuple):
    r"""The network as a function: $f = \mathrm{linear} \cdot x + \frac12 x^T \mathrm{quadratic}\, x$."""

    linear: Float[Array, " in_dim"]
    quadratic: Float[Array, "in_dim in_dim"]

    @classmethod
    def of(cls, weights: Float[Array, "width in_dim"], alpha: Any, epsilon: Any) -> "Polynomial":
        """Return what a network of these weights computes."""
        return cls(alpha * weights.mean(axis=0), alpha * epsilon * weights.T @ weights / len(weights))

    def __call__(self, x: Float[Array, "n in_dim"]) -> Float[Array, " n"]:
        """Return its values."""
        return x @ self.linear + jnp.sum(x @ self.quadratic * x, axis=1) / 2

    def minus(self, other: "Polynomial") -> "Polynomial":
        """Return the difference of two polynomials."""
        return Polynomial(self.linear - other.linear, self.quadratic - other.quadratic)

    def mean_squares(self) -> tuple[Any, Any, Any]:
        """Return the expected square for x ~ N(0, I/D): of the mean, of the quadratic and of the linear modes."""
        dim = len(self.linear)
        mean, size = jnp.trace(self.quadratic) / dim / 2, jnp.sum(self.quadratic**2)
        return mean**2, size / dim**2 / 2, self.linear @ self.linear / dim


class Problem(NamedTuple):
    """Training and test points, the target's direction, the first weights, and f_0 where it is subtracted."""

    x: Float[Array, "n in_dim"]
    x_test: Float[Array, "n_test in_dim"]
    beta: Float[Array, " in_dim"]
    weights: Float[Array, "width in_dim"]
    offset: Polynomial

    @classmethod
    def of(cls, spec: GrokkingSpec) -> "Problem":
        """Draw it, in double precision, but for weights that single precision holds."""
        dim = spec.in_dim
        points, weights = np.random.default_rng(spec.seed).spawn(2)
        beta = points.standard_normal(dim)
        x, x_test = (jnp.asarray(points.standard_normal((n, dim)) / dim**0.5) for n in (spec.n_train, spec.n_test))
        first = jnp.asarray(weights.standard_normal((spec.width, dim)).astype(np.float32), jnp.float64)
        start = Polynomial.of(first, spec.alpha * spec.centred, spec.epsilon)
        return cls(x, x_test, jnp.asarray(beta * dim**0.5 / np.linalg.norm(beta)), first, start)

    @property
    def target(self) -> Polynomial:
        """The function that is learned."""
        return Polynomial(0 * self.beta, jnp.outer(self.beta, self.beta))


def tangent_kernel(
    weights: Float[Array, "width in_dim"], epsilon: Any, x: Float[Array, "n in_dim"]
) -> Float[Array, "n n"]:
    """Return the tangent kernel of these weights on points x."""
    slopes = 1 + epsilon * x @ weights.T
    return x @ x.T * (slopes @ slopes.T) / len(weights)
