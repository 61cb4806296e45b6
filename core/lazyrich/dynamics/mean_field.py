r"""The infinite-width rich limit of networks with one hidden layer.

With $\gamma = \gamma_0\sqrt N$ and width to infinity the network is a distribution over particles: each carries the
preactivations $h_\mu = u_\mu$, $u \sim GP(0, K^x)$, and the readout weight $z = r$, $r \sim N(0, 1)$, and moves in the
field of all the others,

$$f_\mu = \frac{\langle z \phi(h_\mu)\rangle}{\gamma_0}, \quad
\dot h_\mu = \frac{\gamma_0}{n} \sum_\nu K^x_{\mu\nu} \Delta_\nu\, z\phi'(h_\nu), \quad
\dot z = \frac{\gamma_0}{n} \sum_\nu \Delta_\nu \phi(h_\nu), \quad \Delta = y - f$$

(Bordelon & Pehlevan 2022, section 3; Mei, Montanari & Nguyen 2018). S particles drawn at random and moved so are,
weight for weight, a centred muP network of width S. So that is what is computed; its error falls as S^(-1/2).
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import xarray as xr

from .._checks import number, of_type, whole
from ..data import Dataset
from ..networks import Network
from .training import train


def mean_field(
    net: Network,
    data: Dataset,
    *,
    time: Any,
    richness: float | None = None,
    particles: int = 20_000,
    learning_rate: float | None = None,
    seed: int = 0,
    record: tuple[str, ...] = ("loss", "outputs"),
    checkpoints: int = 30,
    ntk_points: int | None = None,
    stop: Callable[[], bool] | None = None,
) -> xr.Dataset:
    r"""Return the infinite-width rich dynamics of a network with one hidden layer.

    Args:
        net: the network, of depth 1; its width and parametrization play no part.
        data: what to train and test on.
        time: end time, or an array of times; see `train`.
        richness: gamma_0; None takes the network's.
        particles: how many particles S; the sampling error falls as S^(-1/2).
        learning_rate: step size; see `train`.
        seed: a whole number.
        record: any of loss, outputs, ntk.
        checkpoints: how many times are recorded for an end time.
        ntk_points: record the kernel on this many of the first training points; None means all.
        stop: asked every 0.03 s whether to end here; see `train_stream`.

    Returns:
        The variables of `train`, over `time`, without a `seed` dimension.

    Raises:
        ValueError: a network of another depth, or an argument out of its range.
    """
    of_type(net, "net", Network)
    if net.depth != 1:
        raise ValueError(
            f"The mean-field limit is for one hidden layer; got depth {net.depth}. Give depth=1, or use "
            "deep_mean_field."
        )
    richness = net.richness if richness is None else number(richness, "richness", above=0)
    wide = dataclasses.replace(
        net, width=whole(particles, "particles", 1), parametrization="mean_field", richness=richness
    )
    run = train(
        wide, data, time=time, learning_rate=learning_rate, seeds=1, seed=seed, record=record,
        checkpoints=checkpoints, centred=True, ntk_points=ntk_points, stop=stop,
    )  # fmt: skip
    return run.isel(seed=0, drop=True)
