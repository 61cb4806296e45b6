r"""What the same network would do if it stayed lazy: the linear dynamics of its first tangent kernel.

The losses of `grokking` go over into these as $\alpha \to \infty$, if f_0 is subtracted. They fall as fast as the
kernel's modes let them, so what is learned late is learned by no change of features.
"""

import jax.numpy as jnp
import numpy as np
import xarray as xr

from ..._checks import of_type
from ..._float64 import float64
from ...results import labelled
from ..linear import LinearDynamics
from ..training.checkpoints import checkpoint_steps
from .problem import Polynomial, Problem, tangent_kernel
from .spec import GrokkingSpec


@float64
def _flow(spec: GrokkingSpec) -> tuple[LinearDynamics, np.ndarray]:
    """Return the dynamics of the linearised network, and the test targets."""
    problem, n = Problem.of(spec), spec.n_train
    points = jnp.concatenate([problem.x, problem.x_test])
    kernel = np.asarray(tangent_kernel(problem.weights, spec.epsilon, points))
    f0 = Polynomial.of(problem.weights, spec.alpha, spec.epsilon).minus(problem.offset)(points)
    y, start = np.asarray(problem.target(points)), np.asarray(f0)
    flow = LinearDynamics(
        kernel[:n, :n], y[:n], kernel[n:, :n], f0=(start[:n], start[n:]), learning_rate=spec.learning_rate
    )
    return flow, y[n:]


def linearised_grokking(spec: GrokkingSpec, *, checkpoints: int = 100) -> xr.Dataset:
    """Return the losses of the linearised network, in closed form.

    Args:
        spec: as in `grokking`.
        checkpoints: as there.

    Returns:
        `train_loss` and `test_loss` over `time`, on the points and test points of `grokking`.

    Raises:
        ValueError: an argument out of its range.
    """
    spec = of_type(spec, "spec", GrokkingSpec)
    steps = checkpoint_steps(spec.steps * spec.learning_rate, spec.learning_rate, checkpoints)
    times = steps * spec.learning_rate
    flow, y_test = _flow(spec)
    losses = {"train_loss": flow.train_loss(times), "test_loss": flow.test_loss(times, y_test)}
    return labelled(losses, ("time",), {"time": times})
