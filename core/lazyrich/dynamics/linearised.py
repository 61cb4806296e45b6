r"""How the linearised network would have trained: in closed form, from its kernel at initialisation.

The network linearised about its own initial weights trains by the linear ODE of `LinearDynamics`, with its empirical
kernel $\hat\Theta_0$ in place of the infinite-width one and its own $f_0$ (Lee et al. 2019, eqs. 8-11). No second
network is trained. At $t = \infty$ it is kernel regression with $\hat\Theta_0$.

The C outputs are coupled by the kernel's off-diagonal blocks. So the pairs (point, output) are taken as nC points with
one output each; the loss is a mean over n, which `LinearDynamics` takes over nC, hence a kernel and a loss C times as
large.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._checks import as_targets, flag, of_type
from .._float64 import is_traced
from ..kernels import empirical_ntk
from ..mlp import Params, apply
from ..networks import Network
from .linear import LinearDynamics


class LinearisedTraining:
    """Outputs and losses of a network linearised about `params`, at any training time.

    Args:
        net: the network.
        params: the weights it is linearised about, theta_0.
        x: training points, (n, D).
        y: targets, (n, C); a vector means C = 1.
        x_test: test points, (n', D); needed for everything on them.
        learning_rate: None for gradient flow, or the step size eta of gradient descent.
        centred: whether f - f_0 is trained in place of f.

    Times `t` are gradient-flow times (learning rate x steps): a scalar or an array (T,), infinity included. Everything
    is computed in float64. The kernel is (nC, nC), and its eigenvectors take most of the time.

    Raises:
        ValueError: weights, points and targets that do not fit together.
    """

    def __init__(
        self,
        net: Network,
        params: Params,
        x: Any,
        y: Any,
        x_test: Any = None,
        *,
        learning_rate: float | None = None,
        centred: bool = False,
    ):
        of_type(params, "params", Params, "Draw them with lazyrich.init.")
        # A loop indexes no NumPy array when traced, and outside of a transformation this is float64 in any case.
        xp = jnp if is_traced(params) else np
        params = jax.tree.map(lambda leaf: xp.asarray(leaf, np.float64), params)
        f0 = apply(net, params, x)
        y = as_targets(y, "y", len(f0))
        if y.shape != f0.shape:
            raise ValueError(
                f"y must have as many outputs as the network, {f0.shape[1]}; got {y.shape[1]}. Give both alike."
            )
        self.out_dim = f0.shape[1]
        keep = 0.0 if flag(centred, "centred") else 1.0
        start, cross = f0.reshape(-1, 1) * keep, None
        if x_test is not None:
            cross = self._of_pairs(empirical_ntk(net, params, x_test, x, blocks=True))
            start = start, apply(net, params, x_test).reshape(-1, 1) * keep
        kernel = self._of_pairs(empirical_ntk(net, params, x, blocks=True))
        self.flow = LinearDynamics(kernel, y.reshape(-1, 1), cross, f0=start, learning_rate=learning_rate)

    def _of_pairs(self, blocks: Any) -> Any:
        """Return C times the (n1, n2, C, C) blocks as the kernel of pairs (point, output), (n1 C, n2 C)."""
        n1, n2, out_dim, _ = blocks.shape
        return out_dim * blocks.swapaxes(1, 2).reshape(n1 * out_dim, n2 * out_dim)

    def _by_output(self, f: Any) -> Any:
        return f.reshape(*f.shape[:-2], -1, self.out_dim)

    @property
    def max_learning_rate(self) -> float:
        r"""Gradient descent converges below it: $2n/\lambda_{max}$ of the kernel of all outputs."""
        return self.flow.max_learning_rate

    def train(self, t: Any) -> Float[np.ndarray | Array, "*time n out_dim"]:
        """Return the outputs on the training points, (n, C) or (T, n, C)."""
        return self._by_output(self.flow.train(t))

    def test(self, t: Any) -> Float[np.ndarray | Array, "*time n_test out_dim"]:
        """Return the outputs on the test points, (n', C) or (T, n', C); needs `x_test`."""
        return self._by_output(self.flow.test(t))

    def train_loss(self, t: Any) -> Any:
        """Return the loss on the training points, 1/(2n) sum |f - y|^2: a float, or (T,)."""
        return self.out_dim * self.flow.train_loss(t)

    def test_loss(self, t: Any, y_test: Any) -> Any:
        """Return the loss on the test points, 1/(2n') sum |f - y'|^2: a float, or (T,)."""
        f = self.test(t)
        y_test = as_targets(y_test, "y_test", f.shape[-2])
        if y_test.shape[1] != self.out_dim:
            raise ValueError(
                f"y_test must have {self.out_dim} outputs as y has; got {y_test.shape[1]}. Give both alike."
            )
        loss = ((f - y_test) ** 2).sum(axis=(-2, -1)) / (2 * len(y_test))
        return float(loss) if loss.ndim == 0 and not is_traced(loss) else loss
