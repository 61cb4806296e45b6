"""Network: what a fully connected network is, as one frozen value.

It holds no weights: `lazyrich.init` draws them, `lazyrich.ntk` needs none.
"""

import math
from dataclasses import dataclass

from ._checks import flag, number, whole
from .activations import Activation, activation
from .parametrizations import ABC, checked_parametrization, width_exponents


@dataclass(frozen=True)
class Network:
    r"""A multilayer perceptron.

    $$h^1 = \sqrt{s_w^2/D}\, W^0 x + s_b b^0, \quad
    h^{l+1} = \sqrt{s_w^2/N}\, W^l \phi(h^l) + s_b b^l + \alpha h^l, \quad
    f = \frac1\gamma\big(\sqrt{s_w^2/N}\, w \cdot \phi(h^L) + s_b b\big)$$

    With layer normalisation $\phi(h)$ becomes $\phi((h - \bar h) / \mathrm{sd}(h))$, mean and deviation over the units.

    Frozen and hashable; every field is checked when it is made.

    Args:
        depth: hidden layers L, at least 1.
        width: units N of each hidden layer, at least 1. Infinite-width kernels do not depend on it.
        activation: a name known to `lazyrich.activation`, or an `Activation`.
        weight_var: weight variance s_w^2 >= 0, dimensionless.
        bias_var: bias variance s_b^2 >= 0, dimensionless.
        parametrization: ntk, mup, mean_field or standard, or an `ABC` of L + 1 layers; see `lazyrich.parametrizations`.
        richness: gamma_0 > 0; small is lazy.
        residual: strength alpha >= 0 of the connections that skip a hidden layer; 0 means none.
        layer_norm: whether each hidden layer's preactivations are normalised before the activation.

    Raises:
        ValueError: a field is out of its range.
    """

    depth: int = 3
    width: int = 512
    activation: str | Activation = "relu"
    weight_var: float = 2.0
    bias_var: float = 0.0
    parametrization: str | ABC = "ntk"
    richness: float = 1.0
    residual: float = 0.0
    layer_norm: bool = False

    def __post_init__(self):
        """Check each field and bring it to its type."""
        checked = {
            "depth": whole(self.depth, "depth", 1),
            "width": whole(self.width, "width", 1),
            "activation": activation(self.activation),
            "weight_var": number(self.weight_var, "weight_var", least=0),
            "bias_var": number(self.bias_var, "bias_var", least=0),
            "parametrization": checked_parametrization(self.parametrization, whole(self.depth, "depth", 1)),
            "richness": number(self.richness, "richness", above=0),
            "residual": number(self.residual, "residual", least=0),
            "layer_norm": flag(self.layer_norm, "layer_norm"),
        }
        if checked["parametrization"] == "standard" and checked["weight_var"] == 0:
            raise ValueError(
                "weight_var must be above 0 in the standard parametrization, whose weights are drawn with it; got 0. "
                "Raise weight_var, or pick ntk."
            )
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    @property
    def phi(self) -> Activation:
        """The activation as an `Activation` (the field may have been given as a name)."""
        return activation(self.activation)

    @property
    def gamma(self) -> float:
        r"""The output scale $\gamma$: gamma_0, times sqrt(N) for mup and mean_field, or the power of N of an `ABC`."""
        return self.richness * math.pow(self.width, width_exponents(self.parametrization).gamma)
