"""Activations: an elementwise function and its dual, under the name that networks and experiments use.

To add one, add a line to `FAMILIES`: the function, its dual and its parameters with their defaults. Parameters are
runtime values: moving a slope does not recompile.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from ._checks import choice, number
from .duals import (
    Covariances,
    FirstVariances,
    SecondVariances,
    Variances,
    derivative,
    erf_dual,
    gelu_dual,
    numerical_dual,
    piecewise_linear_distance,
    piecewise_linear_dual,
    second_moment,
)


@dataclass(frozen=True)
class Family:
    """What stands behind a name: `phi(z, **parameters)`, its dual, and its parameters' defaults."""

    phi: Callable
    dual: Callable
    second_moment: Callable
    defaults: dict[str, float] = field(default_factory=dict, hash=False)
    # Where there is a kink: E[(phi(u) - phi(v))^2] from E[(u - v)^2], which then goes to the dual too.
    distance: Callable | None = None


def _closed(phi: Callable, dual: Callable, second_moment: Callable, **defaults: float) -> Family:
    return Family(phi, dual, second_moment, defaults)


def _piecewise_linear(phi: Callable, slopes: Callable, **defaults: float) -> Family:
    """Return the family of a min(z, 0) + b max(z, 0), where `slopes(**parameters)` gives a and b."""

    def with_slopes(function: Callable) -> Callable:
        def run(*moments, **parameters):
            negative, positive = slopes(**parameters)
            return function(*moments, negative=negative, positive=positive)

        return run

    def second_moment(q: Variances, *, negative: Any, positive: Any) -> Variances:
        return (negative**2 + positive**2) * q / 2

    functions = (piecewise_linear_dual, second_moment, piecewise_linear_distance)
    dual, moment, distance = (with_slopes(function) for function in functions)
    return Family(phi, dual, moment, defaults, distance)


def _numerical(phi: Callable) -> Family:
    return Family(phi, functools.partial(numerical_dual, phi), functools.partial(second_moment, phi))


def _leaky_relu(z: jax.Array, slope: ArrayLike) -> jax.Array:
    return jnp.where(z > 0, z, slope * z)


FAMILIES: dict[str, Family] = {
    "relu": _piecewise_linear(jax.nn.relu, lambda: (0.0, 1.0)),
    "leaky_relu": _piecewise_linear(_leaky_relu, lambda slope: (slope, 1.0), slope=0.01),
    "erf": _closed(
        jax.lax.erf, erf_dual, lambda q: (2 / jnp.pi) * jnp.arctan2(2 * q, jnp.sqrt(1 + 4 * q))
    ),
    "gelu": _closed(
        functools.partial(jax.nn.gelu, approximate=False), gelu_dual,
        lambda q: q / 4 + (q**2 * (2 + 2 * q) / ((1 + q) ** 2 * jnp.sqrt(1 + 2 * q))
                           + q * jnp.arctan2(q, jnp.sqrt(1 + 2 * q))) / (2 * jnp.pi),
    ),
    "tanh": _numerical(jnp.tanh),
}  # fmt: skip


@jax.tree_util.register_pytree_node_class
@dataclass(frozen=True)
class Activation:
    """An activation with its parameters; build one with `activation`.

    Frozen and hashable. As a JAX pytree its parameters are leaves, its name is structure.
    """

    name: str
    parameters: tuple[tuple[str, Any], ...] = ()  # numbers, or whatever JAX puts in their place

    def phi(self, z: jax.Array) -> jax.Array:
        """Apply the activation, elementwise."""
        return FAMILIES[self.name].phi(z, **dict(self.parameters))

    def derivative(self, z: jax.Array) -> jax.Array:
        """Return phi'(z), elementwise."""
        return derivative(self.phi)(z)

    def dual(self, q1: FirstVariances, q2: SecondVariances, k: Covariances) -> tuple[Covariances, Covariances]:
        """Return (T, Tdot) for variances q1 (n1,), q2 (n2,) and covariances k (n1, n2); see `lazyrich.duals`."""
        return FAMILIES[self.name].dual(q1, q2, k, **dict(self.parameters))

    @property
    def needs_distance(self) -> bool:
        """Whether kernels of close points need their distance, as they do where phi has a kink."""
        return FAMILIES[self.name].distance is not None

    def layer(
        self, q1: FirstVariances, q2: SecondVariances, k: Covariances, distance: Covariances | None
    ) -> tuple[Covariances, Covariances, Covariances | None]:
        """Return (T, Tdot, distance after the activation) from E[(u - v)^2], None where it is not needed."""
        family, parameters = FAMILIES[self.name], dict(self.parameters)
        if family.distance is None:
            return *family.dual(q1, q2, k, **parameters), None
        return *family.dual(q1, q2, k, distance, **parameters), family.distance(q1, q2, k, distance, **parameters)

    def second_moment(self, q: Variances) -> Variances:
        """Return E[phi(u)^2] for u ~ N(0, q), the diagonal of the dual."""
        return FAMILIES[self.name].second_moment(q, **dict(self.parameters))

    def __str__(self) -> str:
        """Return the name, with the parameters if there are any."""
        inside = ", ".join(f"{name}={value:g}" for name, value in self.parameters)
        return f"{self.name}({inside})" if inside else self.name

    def tree_flatten(self):
        """Split into runtime values and structure, for JAX."""
        return tuple(value for _, value in self.parameters), (self.name, tuple(k for k, _ in self.parameters))

    @classmethod
    def tree_unflatten(cls, structure, values):
        """Join what `tree_flatten` split."""
        name, keys = structure
        return cls(name, tuple(zip(keys, values, strict=True)))


def activation(name: "str | Activation", **parameters: float) -> Activation:
    """Return the activation called `name`, with its parameters.

    Args:
        name: one of `FAMILIES`: relu, leaky_relu (slope), erf, gelu (exact), tanh; or an `Activation`.
        **parameters: the family's parameters; those left out keep their defaults, or the values in the `Activation`.

    Raises:
        ValueError: an unknown name or parameter, or a parameter that is not a finite number.
    """
    if isinstance(name, Activation):
        name, parameters = name.name, {**dict(name.parameters), **parameters}
    family = FAMILIES[choice(name, "activation", FAMILIES)]
    for parameter in parameters:
        if parameter not in family.defaults:
            known = ", ".join(family.defaults) or "none"
            raise ValueError(f"The parameters of {name} are: {known}; got {parameter!r}. Leave it out.")
    values = {**family.defaults, **parameters}
    return Activation(name, tuple((key, number(value, key)) for key, value in sorted(values.items())))
