"""Independent, naive versions of what lazyrich computes: scalar loops straight from the definitions."""

from functools import cache

import numpy as np
from scipy.special import erf

from lazyrich import Params
from lazyrich.activations import activation

# phi and phi', written out; every activation that networks can have must stand here.
_SQRT2 = np.sqrt(2.0)
PHI = {
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0) * 1.0),
    "leaky_relu": (
        lambda z, slope: np.where(z > 0, z, slope * z),
        lambda z, slope: np.where(z > 0, 1.0, slope),
    ),
    "erf": (erf, lambda z: 2 / np.sqrt(np.pi) * np.exp(-(z**2))),
    "gelu": (
        lambda z: z * (1 + erf(z / _SQRT2)) / 2,
        lambda z: (1 + erf(z / _SQRT2)) / 2 + z * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi),
    ),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
}
# Those whose dual is a formula; the others' are quadratures.
CLOSED_FORM = ("relu", "leaky_relu", "erf", "gelu")


def phi_and_derivative(name_or_activation):
    """Return phi and phi' of NumPy arrays, with the activation's parameters filled in."""
    act = activation(name_or_activation)
    return tuple(lambda z, f=f: f(np.asarray(z, np.float64), **dict(act.parameters)) for f in PHI[act.name])


_gauss_legendre = cache(np.polynomial.legendre.leggauss)


def _arcs(edges, nodes):
    """Gauss-Legendre nodes and weights on each arc between neighbouring `edges` of the circle."""
    edges = np.sort(np.mod(edges, 2 * np.pi))
    edges = np.append(edges, edges[0] + 2 * np.pi)
    x, w = _gauss_legendre(nodes)
    low, length = edges[:-1, None], np.diff(edges)[:, None]
    return (low + (x + 1) / 2 * length).ravel(), (w / 2 * length).ravel()


def gaussian_mean(f, g, q1, q2, k, radii=90, nodes=60):
    """Return E[f(u) g(v)], u and v Gaussian with variances q1, q2 and covariance k, in polar coordinates.

    u = sqrt(q1) r cos a and v = sqrt(q2) r cos(a - theta) with the density r exp(-r^2/2) / 2 pi. The
    circle is split where u or v changes its sign, so that a kink at 0 costs no accuracy. For variances
    up to 20 the error is below 1e-13.
    """
    cosine = k / np.sqrt(q1 * q2) if q1 * q2 > 0 else 1.0
    # The arccos of 1 less one rounding would be 1e-8.
    theta = np.arccos(cosine) if abs(cosine) < 1 - 1e-14 else np.pi * (cosine < 0)
    x, w = _gauss_legendre(radii)
    r, w = 5 * (x + 1), 5 * w  # up to 10 standard deviations: exp(-50) is left out
    half = np.pi / 2
    a, arc = _arcs([half, -half, theta + half, theta - half], nodes)
    u = np.sqrt(q1) * r[:, None] * np.cos(a)
    v = np.sqrt(q2) * r[:, None] * np.cos(a - theta)
    return (w * r * np.exp(-(r**2) / 2)) @ (f(u) * g(v)) @ arc / (2 * np.pi)


def kernels(net, x1, x2):
    """Return the NNGP and the neural tangent kernel of two sets of points, one pair after the other."""
    phi, derivative = phi_and_derivative(net.activation)
    sw, sb = net.weight_var, net.bias_var
    nngp, ntk = np.zeros((2, len(x1), len(x2)))
    for i, x in enumerate(x1):
        for j, y in enumerate(x2):
            q1, q2, k = (sw * a @ b / len(x) + sb for a, b in ((x, x), (y, y), (x, y)))
            theta = k
            for _ in range(net.depth):
                tdot = gaussian_mean(derivative, derivative, q1, q2, k)
                q1, q2, k = (
                    sw * gaussian_mean(phi, phi, *moments) + sb for moments in ((q1, q1, q1), (q2, q2, q2), (q1, q2, k))
                )
                theta = k + sw * theta * tdot
            nngp[i, j], ntk[i, j] = k, theta
    return nngp, ntk


def draw(net, in_dim, out_dim, rng, dtype="float64"):
    """Return raw weights for a network, all N(0, 1)."""
    shapes = (
        (net.width, in_dim),
        (net.depth - 1, net.width, net.width),
        (out_dim, net.width),
        (net.depth, net.width),
        (out_dim,),
    )
    return Params(*(rng.standard_normal(shape).astype(dtype) for shape in shapes))


def _scales(net, in_dim):
    """Return the factors of the first weights, the later ones and the biases, and gamma."""
    power = {"ntk": 0, "mup": 1 / 2, "mean_field": 1 / 2}[net.parametrization]
    return (
        np.sqrt(net.weight_var / in_dim),
        np.sqrt(net.weight_var / net.width),
        np.sqrt(net.bias_var),
        net.richness * net.width**power,
    )


def _preactivations(net, params, x):
    phi, _ = phi_and_derivative(net.activation)
    first, later, sb, _ = _scales(net, x.shape[1])
    states = [first * x @ params.first.T + sb * params.biases[0]]
    for weights, bias in zip(params.hidden, params.biases[1:], strict=True):
        states.append(later * phi(states[-1]) @ weights.T + sb * bias)
    return states


def forward(net, params, x):
    """Return the output of a finite network from its definition."""
    phi, _ = phi_and_derivative(net.activation)
    _, later, sb, gamma = _scales(net, x.shape[1])
    last = phi(_preactivations(net, params, x)[-1])
    return (later * last @ params.readout.T + sb * params.readout_bias) / gamma


def gradient_step(net, params, x, residual, eta):
    """Return the weights after a step eta gamma^2 down the gradient of 1/(2n) sum residual^2, layer by layer."""
    phi, derivative = phi_and_derivative(net.activation)
    first, later, sb, gamma = _scales(net, x.shape[1])
    states = _preactivations(net, params, x)
    signal, step = residual / len(x) / gamma, eta * gamma**2
    readout = params.readout - step * later * signal.T @ phi(states[-1])
    readout_bias = params.readout_bias - step * sb * signal.sum(axis=0)
    hidden, biases = params.hidden.copy(), params.biases.copy()
    back = later * signal @ params.readout * derivative(states[-1])
    for level in range(net.depth - 1, 0, -1):
        hidden[level - 1] -= step * later * back.T @ phi(states[level - 1])
        biases[level] -= step * sb * back.sum(axis=0)
        back = later * back @ params.hidden[level - 1] * derivative(states[level - 1])
    biases[0] -= step * sb * back.sum(axis=0)
    return Params(params.first - step * first * back.T @ x, hidden, readout, biases, readout_bias)
