"""Activations: an elementwise function and its dual, under the name that networks and experiments use.

To add one, add a line to `FAMILIES`: the function, its dual and its parameters with their defaults. Parameters are
runtime values: moving a slope does not recompile (a monomial's degree does).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ._checks import choice, number, numbers, whole
from .duals import (
    Covariances,
    FirstVariances,
    Moments,
    SecondVariances,
    Variances,
    derivative,
    erf_dual,
    exp_dual,
    gaussian_dual,
    gelu_dual,
    hermite_dual,
    hermite_second_moment,
    kinked_dual,
    kinked_second_moment,
    piecewise_linear_dual,
    polynomial_dual,
    sine_dual,
    step_dual,
)

_MOST_ENTRIES = 20


@dataclass(frozen=True, eq=False)
class Family:
    """What stands behind a name: `phi(z, **parameters)`, its dual, and its parameters' defaults.

    A default that is a float, a whole number or a tuple says that the parameter is one, too.
    """

    phi: Callable
    dual: Callable
    second_moment: Callable
    defaults: dict[str, Any]
    # Where there is a kink, the dual is given E[(u - v)^2] and returns E[(phi(u) - phi(v))^2].
    needs_distance: bool = False
    # False where phi jumps: Tdot, and with it the tangent kernel, is infinite at coincident points.
    has_tangent: bool = True
    # True where, on points of unequal norms, every pair of them is a quadrature of its own: seconds for 10,000 pairs.
    is_quadrature: bool = False


def _closed(phi: Callable, dual: Callable, **defaults: Any) -> Family:
    """Return the family of a smooth phi whose second moment is the diagonal of its dual."""

    def diagonal(q: Variances, **parameters: Any) -> Variances:
        return jax.vmap(lambda q: dual(q[None], q[None], q[None, None], **parameters).t[0, 0])(q)

    return Family(phi, dual, diagonal, defaults)


def _of_two_sides(phi: Callable, dual: Callable, sides: Callable, has_tangent: bool, **defaults: float) -> Family:
    """Return the family of a phi made of two rays from 0, whose slopes or heights `sides(**parameters)` gives."""

    def with_sides(*moments, **parameters):
        negative, positive = sides(**parameters)
        return dual(*moments, negative=negative, positive=positive)

    def second_moment(q: Variances, **parameters: Any) -> Variances:
        negative, positive = sides(**parameters)
        return (negative**2 + positive**2) / 2 * (q if has_tangent else jnp.where(q > 0, 1.0, 0.0))

    return Family(phi, with_sides, second_moment, defaults, needs_distance=True, has_tangent=has_tangent)


def _piecewise_linear(phi: Callable, slopes: Callable, **defaults: float) -> Family:
    return _of_two_sides(phi, piecewise_linear_dual, slopes, True, **defaults)


def _step(phi: Callable, heights: Callable) -> Family:
    return _of_two_sides(phi, step_dual, heights, False)


def _polynomial(to_powers: Callable, **defaults: Any) -> Family:
    """Return the family of a polynomial, where `to_powers(**parameters)` gives the coefficients of z^0, z^1, ..."""

    def phi(z: jax.Array, **parameters: Any) -> jax.Array:
        return jnp.polyval(jnp.asarray(to_powers(**parameters), z.dtype)[::-1], z)

    def dual(q1, q2, k, distance=None, **parameters: Any) -> Moments:
        return polynomial_dual(q1, q2, k, coefficients=jnp.asarray(to_powers(**parameters), k.dtype))

    return _closed(phi, dual, **defaults)


def _hermite_to_powers(coefficients: Any) -> Any:
    """Return the powers of sum_d a_d He_d(z) / sqrt(d!)."""
    count = len(coefficients)
    rows = np.zeros((count, count))
    for d in range(count):
        row = np.polynomial.hermite_e.herme2poly(np.eye(count)[d]) / np.sqrt(float(np.prod(np.arange(1, d + 1))))
        rows[d, : len(row)] = row
    return sum(a * row for a, row in zip(coefficients, rows, strict=True))


def _sine(phi: Callable, waves: Callable, **defaults: float) -> Family:
    """Return the family of a multiple of sin(b z + c), where `waves(**parameters)` gives the multiple, b and c."""

    def dual(*moments, **parameters: Any) -> Moments:
        scale, frequency, phase = waves(**parameters)
        t, tdot, _ = sine_dual(*moments, frequency=frequency, phase=phase)
        return Moments(scale**2 * t, scale**2 * tdot)

    return _closed(phi, dual, **defaults)


def _smooth(phi: Callable, parity: int = 0) -> Family:
    return Family(
        phi, partial(hermite_dual, phi, parity=parity), partial(hermite_second_moment, phi, parity=parity), {}
    )


def _kinked(phi: Callable, kinks: tuple[float, ...]) -> Family:
    dual, moment = partial(kinked_dual, phi, kinks), partial(kinked_second_moment, phi, kinks)
    return Family(phi, dual, moment, {}, needs_distance=True, is_quadrature=True)


def _leaky_relu(z: jax.Array, slope: Any) -> jax.Array:
    return jnp.where(z > 0, z, slope * z)


def _rbf_wave(gamma: Any) -> tuple[Any, Any, Any]:
    return math.sqrt(2), jnp.sqrt(2.0 * gamma), math.pi / 4


FAMILIES: dict[str, Family] = {
    "relu": _piecewise_linear(jax.nn.relu, lambda: (0.0, 1.0)),
    "leaky_relu": _piecewise_linear(_leaky_relu, lambda slope: (slope, 1.0), slope=0.01),
    "abs": _piecewise_linear(jnp.abs, lambda: (-1.0, 1.0)),
    "erf": _closed(jax.lax.erf, erf_dual),
    "gelu": _closed(partial(jax.nn.gelu, approximate=False), gelu_dual),
    "tanh": _smooth(jnp.tanh, parity=-1),
    "sigmoid": _smooth(jax.nn.sigmoid),
    "softplus": _smooth(jax.nn.softplus),
    "silu": _smooth(jax.nn.silu),
    "mish": _smooth(jax.nn.mish),
    "elu": _kinked(jax.nn.elu, (0.0,)),
    "selu": _kinked(jax.nn.selu, (0.0,)),
    "hard_tanh": _kinked(jax.nn.hard_tanh, (-1.0, 1.0)),
    "sin": _sine(
        lambda z, frequency, phase: jnp.sin(frequency * z + phase),
        lambda frequency, phase: (1.0, frequency, phase), frequency=1.0, phase=0.0,
    ),
    "cos": _sine(
        lambda z, frequency, phase: jnp.cos(frequency * z + phase),
        lambda frequency, phase: (1.0, frequency, phase + math.pi / 2), frequency=1.0, phase=0.0,
    ),
    # Random Fourier features of the kernel exp(-gamma |u - v|^2): Rahimi & Recht 2007, section 3.
    "rbf": _sine(
        lambda z, gamma: math.sqrt(2) * jnp.sin(jnp.sqrt(2.0 * gamma) * z + math.pi / 4), _rbf_wave, gamma=1.0
    ),
    "exp": _closed(jnp.exp, exp_dual),
    "gaussian": _closed(lambda z, rate: jnp.exp(-rate * z**2), gaussian_dual, rate=1.0),
    "identity": _polynomial(lambda: (0.0, 1.0)),
    "quadratic": _polynomial(lambda: (0.0, 0.0, 1.0)),
    "monomial": _polynomial(lambda degree: np.eye(degree + 1)[degree], degree=3),
    "hermite": _polynomial(_hermite_to_powers, coefficients=(0.0, 1.0)),
    "step": _step(lambda z: jnp.where(z > 0, 1.0, 0.0), lambda: (0.0, 1.0)),
    "sign": _step(jnp.sign, lambda: (-1.0, 1.0)),
}  # fmt: skip


@jax.tree_util.register_pytree_node_class
@dataclass(frozen=True)
class Activation:
    """An activation with its parameters; build one with `activation`.

    Frozen and hashable. As a JAX pytree its real parameters are leaves; its name and whole-number ones are structure.
    """

    name: str
    parameters: tuple[tuple[str, Any], ...] = ()  # numbers, or whatever JAX puts in their place
    own: Family | None = None  # of a function that is not in `FAMILIES`

    @property
    def family(self) -> Family:
        """What stands behind the name."""
        return self.own or FAMILIES[self.name]

    def phi(self, z: jax.Array) -> jax.Array:
        """Apply the activation, elementwise."""
        return self.family.phi(z, **dict(self.parameters))

    def derivative(self, z: jax.Array) -> jax.Array:
        """Return phi'(z), elementwise."""
        return derivative(self.phi)(z)

    @property
    def needs_distance(self) -> bool:
        """Whether kernels of close points need their distance, as they do where phi has a kink."""
        return self.family.needs_distance

    @property
    def has_tangent(self) -> bool:
        """Whether it has a tangent kernel; an activation that jumps has none."""
        return self.family.has_tangent

    def dual(
        self, q1: FirstVariances, q2: SecondVariances, k: Covariances, distance: Covariances | None = None
    ) -> Moments:
        """Return T, Tdot and, where it is needed, the distance after the activation; see `lazyrich.duals`.

        Shapes are (n1,), (n2,), (n1, n2) and, for E[(u - v)^2], (n1, n2).
        """
        return self.family.dual(q1, q2, k, distance, **dict(self.parameters))

    def second_moment(self, q: Variances) -> Variances:
        """Return E[phi(u)^2] for u ~ N(0, q), the diagonal of the dual."""
        return self.family.second_moment(q, **dict(self.parameters))

    def __str__(self) -> str:
        """Return the name, with the parameters if there are any."""
        inside = ", ".join(f"{name}={_plain(value)}" for name, value in self.parameters)
        return f"{self.name}({inside})" if inside else self.name

    def tree_flatten(self):
        """Split into runtime values and structure, for JAX."""
        fixed = tuple((key, value) for key, value in self.parameters if isinstance(value, int))
        moving = tuple((key, value) for key, value in self.parameters if not isinstance(value, int))
        return tuple(value for _, value in moving), (self.name, tuple(k for k, _ in moving), fixed, self.own)

    @classmethod
    def tree_unflatten(cls, structure, values):
        """Join what `tree_flatten` split."""
        name, keys, fixed, own = structure
        return cls(name, tuple(sorted((*fixed, *zip(keys, values, strict=True)))), own)


def _plain(value: Any) -> str:
    return f"({', '.join(f'{entry:g}' for entry in value)})" if isinstance(value, tuple) else f"{value:g}"


def _parameter(value: Any, name: str, default: Any) -> Any:
    """Return a parameter's value, once it is of its default's kind."""
    if isinstance(default, tuple):
        return numbers(value, name, _MOST_ENTRIES)
    return whole(value, name, most=_MOST_ENTRIES) if isinstance(default, int) else number(value, name)


@lru_cache(maxsize=256)  # so that the same function is the same activation, and compiles once
def _family_of(phi: Callable, kinks: tuple[float, ...]) -> Family:
    """Return the family of a function of the user's."""
    try:
        shape = jax.eval_shape(phi, jax.ShapeDtypeStruct((2, 3), np.float32)).shape
    except Exception as error:
        raise ValueError(
            f"An activation must be a JAX function of one array; {phi!r} failed: {error}. Write it with jax.numpy."
        ) from error
    if shape != (2, 3):
        raise ValueError(
            f"An activation must be elementwise; {phi!r} turned shape (2, 3) into {shape}. Write it for one number."
        )
    return _kinked(phi, kinks) if kinks else _smooth(phi)


def activation(
    name: "str | Activation | Callable", *, kinks: tuple[float, ...] | None = None, **parameters: Any
) -> Activation:
    """Return the activation called `name`, with its parameters, or one made of a function of yours.

    Args:
        name: one of `FAMILIES`, below; an `Activation`; or an elementwise JAX function, smooth but at `kinks`.
        kinks: only with a function: the points where its slope jumps or bends.
        **parameters: the family's parameters; those left out keep their defaults, or the values in the `Activation`.

    Closed duals: relu, leaky_relu (slope), abs, erf, gelu (exact), sin and cos (frequency, phase), rbf (gamma), exp,
    gaussian (rate: e^(-rate z^2)), identity, quadratic, monomial (degree), hermite (coefficients of the normalised
    Hermite polynomials), step and sign (no tangent kernel). Numerical ones: tanh, sigmoid, softplus, silu, mish, elu,
    selu, hard_tanh, and functions of yours.

    Raises:
        ValueError: an unknown name or parameter, or a parameter that is not a finite number.
    """
    if callable(name):
        name = Activation(
            getattr(name, "__name__", "function"),
            own=_family_of(name, () if kinks is None else numbers(kinks, "kinks", _MOST_ENTRIES)),
        )
        kinks = None
    if kinks is not None:
        raise ValueError(f"kinks go with a function of yours; got a name, {name!r}, that has its own. Leave them out.")
    if isinstance(name, Activation):
        if name.own:
            if parameters:
                raise ValueError(
                    f"A function of yours has no parameters here; got {', '.join(parameters)}. Close over them."
                )
            return name
        name, parameters = name.name, {**dict(name.parameters), **parameters}
    family = FAMILIES[choice(name, "activation", FAMILIES)]
    for parameter in parameters:
        if parameter not in family.defaults:
            known = ", ".join(family.defaults) or "none"
            raise ValueError(f"The parameters of {name} are: {known}; got {parameter!r}. Leave it out.")
    values = {key: _parameter(parameters.get(key, default), key, default) for key, default in family.defaults.items()}
    return Activation(name, tuple(sorted(values.items())))
