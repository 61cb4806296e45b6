"""Centred muP networks with two hidden layers, many at once, by hand: independent of lazyrich."""

import numpy as np
import xarray as xr


def train_by_hand(data, width, phi, slope, *, weight_var, bias_var, learning_rate, steps, every, seeds, rng):
    """f_test (seed, time, point, output), f_train, and the trace of the NTK on training points (seed, time).

    h^1 = s_w/sqrt(D) U x + s_b b_1, h^2 = s_w/sqrt(N) W phi(h^1) + s_b b_2 and
    f = (s_w/sqrt(N) a phi(h^2) + s_b b_3) / gamma with gamma = sqrt(N), richness 1; g^l = gamma df/dh^l. The learning
    rate is eta gamma^2 on the mean over points of (f - y)^2 / 2.
    """
    n, in_dim, gamma = len(data.x_train), data.in_dim, np.sqrt(width)
    x = np.concatenate([data.x_train, data.x_test])
    first, hidden, bias = (np.sqrt(v) for v in (weight_var / in_dim, weight_var / width, bias_var))
    u, w, a = (rng.standard_normal((seeds, *shape)) for shape in ((width, in_dim), (width, width), (width, 1)))
    b_1, b_2, b_3 = (rng.standard_normal((seeds, 1, size)) for size in (width, width, 1))
    start, outputs, traces = None, [], []
    for step in range(steps + 1):
        h_1 = first * x @ u.mT + bias * b_1
        h_2 = hidden * phi(h_1) @ w.mT + bias * b_2
        f = (hidden * phi(h_2) @ a + bias * b_3) / gamma
        start = f if start is None else start
        g_2 = slope(h_2) * hidden * a.mT
        g_1 = slope(h_1) * (hidden * g_2 @ w)
        below, p_1, p_2, g_1, g_2 = (v[..., :n, :] for v in (x, phi(h_1), phi(h_2), g_1, g_2))
        if step % every == 0:
            pairs = ((first * below, g_1), (hidden * p_1, g_2), (hidden * p_2, np.ones(1)))
            traces.append(sum(((v**2).sum(-1) + bias**2) * (g**2).sum(-1) for v, g in pairs).sum(-1))
            outputs.append(f - start)
        delta = learning_rate * gamma / n * (data.y_train - (f - start)[:, :n])
        u, w, a = (
            u + first * (delta * g_1).mT @ below,
            w + hidden * (delta * g_2).mT @ p_1,
            a + hidden * p_2.mT @ delta,
        )
        b_1, b_2, b_3 = (b + bias * (delta * g).sum(1, keepdims=True) for b, g in ((b_1, g_1), (b_2, g_2), (b_3, 1.0)))
    f = np.stack(outputs, axis=1)
    return xr.Dataset({
        "f_train": (("seed", "time", "train_point", "output"), f[:, :, :n]),
        "f_test": (("seed", "time", "test_point", "output"), f[:, :, n:]),
        "trace": (("seed", "time"), np.stack(traces, axis=1)),
    })  # fmt: skip
