"""Independent, naive versions of what lazyrich computes: scalar loops straight from the definitions."""

import itertools
from functools import cache

import numpy as np
from numpy.polynomial.hermite_e import hermeder, hermeval
from scipy.special import erf, expit, factorial

from lazyrich import Params
from lazyrich.activations import activation

# phi and phi', written out; every activation that networks can have must stand here.
_SQRT2 = np.sqrt(2.0)
_SELU = 1.0507009873554805, 1.6732632423543772
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
    "abs": (np.abs, np.sign),
    "sigmoid": (expit, lambda z: expit(z) * expit(-z)),
    "softplus": (lambda z: np.logaddexp(0, z), expit),
    "silu": (lambda z: z * expit(z), lambda z: expit(z) + z * expit(z) * expit(-z)),
    "mish": (
        lambda z: z * np.tanh(np.logaddexp(0, z)),
        lambda z: np.tanh(np.logaddexp(0, z)) + z * expit(z) * (1 - np.tanh(np.logaddexp(0, z)) ** 2),
    ),
    "elu": (
        lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
        lambda z: np.where(z > 0, 1.0, np.exp(np.minimum(z, 0))),
    ),
    "selu": (
        lambda z: _SELU[0] * np.where(z > 0, z, _SELU[1] * np.expm1(np.minimum(z, 0))),
        lambda z: _SELU[0] * np.where(z > 0, 1.0, _SELU[1] * np.exp(np.minimum(z, 0))),
    ),
    "hard_tanh": (lambda z: np.clip(z, -1, 1), lambda z: (np.abs(z) <= 1) * 1.0),
    "sin": (
        lambda z, frequency, phase: np.sin(frequency * z + phase),
        lambda z, frequency, phase: frequency * np.cos(frequency * z + phase),
    ),
    "cos": (
        lambda z, frequency, phase: np.cos(frequency * z + phase),
        lambda z, frequency, phase: -frequency * np.sin(frequency * z + phase),
    ),
    "rbf": (
        lambda z, gamma: _SQRT2 * np.sin(np.sqrt(2 * gamma) * z + np.pi / 4),
        lambda z, gamma: 2 * np.sqrt(gamma) * np.cos(np.sqrt(2 * gamma) * z + np.pi / 4),
    ),
    "exp": (np.exp, np.exp),
    "gaussian": (lambda z, rate: np.exp(-rate * z**2), lambda z, rate: -2 * rate * z * np.exp(-rate * z**2)),
    "identity": (lambda z: z, np.ones_like),
    "quadratic": (lambda z: z**2, lambda z: 2 * z),
    "monomial": (lambda z, degree: z**degree, lambda z, degree: degree * z ** (degree - 1)),
    "hermite": (
        lambda z, coefficients: hermeval(z, _normalised(coefficients)),
        lambda z, coefficients: hermeval(z, hermeder(_normalised(coefficients))),
    ),
    # Those that jump have no derivative.
    "step": (lambda z: (z > 0) * 1.0, None),
    "sign": (np.sign, None),
}
# Those whose dual is a quadrature or a series, not a formula.
NUMERICAL = ("tanh", "sigmoid", "softplus", "silu", "mish", "elu", "selu", "hard_tanh")
# Where they are not smooth, unless at 0.
KINKS = {"hard_tanh": (-1.0, 1.0)}


def _normalised(coefficients):
    return np.asarray(coefficients) / np.sqrt(factorial(np.arange(len(coefficients))))


@cache  # one function an activation, so that `mean_of` knows it again
def phi_and_derivative(name_or_activation):
    """Return phi and phi' of NumPy arrays, with the activation's parameters filled in."""
    act = activation(name_or_activation)
    return tuple(lambda z, f=f: f(np.asarray(z, np.float64), **dict(act.parameters)) for f in PHI[act.name] if f)


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


def split_mean(f, g, q1, q2, k, kinks, nodes=48):
    """Return E[f(u) g(v)] like `gaussian_mean`, for functions that are smooth but at `kinks`, whatever these are.

    The kinks of f(u) and g(v) are lines in the plane. On the circle of radius r their angles are arccos(kink / root q
    r), which appear at the r where a line is touched and change their order where two lines cross: the radius is split
    there, with a substitution that takes away the square roots at both ends.
    """
    s1, s2, theta = np.sqrt(q1), np.sqrt(q2), np.arccos(np.clip(k / np.sqrt(q1 * q2), -1, 1))
    offsets = [(kink / s, turn) for s, turn in ((s1, 0.0), (s2, theta)) for kink in kinks]
    edges = [0.0, 1.0, 2.0, 3.5, 5.0, 7.0, 10.0, *(abs(c) for c, _ in offsets)]
    for c1, a1 in offsets:
        for c2, a2 in offsets:
            if abs(np.sin(a2 - a1)) > 1e-9:
                edges.append(np.hypot(c1, (c2 - c1 * np.cos(a2 - a1)) / np.sin(a2 - a1)))
    edges = np.unique(np.clip(edges, 0.0, 10.0))
    x, w = _gauss_legendre(nodes)
    total = 0.0
    for low, high in itertools.pairwise(edges):
        t = (x + 1) / 2
        r, dr = low + (high - low) * t**2 * (3 - 2 * t), w / 2 * (high - low) * 6 * t * (1 - t)
        breaks = [np.full_like(r, a) for a in np.arange(0, 2 * np.pi, np.pi / 3)]
        for c, turn in offsets:
            if abs(c) <= (low + high) / 2:
                half = np.arccos(np.clip(c / r, -1, 1))
                breaks += [np.mod(turn + half, 2 * np.pi), np.mod(turn - half, 2 * np.pi)]
        breaks = np.sort([*breaks, np.full_like(r, 2 * np.pi)], axis=0)
        arc = np.diff(breaks, axis=0)
        a = breaks[:-1, :, None] + arc[:, :, None] * t
        values = f(s1 * r[:, None] * np.cos(a)) * g(s2 * r[:, None] * np.cos(a - theta))
        total += (values * w / 2 * arc[:, :, None]).sum(axis=(0, 2)) @ (dr * r * np.exp(-(r**2) / 2)) / (2 * np.pi)
    return total


def mean_of(act, f, q1, q2, k):
    """Return E[f(u) f(v)] for a function with the kinks of an activation."""
    return _mean_of(act, f, min(q1, q2), max(q1, q2), k)


@cache  # every point of a kernel has its second moment in a whole row of pairs, and every pair comes in two orders
def _mean_of(act, f, q1, q2, k):
    if kinks := KINKS.get(act.name):
        return split_mean(f, f, q1, q2, k, kinks) if q1 * q2 > 0 else _with_a_zero(f, q1, q2)
    return gaussian_mean(f, f, q1, q2, k)


def _with_a_zero(f, q1, q2):
    """Return E[f(u) f(v)] where one of the two variances, or both, is 0."""
    x = np.linspace(-10, 10, 200_001)
    density = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi) * (x[1] - x[0])
    return (f(np.sqrt(q1) * x) @ density) * (f(np.sqrt(q2) * x) @ density)


def kernels(net, x1, x2):
    """Return the NNGP and the neural tangent kernel of two sets of points, one pair after the other."""
    nngp, terms = kernel_and_terms(net, x1, x2)
    return nngp, terms.sum(axis=0)


def kernel_and_terms(net, x1, x2):
    """Return the NNGP kernel and each layer's term of the tangent kernel, (L + 1, n1, n2), pair after pair."""
    nngp, terms = np.zeros((len(x1), len(x2))), np.zeros((net.depth + 1, len(x1), len(x2)))
    for i, x in enumerate(x1):
        for j, y in enumerate(x2):
            nngp[i, j], terms[:, i, j] = _pair(net, x, y)
    return nngp, terms


def _pair(net, x, y):
    act, (phi, *derivative) = net.phi, phi_and_derivative(net.activation)
    sw, sb, standard = net.weight_var, net.bias_var, net.parametrization == "standard"
    q1, q2, k = (sw * a @ b / len(x) + sb for a, b in ((x, x), (y, y), (x, y)))
    terms = [x @ y + (sb > 0) if standard else k]
    for level in range(net.depth):
        skip = net.residual**2 if level < net.depth - 1 else 0.0
        before, inside = (q1, q2, k), (q1, q2, k)
        norm = np.sqrt(q1 * q2) if net.layer_norm else 1.0
        if net.layer_norm:
            inside = (1.0, 1.0, k / norm)
        slope = mean_of(act, derivative[0], *inside) / norm if derivative else np.nan
        t1, t2, t = (mean_of(act, phi, *moments) for moments in ((inside[0],) * 3, (inside[1],) * 3, inside))
        q1, q2, k = (sw * new + sb + skip * old for new, old in zip((t1, t2, t), before, strict=True))
        terms = [term * (sw * slope + skip) for term in terms]
        terms.append(net.width * t + (sb > 0) if standard else sw * t + sb)
    return k, terms


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
    power = {"standard": 0, "ntk": 0, "mup": 1 / 2, "mean_field": 1 / 2}[net.parametrization]
    return (
        np.sqrt(net.weight_var / in_dim),
        np.sqrt(net.weight_var / net.width),
        np.sqrt(net.bias_var),
        net.richness * net.width**power,
    )


def _preactivations(net, params, x):
    phi, *_ = phi_and_derivative(net.activation)
    first, later, sb, _ = _scales(net, x.shape[1])
    states = [first * x @ params.first.T + sb * params.biases[0]]
    for weights, bias in zip(params.hidden, params.biases[1:], strict=True):
        skipped = net.residual * states[-1]
        states.append(later * phi(_into(net, states[-1])) @ weights.T + sb * bias + skipped)
    return states


def _into(net, h):
    """What enters the activation."""
    return (h - h.mean(axis=1, keepdims=True)) / h.std(axis=1, keepdims=True) if net.layer_norm else h


def forward(net, params, x):
    """Return the output of a finite network from its definition."""
    phi, *_ = phi_and_derivative(net.activation)
    _, later, sb, gamma = _scales(net, x.shape[1])
    last = phi(_into(net, _preactivations(net, params, x)[-1]))
    return (later * last @ params.readout.T + sb * params.readout_bias) / gamma


def jacobians(net, params, x):
    """Return d f_c(x_i) by the raw weights and by the raw biases of each layer, readout last: (n, C, ...) of each.

    The chain rule from the output down: g = d f_c / d h^l. Activations that jump have the slope 0 between their jumps.
    """
    phi, *derivative = phi_and_derivative(net.activation)
    first, later, sb, gamma = _scales(net, x.shape[1])
    states = _preactivations(net, params, x)
    inside = [phi(_into(net, h)) for h in states]

    def below(g, h):
        """d f_c / d h from g = d f_c / d phi(h); a normalised layer has no slope along 1 and along itself."""
        u = _into(net, h)
        g = g * derivative[0](u)[:, None] if derivative else 0 * g
        if not net.layer_norm:
            return g
        along = (g * u[:, None]).mean(axis=2, keepdims=True) * u[:, None]
        return (g - g.mean(axis=2, keepdims=True) - along) / h.std(axis=1)[:, None, None]

    outputs = np.broadcast_to(np.eye(len(params.readout)) / gamma, (len(x), *np.shape(params.readout)[:1] * 2))
    layers = [(later * outputs[..., None] * inside[-1][:, None, None], sb * outputs)]
    g = below(later * outputs @ params.readout, states[-1])
    for level in range(net.depth - 1, 0, -1):
        layers.append((later * g[..., None] * inside[level - 1][:, None, None], sb * g))
        g = below(later * g @ params.hidden[level - 1], states[level - 1]) + net.residual * g
    layers.append((first * g[..., None] * x[:, None, None], sb * g))
    return layers[::-1]


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
