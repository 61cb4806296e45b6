"""Kernels: the loop over depth beside unrolled layers, the empirical NTK beside a Jacobian."""

import itertools
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

import lazyrich as lr
from benchmarks.problems import points
from benchmarks.timing import Row, compare


def _unrolled_ntk(depth: int):
    """The textbook ReLU recursion, one Python loop iteration a layer, compiled anew for every depth."""

    @jax.jit
    def kernel(x):
        k = 2 * x @ x.T / x.shape[1]
        theta = k
        for _ in range(depth):
            q = jnp.diag(k)
            g = jnp.sqrt(q[:, None] * q[None, :])
            angle = jnp.arccos(jnp.clip(k / g, -1, 1))
            tdot = (jnp.pi - angle) / (2 * jnp.pi)
            k = 2 * (g * jnp.sin(angle) / (2 * jnp.pi) + tdot * k)
            theta = k + 2 * theta * tdot
        return theta

    def run(x):
        with jax.enable_x64(True):
            return np.asarray(kernel(x))

    return run


def rows() -> Iterator[Row]:
    x = points(256)
    ours, theirs = itertools.cycle(range(2, 13)), itertools.count(2)  # a new depth at every call
    yield compare(
        "NTK, ReLU, n = 256, a move of the depth slider",
        lambda: lr.ntk(lr.Network(depth=next(ours)), x),
        "layers unrolled: it compiles",
        lambda: _unrolled_ntk(next(theirs))(x),
    )
    x = points(1024)
    unrolled = _unrolled_ntk(10)
    yield compare(
        "NTK, ReLU, n = 1024, depth 10, steady",
        lambda: lr.ntk(lr.Network(depth=10), x),
        "layers unrolled, compiled",
        lambda: unrolled(x),
    )
    x, sphere = points(256), points(256)
    sphere *= 8 / np.linalg.norm(sphere, axis=1, keepdims=True)
    for name, inputs in (("equal norms", sphere), ("mixed norms", x)):
        yield compare(
            f"NTK, tanh by its series, n = 256, depth 3, {name}",
            lambda inputs=inputs: lr.ntk(lr.Network(activation="tanh"), inputs),
            "erf in closed form",
            lambda inputs=inputs: lr.ntk(lr.Network(activation="erf"), inputs),
        )
    yield from _empirical()


def _empirical() -> Iterator[Row]:
    net, x = lr.Network(depth=3, width=128), points(64).astype(np.float32)
    params = lr.init(net, 64, 1)

    @jax.jit
    def by_jacobian(params):
        jacobian = jax.jacrev(lambda p: lr.apply(net, p, x)[:, 0])(params)
        flat = jnp.concatenate([leaf.reshape(len(x), -1) for leaf in jax.tree.leaves(jacobian)], axis=1)
        return flat @ flat.T

    def f(params, x):
        return lr.apply(net, params, x)

    for name, ours in (("empirical", lambda: lr.empirical_ntk(net, params, x)),
                       ("function's", lambda: lr.function_ntk(f, params, x))):  # fmt: skip
        yield compare(f"{name} NTK, n = 64, N = 128, L = 3", ours, "plain Jacobian", lambda: by_jacobian(params))
