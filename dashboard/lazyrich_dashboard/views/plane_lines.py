"""Lines of the plane of both variances: where chi_perpendicular is 1, and at other levels.

They are solved for by the fixed point K of the variance (`variances_with`), and drawn where inputs lead to that. On a
grid of both variances they would be jagged: where a fixed point goes, or inputs part to two, chi_perpendicular leaps.
"""

from collections.abc import Iterator

import numpy as np

import lazyrich as lr
from lazyrich.theory import variances_with

# The plane: weight variances from and to, bias variances; and fixed points of the variance, the last beyond any.
_WEIGHT_VARS, _BIAS_VARS = (0.1, 4.0), np.linspace(0.0, 1.0, 25)
_VARIANCES = np.append(np.geomspace(1e-4, 1e3, 600), 1e6)
# A line is looked at on both of its sides, by these factors of the weight variance.
_ASIDE = (0.998, 1.002)
LEVELS = (0.25, 0.5, 0.75, 1.25, 1.5, 2.0)


def lines_of(net: lr.Network) -> dict[float, list[np.ndarray]]:
    """Return where chi_perpendicular rises through each level, as lines of points, (m, 2) each."""
    levels, means = (1.0, *LEVELS), _means(net)
    curves = [((level,), *curve) for level in levels for curve in _curves(net, level)]
    # Where a fixed point goes, or inputs part ways, chi_perpendicular leaps through several levels.
    curves += [(levels, *variances_with(net, _VARIANCES, parallel=1.0)), (levels, *_watershed(net, means))]
    result: dict[float, list[np.ndarray]] = {level: [] for level in levels}
    for of, w, b in curves:
        inside = (w >= _WEIGHT_VARS[0]) & (w <= _WEIGHT_VARS[1]) & (b >= 0) & (b <= _BIAS_VARS[-1])
        w, b = w[inside], b[inside]
        below, above = (_perpendicular(net, means, factor * w, b) for factor in _ASIDE)
        for level in of:
            here = (below < level) & (level <= above)
            runs = np.split(np.arange(len(w)), np.flatnonzero(np.diff(here)) + 1)
            result[level] += [np.stack([w[run], b[run]], axis=1) for run in runs if here[run].all() and len(run) > 1]
    return result


def _means(net: lr.Network) -> np.ndarray:
    """Return <phi^2> and <phi'^2> at the variances, (2, m)."""
    weight_vars, bias_vars = variances_with(net, _VARIANCES, perpendicular=2.0)
    skip = net.residual**2
    return np.stack([((1 - skip) * _VARIANCES - bias_vars), np.full(len(weight_vars), 2.0 - skip)]) / weight_vars


def _curves(net: lr.Network, level: float) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the variances of networks that have a chi_perpendicular at a fixed point, or at the end of all growth."""
    weight_vars, bias_vars = variances_with(net, _VARIANCES, perpendicular=level)
    yield weight_vars[:-1], bias_vars[:-1]
    yield np.full(len(_BIAS_VARS), weight_vars[-1]), _BIAS_VARS


def _watershed(net: lr.Network, means: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the variances at which inputs start on a fixed point, and may part to those on both sides of it.

    There K = C_W + C_b, and K = C_b + C_W <phi^2>_K + alpha^2 K.
    """
    skip = net.residual**2
    if skip:
        with np.errstate(divide="ignore", invalid="ignore"):
            weight_vars = skip * _VARIANCES / (1 - means[0])
        return weight_vars, _VARIANCES - weight_vars
    return np.interp(1.0, means[0], _VARIANCES) - _BIAS_VARS, _BIAS_VARS


def _perpendicular(net: lr.Network, means: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return chi_perpendicular at the fixed points that inputs lead to, (m,)."""
    keeps = 1 - net.residual**2
    start = w + b
    changes = w[:, None] * means[0] + b[:, None] - keeps * _VARIANCES
    grows = w * np.interp(start, _VARIANCES, means[0]) + b > keeps * start
    return w * np.interp(_rest(changes, grows, start), _VARIANCES, means[1]) + net.residual**2


def _rest(changes: np.ndarray, grows: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return the fixed points that inputs lead to, given what a layer adds to each of the variances, (m, k).

    The map of the variance rises with it, so that inputs go to the next fixed point above or below where they start. To
    go through the layers would take ever more of them close to where a fixed point goes.
    """
    above = start[:, None] < _VARIANCES
    turned = np.where(grows[:, None], above & (changes <= 0), ~above & (changes >= 0))
    first = np.where(grows, turned.argmax(axis=1), len(_VARIANCES) - 1 - turned[:, ::-1].argmax(axis=1))
    before = np.clip(first - np.where(grows, 1, -1), 0, len(_VARIANCES) - 1)
    (x0, y0), (x1, y1) = ((_VARIANCES[at], np.take_along_axis(changes, at[:, None], 1)[:, 0]) for at in (before, first))
    found = x0 + np.clip(y0 / np.where(y0 == y1, 1.0, y0 - y1), 0, 1) * (x1 - x0)
    return np.where(turned.any(axis=1), found, np.where(grows, _VARIANCES[-1], _VARIANCES[0]))
