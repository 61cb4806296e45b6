r"""Grokking as the passage from lazy to rich: polynomial regression with a quadratic perturbation of a linear network.

$$f(x) = \frac\alpha N \sum_i \phi(w_i \cdot x), \quad \phi(h) = h + \frac\varepsilon2 h^2, \quad
y(x) = \frac12 (\beta \cdot x)^2, \quad x \sim N(0, I/D), \quad |\beta|^2 = D$$

(Kumar, Bordelon, Gershman & Pehlevan 2023, "Grokking as the transition from lazy to rich training dynamics"). Only
$W \sim N(0, 1)$ is trained, by full-batch gradient descent with the step $\eta N/\alpha^2$ on the house's loss, half
the mean square, so that $\eta$ x steps is the gradient-flow time of `LinearDynamics` with the tangent kernel

$$\Theta(x, x') = \frac1N \sum_i \phi'(w_i \cdot x) \phi'(w_i \cdot x')\, x \cdot x'
= x \cdot x' \big(1 + \varepsilon \bar w \cdot (x + x') + \varepsilon^2 x^T M x'\big), \quad
\bar w = \frac1N \sum_i w_i, \quad M = \frac1N \sum_i w_i w_i^T.$$

At the start of a wide network $\bar w = 0$ and $M = I$: its eigenvalues are $1/D$ for linear functions and
$2\varepsilon^2/D^2$ for quadratic ones of zero mean, the target's, which are so learned last while it is lazy.
"""

import dataclasses
import warnings
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from ..._checks import of_type
from ..._float64 import float64
from ...results import labelled
from ...spectra.alignment import alignment
from ..training.checkpoints import checkpoint_steps
from .problem import Polynomial, Problem, tangent_kernel
from .spec import GrokkingSpec

_DEFAULTS = GrokkingSpec()


@jax.jit
def _advance(
    x: Float[Array, "n in_dim"],
    y: Float[Array, " n"],
    weights: Float[Array, "width in_dim"],
    alpha: Any,
    epsilon: Any,
    learning_rate: Any,
    steps: Any,
) -> Float[Array, "width in_dim"]:
    """Return the weights after so many steps towards the targets y."""

    def step(_, w):
        h = x @ w.T
        residual = alpha * jnp.mean(h + epsilon / 2 * h**2, axis=1) - y
        # The gradient in w_i has a factor alpha/N, its step one of N/alpha^2.
        return w - learning_rate / alpha * (residual[:, None] * (1 + epsilon * h)).T @ x / len(x)

    return jax.lax.fori_loop(0, steps, step, weights)


def _trained(spec: GrokkingSpec, problem: Problem, marks: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the weights, in single precision, at each number of steps in `marks` until they are finite no more."""
    targets = problem.target(problem.x) + problem.offset(problem.x)
    x, y, weights = (jnp.asarray(array, jnp.float32) for array in (problem.x, targets, problem.weights))
    numbers = [np.float32(value) for value in (spec.alpha, spec.epsilon, spec.learning_rate)]
    for steps in np.diff(marks, prepend=0):
        weights = _advance(x, y, weights, *numbers, np.int32(steps))
        if not jnp.isfinite(weights).all():
            return
        yield np.asarray(weights, np.float64)


@jax.jit
def _measured(problem: Problem, weights: Float[Array, "time width in_dim"], alpha: Any, epsilon: Any) -> dict[str, Any]:
    """Return what is recorded of the weights at every time, (time,) each."""
    return jax.lax.map(lambda w: _measured_once(problem, w, alpha, epsilon), weights)


def _measured_once(problem: Problem, weights: Float[Array, "width in_dim"], alpha: Any, epsilon: Any) -> dict[str, Any]:
    error = Polynomial.of(weights, alpha, epsilon).minus(problem.offset).minus(problem.target)
    variance, misalignment, linear = (part / 2 for part in error.mean_squares())
    losses = error(problem.x_test) ** 2 / 2
    second, y = weights.T @ weights, problem.target(problem.x)
    return {
        "train_loss": jnp.mean(error(problem.x) ** 2) / 2,
        "test_loss": losses.mean(),
        "test_loss_stderr": losses.std(ddof=1) / len(losses) ** 0.5,
        "expected_test_loss": variance + misalignment + linear,
        "variance_loss": variance,
        "misalignment_loss": misalignment,
        "linear_loss": linear,
        "ntk_alignment": alignment(tangent_kernel(weights, epsilon, problem.x), y[:, None]),
        "feature_alignment": problem.beta @ second @ problem.beta / jnp.linalg.norm(second) / len(problem.beta),
        "weight_norm": jnp.linalg.norm(weights),
    }


@float64
def _run(spec: GrokkingSpec, marks: np.ndarray) -> dict[str, Any]:
    """Return what is recorded at each number of steps in `marks`, as far as the weights are finite."""
    problem = Problem.of(spec)
    weights = jnp.asarray(np.stack(list(_trained(spec, problem, marks))))
    return _measured(problem, weights, spec.alpha, spec.epsilon)


def grokking(spec: GrokkingSpec = _DEFAULTS, *, checkpoints: int = 100) -> xr.Dataset:
    r"""Train a network that first memorises, then generalises: a polynomial regression in float32.

    The defaults take half a second of one core.

    Args:
        spec: the problem, the network and its training.
        checkpoints: at how many steps, log-spaced from 1, and at t = 0 besides, it is looked at; equal ones are merged.

    Returns:
        Over `time` (learning rate x steps), with the coordinate `step`: `train_loss`, and `test_loss` with its standard
        error over the test points; `expected_test_loss` on a new point, the sum of `variance_loss`,
        `misalignment_loss` and `linear_loss` (formulas in `lazyrich.dynamics.grokking.problem`); `ntk_alignment`, of
        the tangent kernel with the training targets (see `target_alignment`); `feature_alignment`, the cosine of $M$
        with $\beta\beta^T$; and `weight_norm`, $|W|_F$. The variance of the targets is 1/2, so predicting their mean
        has the loss 1/4. `attrs` holds the fields of `spec`, and `status`, which is `complete`, or says when training
        diverged; then the result ends there, with a RuntimeWarning.

    Raises:
        ValueError: an argument out of its range.
    """
    spec = of_type(spec, "spec", GrokkingSpec)
    marks = checkpoint_steps(spec.steps * spec.learning_rate, spec.learning_rate, checkpoints)
    arrays, status = _run(spec, marks), "complete"
    steps = marks[: len(arrays["train_loss"])]
    if len(steps) < len(marks):
        status = f"diverged before t = {marks[len(steps)] * spec.learning_rate:.3g}"
        warnings.warn(f"Training {status}. Lower the learning rate.", RuntimeWarning, stacklevel=2)
    where = {"time": steps * spec.learning_rate, "step": ("time", steps)}
    fields = dataclasses.asdict(spec) | {"centred": int(spec.centred)}  # a file has no truth values
    return labelled(arrays, ("time",), where, **fields, status=status)
