r"""Parametrizations: how a network's output scales with its width.

One formula serves all: $f = \frac1\gamma \sqrt{s_w^2/N}\, w \cdot \phi(h^L)$ with raw weights N(0, 1) and learning rate
$\eta\gamma^2$, so that the function first moves at the rate $\eta\Theta$ whatever $\gamma$ is.

| name | $\gamma$ | width to infinity |
|---|---|---|
| ntk | $\gamma_0$ | lazy: the kernel stands still |
| mup, mean_field | $\gamma_0\sqrt N$ | rich: features move, the more the larger $\gamma_0$ |
| standard | $\gamma_0$ | no limit at a fixed learning rate: the kernel grows with N |

In the standard parametrization the weights are $W = \sqrt{s_w^2/N}\, w$ themselves, and all of them and the biases are
trained at one rate: each raw weight's rate is multiplied by $N/s_w^2$ ($D/s_w^2$ in the first layer), each raw bias's
by $1/s_b^2$.

Sources: Jacot, Gabriel & Hongler 2018; Chizat, Oyallon & Bach 2019 ($\alpha = 1/\gamma$); Yang & Hu 2021;
Bordelon & Pehlevan 2022, eq. 1.
"""

import math
from dataclasses import dataclass

from ._checks import choice, number, of_type, whole

_WIDTH_POWER = {"standard": 0.0, "ntk": 0.0, "mup": 0.5, "mean_field": 0.5}
PARAMETRIZATIONS = tuple(_WIDTH_POWER)


def output_scale(parametrization: str, richness: float, width: int) -> float:
    r"""Return $\gamma = \gamma_0 N^p$, with p = 0 (standard, ntk) or 1/2 (mup, mean_field)."""
    power = _WIDTH_POWER[choice(parametrization, "parametrization", _WIDTH_POWER)]
    return richness * math.pow(width, power)


@dataclass(frozen=True)
class ABC:
    """Width exponents of an MLP with L hidden layers: a and b of its L + 1 weight matrices, and c.

    W^l = N^(-a_l) w^l with w^l ~ N(0, N^(-2 b_l)), trained with learning rate eta N^(-c).
    """

    a: tuple[float, ...]
    b: tuple[float, ...]
    c: float


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


def classify(exponents: ABC) -> Verdict:
    r"""Return what an abc parametrization does as the width grows.

    $$r = \min(a_{L+1}+b_{L+1},\, 2a_{L+1}+c) + c - 1 + \min_{l \le L}[2a_l + 1(l=1)]$$

    Stable iff $a_1+b_1 = 0$, $a_l+b_l = 1/2$ for $2 \le l \le L$, $a_{L+1}+b_{L+1} \ge 1/2$, $r \ge 0$,
    $2a_{L+1}+c \ge 1$ and $a_{L+1}+b_{L+1}+r \ge 1$; non-trivial iff one of the last two is an equality.
    Source: Yang & Hu 2021, theorems 3.2-3.4.

    Raises:
        ValueError: exponents of fewer than two layers, of different numbers of them, or that are no numbers.
    """
    of_type(exponents, "exponents", ABC, "Make them with lazyrich.abc, or lazyrich.ABC.")
    a, b = (tuple(number(x, name) for x in getattr(exponents, name)) for name in ("a", "b"))
    c = number(exponents.c, "c")
    if len(a) != len(b) or len(a) < 2:
        raise ValueError(f"a and b must have one entry a layer, at least two; got {len(a)} and {len(b)}. Give L + 1.")
    out, step = a[-1] + b[-1], 2 * a[-1] + c
    r = min(out, step) + c - 1 + min(2 * value + (level == 0) for level, value in enumerate(a[:-1]))

    def equal(x: float, y: float) -> bool:
        return math.isclose(x, y, abs_tol=1e-9)

    def at_least(x: float, y: float) -> bool:
        return x > y or equal(x, y)

    forward = equal(a[0] + b[0], 0) and all(equal(x + y, 0.5) for x, y in zip(a[1:-1], b[1:-1], strict=True))
    stable = forward and at_least(out, 0.5) and at_least(r, 0) and at_least(step, 1) and at_least(out + r, 1)
    nontrivial = equal(step, 1) or equal(out + r, 1)
    kind = "feature learning" if equal(r, 0) else "kernel"
    regime = "unstable" if not stable else kind if nontrivial else "trivial"
    return Verdict(r, stable, nontrivial, regime)
