"""The infinite-width kernels as kernels of scikit-learn's Gaussian processes, with searchable variances."""

from typing import Any

import numpy as np
from sklearn.gaussian_process.kernels import Hyperparameter, Kernel

from ..activations import Activation
from ..kernels import Kernels, nngp_and_ntk
from ..kernels.derivatives import kernel_derivatives, kernel_diagonals
from ..networks import Network

Bounds = tuple[float, float] | str


class _InfiniteWidth(Kernel):
    """What both kernels share; `_kind` is the kernel's name in `lazyrich.Kernels`."""

    _kind: str

    def __init__(
        self,
        depth: int = 3,
        activation: str | Activation = "relu",
        weight_var: float = 2.0,
        bias_var: float = 0.1,
        weight_var_bounds: Bounds = (1e-2, 1e2),
        bias_var_bounds: Bounds = (1e-4, 1e2),
    ):
        self.depth = depth
        self.activation = activation
        self.weight_var = weight_var
        self.bias_var = bias_var
        self.weight_var_bounds = weight_var_bounds
        self.bias_var_bounds = bias_var_bounds

    @property
    def hyperparameter_bias_var(self) -> Hyperparameter:
        """The bias variance, searched on a logarithmic scale."""
        return self._hyperparameter("bias_var")

    @property
    def hyperparameter_weight_var(self) -> Hyperparameter:
        """The weight variance, searched on a logarithmic scale."""
        return self._hyperparameter("weight_var")

    def _hyperparameter(self, name: str) -> Hyperparameter:
        bounds = getattr(self, f"{name}_bounds")
        if not isinstance(bounds, str) and not getattr(self, name) > 0:
            raise ValueError(
                f"{name} must be above 0 to be searched on a logarithmic scale; got {getattr(self, name)!r}. "
                f'Give a positive one, or {name}_bounds="fixed".'
            )
        return Hyperparameter(name, "numeric", bounds)

    @property
    def _network(self) -> Network:
        return Network(depth=self.depth, activation=self.activation, weight_var=self.weight_var, bias_var=self.bias_var)

    def _writable(self, kernels: Kernels) -> np.ndarray:
        """Return this kernel as an array of its own: scikit-learn adds the noise in place, which JAX's forbid."""
        return np.array(getattr(kernels, self._kind))

    def __call__(self, X: Any, Y: Any = None, eval_gradient: bool = False) -> Any:
        r"""Return the kernel, and its gradient if asked for.

        Args:
            X: points, (n1, D).
            Y: points, (n2, D); `None` means `X`.
            eval_gradient: also return $\partial K/\partial\log\theta$ for the variances that are not fixed.

        Returns:
            K(X, Y), (n1, n2); with the gradient a pair of it and of (n1, n1, searched variances), bias first.

        Raises:
            ValueError: points or a network that `lazyrich.ntk` refuses, or a gradient between two sets of points.
        """
        if not eval_gradient:
            return self._writable(nngp_and_ntk(self._network, X, Y))
        if Y is not None:
            raise ValueError("A gradient can be had of K(X, X) only; got a second set of points Y. Leave Y out.")
        result = kernel_derivatives(self._network, X)
        slopes = getattr(result.derivatives, self._kind)
        # scikit-learn orders hyperparameters by name, and its theta is their logarithm: dK/dlog v = v dK/dv.
        columns = {"bias_var": self.bias_var * slopes[..., 1], "weight_var": self.weight_var * slopes[..., 0]}
        searched = [columns[spec.name] for spec in self.hyperparameters if not spec.fixed]
        kernel = self._writable(result.kernels)
        return kernel, np.stack(searched, axis=-1) if searched else np.empty((*kernel.shape, 0))

    def diag(self, X: Any) -> np.ndarray:
        """Return the diagonal of K(X, X), (n,), without the rest.

        Raises:
            ValueError: points or a network that `lazyrich.ntk` refuses.
        """
        return self._writable(kernel_diagonals(self._network, X))

    def is_stationary(self) -> bool:
        """Return False: the kernel depends on where the points are, not only on their difference."""
        return False

    def __repr__(self) -> str:
        """Return the call that makes it, less the bounds."""
        inside = f"depth={self.depth}, activation={str(self.activation)!r}"
        return f"{type(self).__name__}({inside}, weight_var={self.weight_var:.3g}, bias_var={self.bias_var:.3g})"


class NNGP(_InfiniteWidth):
    r"""The NNGP kernel for `sklearn.gaussian_process`: the prior over functions of an infinitely wide network.

    It is `lazyrich.nngp` (Lee et al. 2018, eq. 5), without observation noise: give that as `alpha` of the regressor, or
    add a `WhiteKernel` to have it searched.

    Args:
        depth: hidden layers, at least 1.
        activation: a name known to `lazyrich.activation`, or an `Activation`.
        weight_var: weight variance s_w^2, dimensionless.
        bias_var: bias variance s_b^2, dimensionless; 0 needs `bias_var_bounds="fixed"`.
        weight_var_bounds: lowest and highest weight variance of a search, or "fixed".
        bias_var_bounds: lowest and highest bias variance of a search, or "fixed".
    """

    _kind = "nngp"


class NTK(_InfiniteWidth):
    r"""The neural tangent kernel for `sklearn.gaussian_process`.

    It is `lazyrich.ntk` (Jacot et al. 2018, theorem 1). The mean of the posterior is that of infinitely wide networks
    after training; its covariance is not theirs, which `lazyrich.LinearDynamics` gives. Arguments are those of `NNGP`.
    """

    _kind = "ntk"
