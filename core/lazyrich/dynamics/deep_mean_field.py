r"""The infinite-width rich limit of networks of any depth.

With $\gamma = \gamma_0\sqrt N$ and width to infinity the preactivations $h^l_\mu(t)$ and signals $g^l_\mu(t)$ of a
layer become random processes, whose laws fix each other through the kernels $\Phi^l = \langle\phi\phi\rangle$,
$G^l = \langle gg\rangle$ and the response functions on pairs of (time, sample) (Bordelon & Pehlevan 2022). They are
sampled here: S particles a layer, in the fields of Gaussian matrices drawn as training visits them
(`gaussian_matrix`). In law that is a centred muP network of width S, but for fresh fields made orthonormal to one
another, and without anything of order S^2. The equations are causal, so that one march through the steps solves them:
there is nothing to iterate, and nothing that could fail to converge.

In a linear network orthonormal fields leave no sampling error, at any S that can hold them: the result is the closed
form. With one hidden layer it is the network of width D + C of Yang & Hu 2021's linear example.
"""

import dataclasses
import warnings
from typing import Any

import jax
import numpy as np
import xarray as xr

from .._checks import number, of_type, seed_of, whole
from ..data import Dataset
from ..networks import Network
from ..results import labelled
from .training.checkpoints import checkpoint_steps
from .training.learning_rates import default_learning_rate
from .wide_run import Measured, Plan, march, plan

# Left out beyond this, directions move the outputs by about 0.01.
_LEFT_OUT_WARNING = 0.1


def _until_it_diverges(run) -> list[Measured]:
    """Return what is measured until the outputs are not finite, that measurement included."""
    measured = []
    for now in run:
        measured.append(now)
        if not np.isfinite(now.f_train).all():
            break
    if not all(np.isfinite(array).all() for array in measured[0]):
        raise ValueError(
            "Outputs and kernels before training must be finite; got infinity or NaN. Scale the data, or lower "
            "weight_var, bias_var or the depth."
        )
    return measured


def _mean_and_error(runs: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean over runs and its standard error, 0 for a single, exact one."""
    stack = np.asarray(runs, np.float64)
    error = stack.std(axis=0, ddof=1) / np.sqrt(len(stack)) if len(stack) > 1 else np.zeros_like(stack[0])
    return stack.mean(axis=0), error


@np.errstate(over="ignore", invalid="ignore")  # of the last measurement of a run that diverged
def _variables(runs: list[list[Measured]], data: Dataset, unit: float) -> dict[str, np.ndarray]:
    """Return the arrays of the result, over time."""
    fields = {name: [np.array([getattr(m, name) for m in run]) for run in runs] for name in Measured._fields}
    variables = {name: _mean_and_error(fields[name])[0] for name in ("ntk", "feature_kernels", "gradient_kernels")}
    for part, y in (("train", data.y_train), ("test", data.y_test)):
        centred = [unit * (np.float64(f) - f[0]) for f in fields[f"f_{part}"]]
        f, error = _mean_and_error(centred)
        loss = ((f - y) ** 2).sum(axis=(1, 2)) / (2 * len(y))
        variables |= {f"f_{part}": f, f"f_{part}_error": error, f"{part}_loss": loss}
    return variables


def _report(runs: list[list[Measured]], shapes: Plan, end: float, learning_rate: float) -> dict[str, Any]:
    """Return how the runs went, with a warning if they diverged or if too much was left out."""
    last = [run[-1] for run in runs]
    status = "complete"
    if not all(np.isfinite(now.f_train).all() for now in last):
        status = f"diverged before t = {end:.3g}: the learning rate {learning_rate:.3g} is too large for this network"
        warnings.warn(f"Training {status}. Lower it below 2n/lambda_max.", RuntimeWarning, stacklevel=3)
    left_out = max(float(now.left_out) for now in last)
    if left_out > _LEFT_OUT_WARNING:
        warnings.warn(
            f"Directions of relative size {left_out:.2g} were left out: there was no room for more than "
            f"{shapes.rooms[-1]} a matrix. Raise particles, or use fewer points or steps.",
            RuntimeWarning,
            stacklevel=3,
        )
    report = {"centred": 1, "exact": int(shapes.exact), "particles": shapes.particles, "seeds": len(runs)}
    return report | {"directions": max(int(now.directions) for now in last), "left_out": left_out, "status": status}


def deep_mean_field(
    net: Network,
    data: Dataset,
    *,
    time: Any,
    richness: float | None = None,
    particles: int = 10_000,
    learning_rate: float | None = None,
    seeds: int = 4,
    seed: int = 0,
    checkpoints: int = 30,
) -> xr.Dataset:
    r"""Return the infinite-width rich dynamics of a network of any depth, trained by full-batch gradient descent.

    A network with the identity for an activation (and neither skip connections nor layer normalisation) is solved
    exactly, in float64 and without sampling. Any other is sampled, in float32, by `seeds` independent runs.

    The cost of a step grows with particles x directions, where a matrix's directions are those that training has
    drawn: few for smooth activations, up to two a training point and step where slopes jump. For one hidden layer
    `mean_field` does the same without limits on the points; times, losses and richness are those of `train`.

    Args:
        net: the network; its width and parametrization play no part.
        data: what to train and test on, a few dozen training points.
        time: end time, or an array of times; see `train`.
        richness: gamma_0 > 0; None takes the network's.
        particles: how many particles S a layer; the sampling error falls as S^(-1/2). Not used in the exact case.
        learning_rate: step size; see `train`.
        seeds: how many independent runs are averaged, at least 2. Not used in the exact case.
        seed: the first one's seed.
        checkpoints: how many times are recorded for an end time.

    Returns:
        Over `time`: `train_loss`, `test_loss` (of the mean outputs); `f_train`, `f_test` (point, output) and their
        standard errors over runs, `f_train_error` and `f_test_error`, 0 in the exact case; `ntk` (point, point);
        `feature_kernels`, Phi^l, and `gradient_kernels`, G^l, a mean over outputs (layer, point, point), on the
        training points. `attrs` say `exact` (1 or 0), `directions` (the most drawn of a matrix), `left_out` (the
        relative norm of the largest that found no room) and `status`, as in `train`.

    Raises:
        ValueError: an activation that jumps, more points than the particles can resolve, or an argument out of its
            range.
    """
    of_type(net, "net", Network)
    of_type(data, "data", Dataset)
    if not net.phi.has_tangent:
        raise ValueError(
            f"Gradient descent needs an activation with a slope; got {net.phi}, which jumps. Pick another, as erf."
        )
    richness = net.richness if richness is None else number(richness, "richness", above=0)
    particles, seeds, seed = whole(particles, "particles", 1), whole(seeds, "seeds", 2), seed_of(seed)
    seed_of(seed + seeds - 1, "seed + seeds - 1")
    if learning_rate is None:
        wide = dataclasses.replace(net, parametrization="mean_field", richness=richness)
        learning_rate = default_learning_rate(wide, data)
    learning_rate = number(learning_rate, "learning_rate", above=0)
    steps = checkpoint_steps(time, learning_rate, checkpoints)
    shapes = plan(net, data, particles, int(steps[-1]))
    # Targets of size u at richness gamma_0 are targets of size 1 at gamma_0 u, to which the tolerances fit.
    unit = float(np.abs(data.y_train).max()) or 1.0
    scaled = dataclasses.replace(data, y_train=data.y_train / unit)
    starts = [seed] if shapes.exact else range(seed, seed + seeds)
    with jax.enable_x64(shapes.exact):
        runs = [
            _until_it_diverges(march(net, scaled, shapes, richness * unit, learning_rate, steps, start))
            for start in starts
        ]
    shortest = min(len(run) for run in runs)
    runs = [run[:shortest] for run in runs]
    attributes = {"network": repr(net), "data": data.name, "learning_rate": learning_rate, "richness": richness}
    attributes |= _report(runs, shapes, learning_rate * steps[shortest - 1], learning_rate)
    coordinates = {"time": learning_rate * steps[:shortest], "layer": np.arange(1, net.depth + 1)}
    return labelled(_variables(runs, data, unit), ("time",), coordinates, **attributes)
