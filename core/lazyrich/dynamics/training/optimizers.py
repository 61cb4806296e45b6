r"""How a gradient moves the raw weights: gradient descent, with or without heavy-ball momentum, Adam and muP-Adam.

With $G = \gamma\, \partial\,\mathrm{Loss}/\partial w$, whose size does not depend on the output scale $\gamma$, and the
learning rate $\eta$,

| optimizer | step of a raw weight w |
|---|---|
| gradient_descent | $-\eta\gamma r v$, $v \leftarrow \beta v + G$: without momentum $-\eta\gamma^2 r \nabla$ |
| adam | $-\eta \sqrt r\, \hat m/(\sqrt{\hat v} + \epsilon)$ with the moments m and v of G |
| mup_adam | the same, divided by $\sqrt N$ for the weights between hidden layers |

where $r$ is the parametrization's own rate of that weight (`Scales`), 1 in ntk, mup and mean_field. Sources: Polyak
1964; Kingma & Ba 2015, algorithm 1, with their $\beta_1 = 0.9$, $\beta_2 = 0.999$, $\epsilon = 10^{-8}$.

muP-Adam is table 8 of Yang et al. 2021, "Tensor Programs V", in raw weights: a step of $\eta$ in each raw weight of the
first layer or of the readout moves a unit's input, or the output, by $O(\eta)$ at every width; in a hidden layer it
moves a unit's input by $O(\eta\sqrt N)$, since all N terms add up, hence the $1/\sqrt N$.
"""

from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array

from ..._checks import choice, number
from ...mlp import Params, Scales

OPTIMIZERS = ("gradient_descent", "adam", "mup_adam")


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Optimizer:
    """An optimizer: its name and whether there is momentum are compiled, how much is a runtime value."""

    momentum: Any
    name: str = field(metadata={"static": True})
    has_momentum: bool = field(metadata={"static": True})

    @classmethod
    def of(cls, name: Any, momentum: Any) -> "Optimizer":
        """Return the optimizer of a name, with heavy-ball momentum in [0, 1).

        Raises:
            ValueError: an unknown name, momentum out of its range, or with an optimizer that has its own.
        """
        choice(name, "optimizer", OPTIMIZERS)
        momentum = number(momentum, "momentum", least=0)
        if momentum >= 1 or (momentum and name != "gradient_descent"):
            raise ValueError(
                f"momentum must be below 1, and 0 for {' and '.join(OPTIMIZERS[1:])}, which have their own; got "
                f"{momentum:g} with {name}. Lower it."
            )
        return cls(momentum, name, momentum > 0)

    def _transformation(self) -> optax.GradientTransformation:
        if self.name == "gradient_descent":
            return optax.trace(self.momentum) if self.has_momentum else optax.identity()
        return optax.scale_by_adam()

    def start(self, params: Params) -> Params:
        """Return the memory before the first step, one for each array of `params`."""
        begin = self._transformation().init
        return Params._make(begin(a) for a in params)._replace(hidden=tuple(begin(a) for a in params.hidden))

    def step(self, rate: Any, weights: Array, memory: Any, gradient: Array) -> tuple[Array, Any]:
        """Return weights and their memory after one step; `rate` is the learning rate times that of `rates`."""
        direction, memory = self._transformation().update(gradient, memory)
        return weights - rate * direction, memory

    def rates(self, scales: Scales, width: int) -> Params:
        """Return what multiplies the learning rate, for each array of weights."""
        own = Params(scales.first_rate, scales.hidden_rate, scales.readout_rate, scales.bias_rate, scales.bias_rate)
        if self.name == "gradient_descent":
            return Params._make(rate * scales.gamma for rate in own)
        roots = Params._make(jnp.sqrt(rate) for rate in own)
        return roots._replace(hidden=roots.hidden / width**0.5) if self.name == "mup_adam" else roots
