"""The full Hessian of a tiny network's loss, by autodiff of its public output."""

import functools

import jax
import numpy as np
from jax.flatten_util import ravel_pytree

import lazyrich as lr


def learning_rates(net, params):
    """The learning rate of each raw parameter over eta: gamma^2, and the layer's own in the standard one."""
    width_power = 1 if net.parametrization in ("mup", "mean_field") else 0
    gamma_squared = net.richness**2 * net.width**width_power
    own = np.ones(5)
    if net.parametrization == "standard":
        first, later = (fan_in / net.weight_var for fan_in in (params.first.shape[1], net.width))
        bias = 1 / net.bias_var if net.bias_var else 0.0
        own = np.array([first, later, later, bias, bias])
    return gamma_squared * np.concatenate([np.full(leaf.size, r) for leaf, r in zip(params, own, strict=True)])


@functools.partial(jax.jit, static_argnums=0)  # one program for all calls with a network
def _hessian(net, params, x, y):
    flat, unravel = ravel_pytree(params)

    def loss(flat):
        return ((lr.apply(net, unravel(flat), x) - y) ** 2).sum() / (2 * len(x))

    return jax.hessian(loss)(flat)


def dense_hessian(net, params, x, y):
    """The Hessian, (P, P), in the coordinates in which training is gradient descent at the rate eta."""
    roots = np.sqrt(learning_rates(net, params))
    with jax.enable_x64():
        return roots[:, None] * np.asarray(_hessian(net, params, x, y)) * roots
