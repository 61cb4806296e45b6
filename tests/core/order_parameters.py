"""Deep linear networks of infinite width by the textbook: order parameters on pairs of (time, sample).

Bordelon & Pehlevan 2022, with h = u + C g, z = r + D h, g = z in each layer, u ~ GP(0, s_w^2 H^{l-1} + s_b^2) and
r ~ GP(0, s_w^2 G^{l+1}). Independent of lazyrich.
"""

import numpy as np


def _grown(matrices, size):
    grown = [np.zeros((size, size)) for _ in matrices]
    for new, old in zip(grown, matrices, strict=True):
        new[: len(old), : len(old)] = old
    return grown


def linear_dynamics(x, y, depth, richness, eta, steps, weight_var, bias_var):
    """f (step, sample), and the equal-time H^l, G^l (layer, step, sample, sample), of gradient descent.

    One step after the other: with all before it known, a few rounds through the layers fix the next.
    """
    n, rate = len(y), eta * richness / len(y)
    f, (h, g, a, b) = np.zeros((0, n)), ([np.zeros((0, 0))] * (depth + 2) for _ in range(4))
    for time in range(1, steps + 2):
        size = time * n
        h, g, a, b = (_grown(parameters, size) for parameters in (h, g, a, b))
        h[0], g[-1] = np.tile(x @ x.T / x.shape[1], (time, time)), np.ones((size, size))
        past, one = np.kron(np.tri(time, k=-1), np.ones((n, n))), np.eye(size)
        f = np.concatenate([f, np.zeros((1, n))])
        for _ in range(2 * depth):
            delta = (y - f).ravel()[None, :]
            for layer in range(1, depth + 1):
                below, above = weight_var * h[layer - 1] + bias_var, weight_var * g[layer + 1]
                c = weight_var * a[layer - 1] + rate * past * below * delta
                d = weight_var * b[layer] + rate * past * above * delta
                left, right = np.linalg.inv(one - c @ d), np.linalg.inv(one - d @ c)
                h[layer] = left @ (below + c @ above @ c.T) @ left.T
                g[layer] = right @ (above + d @ below @ d.T) @ right.T
                if layer < depth:
                    a[layer] = left @ c
                if layer > 1:
                    b[layer - 1] = right @ d
            overlap = np.diag(left @ (below @ d.T + c @ above) @ right.T).reshape(time, n) / richness
            learned = np.cumsum((y - f).sum(axis=1)) - (y - f).sum(axis=1)
            f = overlap + eta * bias_var / n * learned[:, None]
    times = np.arange(steps + 1)
    equal = [[m.reshape(steps + 1, n, steps + 1, n)[times, :, times] for m in k[1:-1]] for k in (h, g)]
    return f, *map(np.array, equal)
