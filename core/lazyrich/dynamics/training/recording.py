r"""What is recorded of networks in training, by name.

A recorder looks at one checkpoint and returns its variables, each with the seeds along the leading axis. To add one,
add it to `RECORDERS` and describe its variables in `lazyrich.results.VARIABLES`.

| name | what | its formula is in |
|---|---|---|
| loss | `train_loss`, `test_loss` | `lazyrich.dynamics.losses` |
| accuracy | `train_accuracy`, `test_accuracy`: the largest output is the largest target's; of one, signs agree | |
| outputs | `f_train`, `f_test` | |
| plane | `f_plane` on a grid, of data with two inputs | `lazyrich.data.plane_grid` |
| ntk | `ntk` on the first training points | `empirical_ntk` |
| layers | `ntk_layers`, the term of each layer in it | `empirical_ntk` |
| nngp | `nngp` of the last hidden layer there | `empirical_nngp` |
| spectrum | `ntk_eigenvalues`, descending | |
| movement | `ntk_distance`, `ntk_cka` from the start | `kernel_distance`, `centred_kernel_alignment` |
| | `parameter_movement`, `activation_movement`: relative | `parameter_movement`, `activation_movement` |
| alignment | `ntk_alignment`, `layer_alignment` with the targets | `target_alignment` |
| linearised | `linearised_distance` on the test points | `distance_to_linearised` |
| linear_training | `linearised_train_loss`, `linearised_test_loss` if it had been linear | `LinearisedTraining` |
| | `regression_test_loss`, where that ends: regression with the first kernel | |
| sharpness | `sharpness`, `sharpness_residual`; the edge is 2/learning_rate | `lazyrich.sharpness` |
| trace | `hessian_trace`, `hessian_trace_stderr` | `lazyrich.hessian_trace` |
| weights | `singular_values` of each layer, and the `tail_exponent` of their squares | `weight_spectra` |
"""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jaxtyping import Array

from ...diagnostics.kernels import centred_kernel_alignment, kernel_distance, target_alignment
from ...diagnostics.linearised import distances_to_linearised
from ...diagnostics.movement import activation_distances, parameter_distances
from ...diagnostics.tails import fit_power_law_tail
from ...diagnostics.weights import weight_spectra
from ...kernels.features import nngp_of_states
from .ensemble import Checkpoint
from .hessian import hessian_traces, sharpnesses

Variables = dict[str, Any]

# A layer of fewer singular values than this has no tail to fit.
_LEAST_OF_A_TAIL = 10


def _losses(at: Checkpoint) -> Variables:
    return {"train_loss": at.losses[0], "test_loss": at.losses[1]}


def _accuracies(at: Checkpoint) -> Variables:
    return {f"{name}_accuracy": _right(f, y).mean(axis=1) for name, f, y in at.parts}


def _right(f: np.ndarray, y: Array) -> Any:
    """Return which points are right, (seed, n)."""
    if y.shape[1] == 1:
        return (f * y[None] > 0)[..., 0]
    return f.argmax(axis=2) == y.argmax(axis=1)[None]


def _outputs(at: Checkpoint) -> Variables:
    return {f"f_{name}": f for name, f, _ in at.parts}


def _nngp(at: Checkpoint) -> Variables:
    run = at.run
    return {"nngp": _nngp_of_seeds(run.nonlinearity, run.scales, at.states, run.net.depth)}


@jax.jit
def _nngp_of_seeds(nonlinearity, scales, states, depth):
    return jax.lax.map(lambda h: nngp_of_states(nonlinearity, scales, h[depth - 1][None], h.shape[1])[0], states)


def _spectrum(at: Checkpoint) -> Variables:
    return {"ntk_eigenvalues": np.linalg.eigvalsh(at.ntk.astype(np.float64))[:, ::-1]}


def _movement(at: Checkpoint) -> Variables:
    run, depth = at.run, at.run.net.depth
    pairs = list(zip(at.ntk, run.start.ntk, strict=True))
    weights, activations = _moved(run.scales, (at.params, at.states), (run.start.params, run.start.states))
    return {
        "ntk_distance": [kernel_distance(*pair) for pair in pairs],
        "ntk_cka": [centred_kernel_alignment(*pair) for pair in pairs],
        "parameter_movement": weights[:, : depth + 1],
        "activation_movement": activations[:, :depth],
    }


@jax.jit
def _moved(scales, now, start):
    def one(arguments):
        (params, states), (params_0, states_0) = arguments
        return parameter_distances(scales, params, params_0).layers, activation_distances(states, states_0).relative

    return jax.lax.map(one, (now, start))


def _alignment(at: Checkpoint) -> Variables:
    y = at.run.targets[0][: at.run.probes]
    return {
        "ntk_alignment": [target_alignment(kernel, y) for kernel in at.ntk],
        "layer_alignment": [[target_alignment(kernel, y) for kernel in kernels] for kernels in at.ntk_layers],
    }


def _linearised(at: Checkpoint) -> Variables:
    run = at.run
    distances = _distances(run.nonlinearity, run.scales, at.params, run.start.params, run.x[1])
    return {"linearised_distance": distances}


@jax.jit
def _distances(nonlinearity, scales, params, start, x):
    return jax.lax.map(lambda pair: distances_to_linearised(nonlinearity, scales, pair[0], pair[1], x), (params, start))


def _linear_training(at: Checkpoint) -> Variables:
    y_test = at.run.data.y_test
    return {
        "linearised_train_loss": [linear.train_loss(at.time) for linear in at.run.linear_training],
        "linearised_test_loss": [linear.test_loss(at.time, y_test) for linear in at.run.linear_training],
        "regression_test_loss": [linear.test_loss(np.inf, y_test) for linear in at.run.linear_training],
    }


def _sharpness(at: Checkpoint) -> Variables:
    found = sharpnesses(at)
    return {"sharpness": found.value, "sharpness_residual": found.residual}


def _trace(at: Checkpoint) -> Variables:
    found = hessian_traces(at)
    return {"hessian_trace": found.value, "hessian_trace_stderr": found.stderr}


def _weights(at: Checkpoint) -> Variables:
    spectra = [[layer.singular_values for layer in weight_spectra(at.run.net, params)] for params in at.unstacked]
    longest = max(map(len, spectra[0]))
    padded = [[np.pad(s, (0, longest - len(s)), constant_values=np.nan) for s in layers] for layers in spectra]
    return {"singular_values": padded, "tail_exponent": [[_tail(s) for s in layers] for layers in spectra]}


def _tail(singular_values: np.ndarray) -> float:
    """Return the exponent of the squares' density; NaN for a layer that has too few."""
    squares = singular_values[singular_values > 0] ** 2
    return np.nan if len(squares) < _LEAST_OF_A_TAIL else fit_power_law_tail(squares).exponent


RECORDERS: dict[str, Callable[[Checkpoint], Variables]] = {
    "loss": _losses,
    "accuracy": _accuracies,
    "outputs": _outputs,
    "plane": lambda at: {"f_plane": at.f_plane},
    "ntk": lambda at: {"ntk": at.ntk},
    "layers": lambda at: {"ntk_layers": at.ntk_layers},
    "nngp": _nngp,
    "spectrum": _spectrum,
    "movement": _movement,
    "alignment": _alignment,
    "linearised": _linearised,
    "linear_training": _linear_training,
    "sharpness": _sharpness,
    "trace": _trace,
    "weights": _weights,
}
