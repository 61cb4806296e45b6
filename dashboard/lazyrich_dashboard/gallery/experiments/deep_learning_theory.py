"""Whether activations are critical where they should be, and how heavy the tails of finite networks are."""

from collections.abc import Iterator
from typing import Any

import numpy as np

import lazyrich as lr
from lazyrich.theory import fourth_moment_ratio, relu_fourth_moment_ratio

from ...marks import Columns
from ...views.base import mean_with_error
from ..base import measured
from ..checks import Check

COSINE = 0.9  # of the inputs whose signals are followed
LARGEST = 1e6  # times the first layer's variance that is drawn
_NETWORKS = 10
_BATCHES, _BATCH = 6, 100
# Two inputs so close that the distance between them is multiplied by chi_perpendicular in each layer.
_CLOSE = 0.999
# Published to so many digits (Roberts, Yaida & Hanin 2022, section 5.3.4).
_GELU = (1.98305826, 0.17292239)


def variances(net: lr.Network, layers: int, networks: int, seed: int) -> np.ndarray:
    """Return the variance in every layer of random networks, (networks, layers)."""
    run = lr.measured_signal_propagation(net, COSINE, layers=layers, networks=networks, seed=seed)
    return run.variance.values


def signals(net: lr.Network, layers: int) -> Iterator[Columns]:
    """Draw networks one at a time, and yield means of the variance and the correlation, as far as all are finite."""
    runs = []
    for seed in range(_NETWORKS):
        runs.append(lr.measured_signal_propagation(net, COSINE, layers=layers, networks=1, seed=seed))
        if seed:
            yield _signals(runs)


def _signals(runs: list) -> Columns:
    x = runs[0].layer.values * 1.0
    q = np.concatenate([run.variance.values / run.variance.values[:, :1] for run in runs])
    c = np.concatenate([run.correlation.values[..., 0] for run in runs])
    kept = np.isfinite(q).all(axis=0) & np.isfinite(c).all(axis=0) & (q < LARGEST).all(axis=0)
    columns: dict[str, Any] = {}
    for name, values in (("variance", q), ("correlation", c)):
        columns |= measured(name, x[kept], *mean_with_error(values[:, kept]))
    return columns


def moments(net: lr.Network, layers: int) -> Iterator[tuple[Columns, dict[str, float]]]:
    """Draw ever more networks, and yield the ratio of moments in every layer, and that of the last in numbers."""
    q = np.empty((0, layers))
    for batch in range(_BATCHES):
        q = np.concatenate([q, variances(net, layers, _BATCH, seed=batch * _BATCH)])
        scaled = q / q.mean(axis=0).clip(1e-30)
        if np.isfinite(scaled).all():
            ratio, error = fourth_moment_ratio(scaled, net.width)
            numbers = {"moment": float(ratio[-1]), "moment error": float(error[-1]), "drawn": float(len(q))}
            yield measured("networks", np.arange(1.0, layers + 1), ratio, error), numbers


def check() -> Check:
    """Solve GELU's point, measure how SELU parts inputs, and the moments of ReLU networks."""
    gelu, selu = lr.critical_point("gelu"), lr.Network(1, 256, "selu", 1.0, 0.0)
    off = max(abs(gelu.weight_var - _GELU[0]), abs(gelu.bias_var - _GELU[1]))
    chi = float(lr.criticality(selu, variance=1.0).perpendicular)
    run = lr.measured_signal_propagation(selu, _CLOSE, layers=11, networks=64)
    apart = [
        1 - signals.correlation.values[..., 0] for signals in (run, lr.signal_propagation(selu, _CLOSE, layers=11))
    ]
    (rate, rate_error), law = (
        mean_with_error((apart[0][:, -1] / apart[0][:, 0]) ** 0.1),
        (apart[1][-1] / apart[1][0]) ** 0.1,
    )
    stays, stays_error = mean_with_error(run.variance.values[:, -1])
    width, layers = 32, 5
    ratio, error = fourth_moment_ratio(variances(lr.Network(1, width, "relu", 2.0, 0.0), layers, 2000, 0), width)
    expected = float(relu_fourth_moment_ratio(width, layers)[-1])
    numbers = {
        "gelu_weight_var": gelu.weight_var, "gelu_bias_var": gelu.bias_var, "selu_perpendicular": chi,
        "selu_rate": float(rate), "selu_rate_stderr": float(rate_error),
        "selu_variance": float(stays), "selu_variance_stderr": float(stays_error),
        "relu_ratio": float(ratio[-1]), "relu_ratio_stderr": float(error[-1]),
    }  # fmt: skip
    holds = (
        off < 1e-7 and chi > 1.05 and abs(rate - law) < 3 * rate_error and rate - 1 > 3 * rate_error
        and abs(stays - 1) < 3 * stays_error and abs(ratio[-1] - expected) < 3 * error[-1]
    )  # fmt: skip
    sentence = (
        f"GELU is critical at C_W = {gelu.weight_var:.8f}, C_b = {gelu.bias_var:.8f}, as published; SELU has "
        f"χ⊥ = {chi:.3f}: its variance stays at {stays:.2f} ± {stays_error:.2f}, but inputs at a cosine of "
        f"{_CLOSE:g} part by {rate:.3f} ± {rate_error:.3f} a layer, expected {law:.3f}; in layer {layers} of ReLU "
        f"networks of width {width} the ratio of moments is {ratio[-1]:.2f} ± {error[-1]:.2f}, expected "
        f"(1 + 5/N)^{layers - 1} = {expected:.2f}."
    )
    return Check(bool(holds), sentence, numbers)
