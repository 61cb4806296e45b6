r"""Ridge regression with an infinite-width kernel, as scikit-learn estimators.

$$f(x) = \bar y + K(x, X) (K(X, X) + \delta I)^{-1} (y - \bar y)$$

With the NTK and $\delta \to 0$ it is the mean of infinitely wide networks at the end of training (Lee et al. 2019, eq.
14); with the NNGP, of networks of which the readout alone is trained.
"""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MultiOutputMixin, RegressorMixin
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from .._checks import choice, number
from ..activations import Activation
from ..kernels import nngp_and_ntk
from ..networks import Network
from ..spectra.cholesky import cholesky


class _KernelRidge(BaseEstimator):
    """What both estimators share: the network, the fit and the function it found."""

    def __init__(
        self,
        depth: int = 3,
        activation: str | Activation = "relu",
        *,
        weight_var: float = 2.0,
        bias_var: float = 0.1,
        kind: str = "ntk",
        ridge: float = 1e-3,
    ):
        self.depth = depth
        self.activation = activation
        self.weight_var = weight_var
        self.bias_var = bias_var
        self.kind = kind
        self.ridge = ridge

    def _kernel(self, x1: np.ndarray, x2: np.ndarray | None = None) -> np.ndarray:
        net = Network(depth=self.depth, activation=self.activation, weight_var=self.weight_var, bias_var=self.bias_var)
        return getattr(nngp_and_ntk(net, x1, x2), choice(self.kind, "kind", ("nngp", "ntk")))

    def _fit(self, x: np.ndarray, y: np.ndarray) -> None:
        """Fit to checked points (n, D) and targets (n, C)."""
        self.X_fit_ = x
        self.intercept_ = y.mean(axis=0)
        factor = cholesky(self._kernel(x), number(self.ridge, "ridge", least=0))
        self.dual_coef_ = factor.solve(y - self.intercept_)

    def _checked(self, X: Any, y: Any, **how: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return points and targets as scikit-learn wants them checked, which also notes D and the columns' names."""
        x, y = validate_data(self, X, y, dtype=np.float64, **how)
        return np.asarray(x), np.asarray(y)

    def _function(self, X: Any) -> np.ndarray:
        """Return f(X), (n, C)."""
        check_is_fitted(self)
        x = validate_data(self, X, dtype=np.float64, reset=False)
        return self._kernel(np.asarray(x), self.X_fit_) @ self.dual_coef_ + self.intercept_


class NTKRegressor(MultiOutputMixin, RegressorMixin, _KernelRidge):
    r"""Ridge regression with the NTK or the NNGP of an infinitely wide network.

    Cost n^3: for some thousands of points. The kernel is a function of x.x'/D, so scale the inputs, say with
    scikit-learn's `StandardScaler`. The targets' mean is not penalised.

    Args:
        depth: hidden layers, at least 1.
        activation: a name known to `lazyrich.activation`, or an `Activation`.
        weight_var: weight variance s_w^2 >= 0, dimensionless.
        bias_var: bias variance s_b^2 >= 0, dimensionless.
        kind: ntk or nngp.
        ridge: $\delta \ge 0$, in the units of the kernel and not multiplied by n.

    Attributes:
        X_fit_: the training points, (n, D).
        dual_coef_: what multiplies the kernel, (n, C).
        intercept_: the targets' mean, (C,).
        n_features_in_: D.
    """

    def fit(self, X: Any, y: Any) -> "NTKRegressor":
        """Fit to points X (n, D) and targets y, (n,) or (n, C).

        Raises:
            ValueError: what scikit-learn refuses, a parameter out of its range, or a kernel + ridge I that is singular
                to rounding, with its smallest eigenvalue.
        """
        x, y = self._checked(X, y, multi_output=True, y_numeric=True)
        self._one_output = y.ndim == 1
        self._fit(x, y.astype(np.float64).reshape(len(x), -1))
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return f(X), shaped like the targets: (n,) or (n, C).

        Raises:
            ValueError: points of another dimension, or that scikit-learn refuses.
        """
        result = self._function(X)
        return result[:, 0] if self._one_output else result


class NTKClassifier(ClassifierMixin, _KernelRidge):
    """Classification by ridge regression on targets of -1 and 1, one output a class (one for two classes).

    Arguments and attributes are those of `NTKRegressor`.

    Attributes:
        classes_: the labels.
    """

    def fit(self, X: Any, y: Any) -> "NTKClassifier":
        """Fit to points X (n, D) and labels y (n,).

        Raises:
            ValueError: what scikit-learn refuses, a single class among it; and the errors of `NTKRegressor.fit`.
        """
        x, y = self._checked(X, y)
        check_classification_targets(y)
        binarizer = LabelBinarizer(neg_label=-1, pos_label=1)
        targets = binarizer.fit_transform(y)
        self.classes_ = binarizer.classes_
        if len(self.classes_) < 2:
            raise ValueError(f"A classifier needs two classes; got one class, {self.classes_[0]!r}. Add another one.")
        self._fit(x, np.asarray(targets, np.float64))
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """Return the regression's outputs: (n,), above 0 for the second of two classes, or (n, classes).

        Raises:
            ValueError: points of another dimension, or that scikit-learn refuses.
        """
        result = self._function(X)
        return result[:, 0] if result.shape[1] == 1 else result

    def predict(self, X: Any) -> np.ndarray:
        """Return the labels, (n,): the class of the largest output. Errors are those of `decision_function`."""
        scores = self.decision_function(X)
        best = (scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)
        return self.classes_[best]
