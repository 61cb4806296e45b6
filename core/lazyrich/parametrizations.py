r"""Parametrizations: how a network's output scales with its width.

One formula serves all: $f = \frac1\gamma \sqrt{s_w^2/N}\, w \cdot \phi(h^L)$ with raw weights N(0, 1) and learning rate
$\eta\gamma^2$, so that the function first moves at the rate $\eta\Theta$ whatever $\gamma$ is.

| name | $\gamma$ | width to infinity |
|---|---|---|
| ntk | $\gamma_0$ | lazy: the kernel stands still |
| mup, mean_field | $\gamma_0\sqrt N$ | rich: features move, the more the larger $\gamma_0$ |
| standard | $\gamma_0$ | no limit at a fixed learning rate: the kernel grows with N |

Any other width exponents (a, b, c) are an `ABC`: see `width_exponents` for what they become here.

In the standard parametrization the weights are $W = \sqrt{s_w^2/N}\, w$ themselves, and all of them and the biases are
trained at one rate: each raw weight's rate is multiplied by $N/s_w^2$ ($D/s_w^2$ in the first layer), each raw bias's
by $1/s_b^2$.

Sources: Jacot, Gabriel & Hongler 2018; Chizat, Oyallon & Bach 2019 ($\alpha = 1/\gamma$); Yang & Hu 2021;
Bordelon & Pehlevan 2022, eq. 1.
"""

import math
from dataclasses import dataclass
from typing import Any

from ._checks import choice, number, of_type, whole

_WIDTH_POWER = {"standard": 0.0, "ntk": 0.0, "mup": 0.5, "mean_field": 0.5}
PARAMETRIZATIONS = tuple(_WIDTH_POWER)
# Exponents that differ by less are the same but for rounding.
_SAME = 1e-9
# Powers of the width up to this stay within the range of float64.
_LARGEST_EXPONENT = 10.0


@dataclass(frozen=True)
class ABC:
    """Width exponents of an MLP with L hidden layers: a and b of its L + 1 weight matrices, and c.

    W^l = N^(-a_l) w^l with w^l ~ N(0, N^(-2 b_l)), trained with learning rate eta N^(-c).
    """

    a: tuple[float, ...]
    b: tuple[float, ...]
    c: float

    def __str__(self) -> str:
        """Return it as a link writes it."""
        a, b = (f"({','.join(map(repr, values))})" for values in (self.a, self.b))
        return f"abc(a={a}, b={b}, c={self.c!r})"


@dataclass(frozen=True)
class Verdict:
    """What an abc parametrization does as the width grows.

    `r` is the exponent of feature movement, which scales as N^(-r); `regime` is `feature learning` (r = 0), `kernel`
    (r > 0), `trivial` (the output does not move) or `unstable`.
    """

    r: float
    stable: bool
    nontrivial: bool
    regime: str


def abc(name: str, depth: int) -> ABC:
    """Return the exponents of a named parametrization: standard, ntk, mup or mean_field.

    Source: Yang & Hu 2021, table 1; mean_field is muP shifted by 1/2, which deepens Mei et al. 2018.

    Raises:
        ValueError: an unknown name, or a depth below 1.
    """
    depth = whole(depth, "depth", 1)
    choice(name, "parametrization", ("standard", "ntk", "mup", "mean_field"))
    inner, half, zero = depth - 1, 0.5, 0.0
    if name == "standard":
        return ABC((zero,) * (depth + 1), (zero,) + (half,) * depth, zero)
    if name == "ntk":
        return ABC((zero,) + (half,) * depth, (zero,) * (depth + 1), zero)
    if name == "mup":
        return ABC((-half,) + (zero,) * inner + (half,), (half,) * (depth + 1), zero)
    return ABC((zero,) + (half,) * inner + (1.0,), (zero,) * (depth + 1), -1.0)


@dataclass(frozen=True)
class WidthExponents:
    """What an `ABC` is for raw weights N(0, 1): the powers of N in the factors, the output scale and the rates.

    Attributes:
        first: of the factor of the first weights and of the biases, beyond sqrt(sw^2/D) and sb.
        hidden: of the factor of the other weights, beyond sqrt(sw^2/N).
        gamma: of the output scale.
        first_rate: of the rate of the first weights and of the biases, over gamma^2.
        hidden_rate: of that of the weights between hidden layers.
        readout_rate: of that of the readout.
    """

    first: float
    hidden: float
    gamma: float
    first_rate: float
    hidden_rate: float
    readout_rate: float

    @property
    def keeps_activations(self) -> bool:
        """Whether preactivations at initialisation keep their size as the width grows."""
        return max(abs(self.first), abs(self.hidden)) < _SAME

    @property
    def keeps_rates(self) -> bool:
        """Whether every layer is trained at a rate that does not depend on the width, as in ntk."""
        return max(abs(rate) for rate in (self.first_rate, self.hidden_rate, self.readout_rate)) < _SAME


def width_exponents(parametrization: "str | ABC") -> WidthExponents:
    r"""Return the powers of the width N in a network of this parametrization.

    Derived: with $w^l = N^{-b_l} u^l$ and $u^l \sim N(0, 1)$ the weights are $W^l = N^{-a_l-b_l} u^l$, and the step
    $\eta N^{-c}$ of $w^l$ is the step $\eta N^{2b_l-c}$ of $u^l$. What the readout has beyond the hidden layers'
    $N^{-a_h-b_h}$ goes into $\gamma = N^{a_{L+1}+b_{L+1}-a_h-b_h}$, which the step is multiplied by the square of, so
    that the layers' own rates are $N^{2b_l-c}/\gamma^2$. With one hidden layer $a_h + b_h$ counts as 1/2.
    """
    if isinstance(parametrization, str):
        return WidthExponents(0, 0, _WIDTH_POWER[parametrization], 0, 0, 0)
    a, b, c = parametrization.a, parametrization.b, parametrization.c
    hidden = [*zip(a, b, strict=True)][1:-1]
    a_hidden, b_hidden = hidden[0] if hidden else (0.5 - b[-1], b[-1])
    gamma = a[-1] + b[-1] - a_hidden - b_hidden
    rates = [2 * x - c - 2 * gamma for x in (b[0], b_hidden, b[-1])]
    return WidthExponents(-a[0] - b[0], 0.5 - a_hidden - b_hidden, gamma, *rates)


def checked_parametrization(value: Any, depth: int) -> "str | ABC":
    """Return a known name, or an `ABC` of L + 1 layers whose hidden ones share their exponents."""
    if not isinstance(value, ABC):
        return choice(value, "parametrization", PARAMETRIZATIONS)
    exponents = _checked(value)
    if len(exponents.a) != depth + 1:
        raise ValueError(
            f"An ABC parametrization must have an entry for each of the L + 1 = {depth + 1} layers; got "
            f"{len(exponents.a)}. Give as many, or change the depth."
        )
    largest = max(map(abs, (*exponents.a, *exponents.b, exponents.c)))
    if largest > _LARGEST_EXPONENT:
        raise ValueError(
            f"Width exponents must be at most {_LARGEST_EXPONENT:g} in size; got {largest:g}. Give smaller ones."
        )
    if len(set(zip(exponents.a[1:-1], exponents.b[1:-1], strict=True))) > 1:
        raise ValueError(
            f"The weights between hidden layers must share their exponents; got a = {exponents.a[1:-1]} and "
            f"b = {exponents.b[1:-1]}. Give equal ones."
        )
    return exponents


def _checked(exponents: Any) -> ABC:
    """Return exponents of at least two layers, all of them floats."""
    of_type(exponents, "exponents", ABC, "Make them with lazyrich.abc, or lazyrich.ABC.")
    a, b = (tuple(number(x, name) for x in getattr(exponents, name)) for name in ("a", "b"))
    if len(a) != len(b) or len(a) < 2:
        raise ValueError(f"a and b must have one entry a layer, at least two; got {len(a)} and {len(b)}. Give L + 1.")
    return ABC(a, b, number(exponents.c, "c"))


def classify(exponents: ABC) -> Verdict:
    r"""Return what an abc parametrization does as the width grows.

    $$r = \min(a_{L+1}+b_{L+1},\, 2a_{L+1}+c) + c - 1 + \min_{l \le L}[2a_l + 1(l=1)]$$

    Stable iff $a_1+b_1 = 0$, $a_l+b_l = 1/2$ for $2 \le l \le L$, $a_{L+1}+b_{L+1} \ge 1/2$, $r \ge 0$,
    $2a_{L+1}+c \ge 1$ and $a_{L+1}+b_{L+1}+r \ge 1$; non-trivial iff one of the last two is an equality.
    Source: Yang & Hu 2021, theorems 3.2-3.4.

    Raises:
        ValueError: exponents of fewer than two layers, of different numbers of them, or that are no numbers.
    """
    exponents = _checked(exponents)
    a, b, c = exponents.a, exponents.b, exponents.c
    out, step = a[-1] + b[-1], 2 * a[-1] + c
    r = min(out, step) + c - 1 + min(2 * value + (level == 0) for level, value in enumerate(a[:-1]))

    def equal(x: float, y: float) -> bool:
        return math.isclose(x, y, abs_tol=_SAME)

    def at_least(x: float, y: float) -> bool:
        return x > y or equal(x, y)

    forward = equal(a[0] + b[0], 0) and all(equal(x + y, 0.5) for x, y in zip(a[1:-1], b[1:-1], strict=True))
    stable = forward and at_least(out, 0.5) and at_least(r, 0) and at_least(step, 1) and at_least(out + r, 1)
    nontrivial = equal(step, 1) or equal(out + r, 1)
    kind = "feature learning" if equal(r, 0) else "kernel"
    regime = "unstable" if not stable else kind if nontrivial else "trivial"
    return Verdict(r, stable, nontrivial, regime)
