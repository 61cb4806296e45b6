r"""The coordinate check: does a parametrization learn features at any width?

A few steps of gradient descent are taken at each of several widths, and the slope of
$\log \mathrm{rms}(h^l_t - h^l_0)$ against $\log N$ is measured. In the limit it is $-r$, with the r of `classify`:
flat where features are learned, $-1/2$ in the NTK parametrization, positive where the limit does not exist (Yang & Hu
2021, theorem 3.4; Yang et al. 2021, appendix D.1).
"""

import dataclasses
from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from .._checks import number, of_type, seed_of, whole
from ..data import Dataset
from ..diagnostics.movement import activation_distances
from ..gradients import loss_gradient, rates, squared_slope
from ..mlp import Nonlinearity, Params, Scales, draw_each, hidden_states
from ..networks import Network
from .training.learning_rates import default_learning_rate

_WIDTHS = (64, 128, 256, 512, 1024, 2048)
# A slope this close to 0 counts as flat; the named parametrizations lie at 0 and -1/2.
_FLAT = 0.1


@jax.jit
def _movements(
    nonlinearity: Nonlinearity, scales: Scales, params: Params, x, y, learning_rate, steps
) -> Float[Array, "seed layers"]:
    """Return rms(h^l - h_0^l) of each seed after `steps` steps of gradient descent."""

    def step(_, params):
        gradient = loss_gradient(nonlinearity, scales, params, x, squared_slope(y))
        return jax.tree.map(lambda w, rate, g: w - learning_rate * rate * g, params, rates(scales), gradient)

    def one(start):
        end = jax.lax.fori_loop(0, steps, step, start)
        return activation_distances(*(hidden_states(nonlinearity, scales, p, x) for p in (end, start))).rms

    return jax.lax.map(one, params)


def _as_widths(widths: Any) -> list[int]:
    """Return at least three different widths, in order."""
    if isinstance(widths, (str, bytes)) or not isinstance(widths, Iterable):
        raise ValueError(f"widths must be a list of whole numbers; got {widths!r}. Give at least three.")
    result = sorted({whole(width, "a width", 1) for width in widths})
    if len(result) < 3:
        raise ValueError(f"A slope needs at least three different widths; got {len(result)}. Add some.")
    return result


def coordinate_check(
    net: Network,
    data: Dataset,
    *,
    widths: Any = _WIDTHS,
    steps: int = 3,
    learning_rate: float | None = None,
    seeds: int = 4,
    seed: int = 0,
) -> xr.Dataset:
    r"""Measure how feature movement scales with the width of a network.

    Args:
        net: the network; its width is replaced.
        data: what to train on; a few points are enough.
        widths: at least three.
        steps: full-batch steps of gradient descent before the movement is measured.
        learning_rate: step size eta, the same at every width; None takes the default of `train` at each width, which
            does not depend on it except in the standard parametrization, where it falls as 1/N.
        seeds: networks at each width, at least 2; the standard errors are over them.
        seed: the first one's.

    Returns:
        `movement` (width, seed, layer), rms of h - h_0 over points and units; `slope` and `slope_stderr` (layer), of
        log movement against log width. `attrs["verdict"]` is that of the last hidden layer: `feature learning` where
        the slope is within 0.1 of 0, else `kernel` below and `unstable` above.

    Raises:
        ValueError: an argument out of its range, or a network that diverged.
    """
    of_type(net, "net", Network)
    of_type(data, "data", Dataset)
    widths, steps, seeds = _as_widths(widths), whole(steps, "steps", 1), whole(seeds, "seeds", 2)
    names = seed_of(seed) + np.arange(seeds)
    seed_of(names[-1], "seed + seeds - 1")
    if learning_rate is not None:
        learning_rate = number(learning_rate, "learning_rate", above=0)
    movement = np.stack([_at_width(net, data, width, steps, learning_rate, names) for width in widths])
    if not (np.isfinite(movement).all() and movement.all()):
        raise ValueError(
            "Movements must be finite and above 0 to have a slope; got infinity, NaN or 0. Lower the learning rate, or "
            "give a network that trains."
        )
    logs = np.log(widths) - np.log(widths).mean()
    slopes = np.tensordot(logs, np.log(movement), axes=1) / (logs @ logs)
    slope, error = slopes.mean(axis=0), slopes.std(axis=0, ddof=1) / np.sqrt(seeds)
    verdict = "feature learning" if abs(slope[-1]) <= _FLAT else "kernel" if slope[-1] < 0 else "unstable"
    return xr.Dataset(
        {
            "movement": (("width", "seed", "layer"), movement, {"long_name": "rms of h - h_0 over points and units"}),
            "slope": ("layer", slope, {"long_name": "slope of log movement against log width"}),
            "slope_stderr": ("layer", error, {"long_name": "standard error of the slope over seeds"}),
        },
        coords={"width": widths, "seed": names, "layer": np.arange(1, net.depth + 1)},
        attrs={"network": repr(net), "data": data.name, "steps": steps, "verdict": verdict},
    )


def _at_width(net, data, width, steps, learning_rate, seeds) -> np.ndarray:
    net = dataclasses.replace(net, width=width)
    rate = default_learning_rate(net, data) if learning_rate is None else learning_rate
    x, y = (jnp.asarray(a, jnp.float32) for a in (data.x_train, data.y_train))
    params = draw_each(seeds, data.in_dim, data.out_dim, width, net.depth)
    return np.asarray(_movements(Nonlinearity.of(net), Scales.of(net, data.in_dim), params, x, y, rate, steps))
