"""What is random before training: the outputs of wide networks, and what that adds to the loss of each of them."""

from typing import Any, NamedTuple

from ..._checks import of_type
from ...kernels import nngp
from ...networks import Network
from .linear_dynamics import LinearDynamics

# Of smaller ones the square's inverse leaves the range of float64, with some room for the kernel.
_LEAST_GAMMA = 1e-100


class ExpectedLosses(NamedTuple):
    """Losses of one network on average over its initial weights, floats or (T,); `test` is None without targets."""

    train: Any
    test: Any


def initial_covariance(net: Network, x: Any, x_test: Any = None) -> dict[str, Any]:
    r"""Return the covariance of an output of wide networks before training, as `LinearDynamics` takes it.

    It is $K/\gamma^2$ with the NNGP kernel K: in muP, where $\gamma$ grows with the width, it vanishes as $1/N$.

    Args:
        net: the network; its width and richness play a part through $\gamma$.
        x: training points, (n, D).
        x_test: test points, (n', D), or None.

    Returns:
        `nngp`, (n, n); with test points also `cross_nngp`, (n', n), and `test_nngp`, (n', n').

    Raises:
        ValueError: inputs of a wrong shape or with NaN, of different dimensions, a kernel that overflows, or a richness
            of nearly 0.
    """
    gamma = of_type(net, "net", Network).gamma
    if not gamma > _LEAST_GAMMA:
        raise ValueError(
            f"The output scale gamma must be above {_LEAST_GAMMA:g}, that outputs before training are finite; "
            f"got {gamma:.3g}. Raise the richness."
        )
    scale = gamma**-2
    result = {"nngp": scale * nngp(net, x)}
    if x_test is None:
        return result
    return result | {"cross_nngp": scale * nngp(net, x_test, x), "test_nngp": scale * nngp(net, x_test)}


def expected_losses(flow: LinearDynamics, t: Any, y_test: Any = None) -> ExpectedLosses:
    r"""Return the losses of one network, on average over the ensemble of its initial weights.

    Of each output there is the loss of the mean, which `LinearDynamics.train_loss` and `.test_loss` return, and half
    the variance: $E|f - y|^2 = |E f - y|^2 + Var f$. Without `nngp` the outputs before training are those of `f0`, not
    random, and the loss of the mean is all there is.

    Args:
        flow: the dynamics; with the kernels of `initial_covariance` where networks are not centred.
        t: gradient-flow times, a scalar or (T,).
        y_test: targets of the test points, (n', C), or None.

    Raises:
        ValueError: times that are none, targets that do not fit, or an NNGP kernel of the training points alone.
    """
    of_type(flow, "flow", LinearDynamics)
    test = None if y_test is None else flow.test_loss(t, y_test)
    if flow.nngp is None:
        return ExpectedLosses(flow.train_loss(t), test)
    half = flow.y.shape[1] / 2
    train = flow.train_loss(t) + half * flow.mean_variance(t, "train")
    return ExpectedLosses(train, test if test is None else test + half * flow.mean_variance(t, "test"))
