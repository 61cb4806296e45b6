r"""The largest step size at which mini-batch gradient descent is stable: the mean loss stays bounded.

With $x_a = \eta\lambda_a/n$ and the factor c of `minibatch`, the second moment of the residual follows, in the
eigenbasis, $S_{ab} \leftarrow [(1-x_a)(1-x_b) - c\,x_a x_b] S_{ab} + c\,n\,x_a x_b\,v_a^T \mathrm{diag}(S) v_b$.
The first part alone decays. So S grows without bound exactly when what the second part feeds in, summed over all later
steps, comes back amplified: when the largest eigenvalue of the symmetric map on diagonals $d = \mathrm{diag}(S)$,

$$d \mapsto \mathrm{diag}\big(V [K * (V^T \mathrm{diag}(d)\, V)] V^T\big), \qquad
K_{ab} = \frac{c\, n\, x_a x_b}{x_a + x_b - (1 - c)\, x_a x_b},$$

exceeds 1 (derived; both parts map positive matrices to positive ones). It grows with $\eta$, and has passed 1 at
$\eta = 2n/\lambda_1$, the edge of gradient descent on all points. With $\mathrm{tr}(S)/n\, I$ in place of diag(S) the
condition is $\sum_a c\, x_a / (2 - (1 - c) x_a) < 1$: for small batches a bound on the trace of the kernel.
"""

from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq
from scipy.sparse.linalg import LinearOperator, eigsh

from .._checks import choice, flag, whole
from ..spectra import Eigensystem, eigensystem

METHODS = ("exact", "mode_wise")


def noise_factor(n: int, batch_size: Any, replacement: Any) -> float:
    """Return c, by which the covariance of a batch's gradient falls short of that of one point; 0 for all n points."""
    if flag(replacement, "replacement"):
        return 1 / whole(batch_size, "batch_size", 1)
    batch = whole(batch_size, "batch_size", 1, n)
    return (n - batch) / (batch * max(n - 1, 1))


def amplification(
    vectors: Float[np.ndarray, "n n"], values: Float[np.ndarray, " n"], rate: float, factor: float, exact: bool
) -> float:
    """Return what comes back of a unit of noise; mini-batch gradient descent is stable below 1."""
    n = len(values)
    x = rate * values / n
    if x.max() >= 2:
        return np.inf
    if factor == 0 or x.max() == 0:
        return 0.0
    if not exact:
        return float((factor * x / (2 - (1 - factor) * x)).sum())
    total = x[:, None] + x - (1 - factor) * x[:, None] * x
    kernel = factor * n * x[:, None] * x / np.where(total > 0, total, 1.0)

    def feed(d: np.ndarray) -> np.ndarray:
        inner = kernel * ((vectors.T * d.ravel()) @ vectors)
        return ((vectors @ inner) * vectors).sum(axis=1)

    if n == 1:
        return float(feed(np.ones(1))[0])
    # Its entries are positive, so the leading eigenvector has no sign changes: start from the constant.
    operator = LinearOperator((n, n), matvec=feed, dtype=np.float64)  # type: ignore[call-arg]
    return float(eigsh(operator, k=1, which="LA", v0=np.ones(n), return_eigenvectors=False)[0])


def max_minibatch_learning_rate(
    ntk: Any, batch_size: int, *, replacement: bool = False, method: str = "exact"
) -> float:
    r"""Return the largest step size at which the mean loss of mini-batch gradient descent stays bounded.

    It rises with B, for small B in proportion, and saturates at $2n/\lambda_1$. For linear regression on isotropic
    inputs in d dimensions and many points it is $2/(1 + (d \mp 1)/B)$ (minus: a fixed training set that is much larger
    than d; plus: Gaussian inputs, fresh at every step). The largest eigenvalue of a batch's Hessian, there
    $(1 + \sqrt{d/B})^2$, gives $2/(1 + \sqrt{d/B})^2$: below it a typical step takes no direction further from the
    solution, which is sufficient, but only half of what is stable at B = d.

    Args:
        ntk: kernel Theta(X, X), (n, n), or its `Eigensystem`.
        batch_size: B, how many points a step sees; at most n without replacement.
        replacement: whether a point may occur twice in a batch.
        method: exact or mode_wise, as in `minibatch_dynamics`.

    Returns:
        The step size eta, in units of gradient-flow time; infinite for a kernel that is zero.

    Raises:
        ValueError: a kernel that is not symmetric positive semi-definite, or an argument out of its range.
    """
    system = ntk if isinstance(ntk, Eigensystem) else eigensystem(ntk)
    vectors, values = np.asarray(system.vectors), np.where(system.values > system.resolution, system.values, 0.0)
    factor = noise_factor(len(values), batch_size, replacement)
    exact = choice(method, "method", METHODS) == "exact"
    if values[0] == 0:
        return float("inf")
    edge = 2 * len(values) / values[0]

    def excess(fraction: float) -> float:
        return amplification(vectors, values, fraction * edge, factor, exact) - 1

    # Just below the edge of gradient descent, where amplification is still finite.
    last = 1 - 1e-9
    return edge if excess(last) < 0 else edge * float(brentq(excess, 1e-12, last, rtol=1e-10))  # type: ignore[arg-type]
