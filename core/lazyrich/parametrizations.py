r"""Parametrizations: how a network's output scales with its width.

One formula serves all: $f = \frac1\gamma \sqrt{s_w^2/N}\, w \cdot \phi(h^L)$ with raw weights N(0, 1) and learning rate
$\eta\gamma^2$, so that the function first moves at the rate $\eta\Theta$ whatever $\gamma$ is.

| name | $\gamma$ | width to infinity |
|---|---|---|
| ntk | $\gamma_0$ | lazy: the kernel stands still |
| mup, mean_field | $\gamma_0\sqrt N$ | rich: features move, the more the larger $\gamma_0$ |

Sources: Jacot, Gabriel & Hongler 2018; Chizat, Oyallon & Bach 2019 ($\alpha = 1/\gamma$); Yang & Hu 2021;
Bordelon & Pehlevan 2022, eq. 1.
"""

import math

from ._checks import choice

_WIDTH_POWER = {"ntk": 0.0, "mup": 0.5, "mean_field": 0.5}
PARAMETRIZATIONS = tuple(_WIDTH_POWER)


def output_scale(parametrization: str, richness: float, width: int) -> float:
    r"""Return $\gamma = \gamma_0 N^p$, with p = 0 (ntk) or 1/2 (mup, mean_field)."""
    power = _WIDTH_POWER[choice(parametrization, "parametrization", _WIDTH_POWER)]
    return richness * math.pow(width, power)
