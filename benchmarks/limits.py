"""Kernels beside this machine's own limits, measured in turns with them: memory, transcendental functions, products.

A limit is the time of the work that no implementation of the same arithmetic can leave out, done by itself by JAX in
the same precision: a kernel cannot be faster than the slowest of its limits.
"""

from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np

import lazyrich as lr
from benchmarks.against_peer import network_with_weights
from benchmarks.problems import points
from benchmarks.timing import Row, compare


def _copy(megabytes: float) -> Callable:
    """Return a call that reads and writes `megabytes` of float64 altogether."""
    array = jnp.asarray(np.ones(int(megabytes * 2**20 / 16)))
    run = jax.jit(lambda array: array + 1)
    return lambda: run(array)


def _transcendental(pairs: int, layers: int) -> Callable:
    """Return a call that takes the root and the arctan2 of `pairs` numbers, once a layer."""
    k = jnp.asarray(np.random.default_rng(0).uniform(-1, 1, pairs))

    @jax.jit
    def run(k):
        return jax.lax.fori_loop(0, layers, lambda _, k: jnp.arctan2(jnp.sqrt(1 - k * k), k) / jnp.pi, k)

    return lambda: run(k)


def _products(shapes: list[tuple[int, int, int]]) -> Callable:
    """Return a call of float32 products (m, k) x (k, n), one after the other."""
    rng = np.random.default_rng(0)
    factors = [
        tuple(jnp.asarray(rng.standard_normal(shape, np.float32)) for shape in ((m, k), (k, n))) for m, k, n in shapes
    ]
    run = jax.jit(lambda factors: [a @ b for a, b in factors])
    return lambda: run(factors)


def _in_double(make: Callable, *arguments) -> Callable:
    """Return the call that `make` makes, made and run under 64-bit types."""
    with jax.enable_x64(True):
        call = make(*arguments)

    def run():
        with jax.enable_x64(True):
            return call()

    return run


def rows() -> Iterator[Row]:
    n, depth = 1024, 10
    x, pairs = points(n), n * (n + 1) // 2
    traffic = 2 * 2 * 8 * n * n * depth / 2**20  # K and Theta, read and written once a layer
    for activation in ("relu", "gelu"):
        net = lr.Network(depth=depth, activation=activation)
        for limit, call in (
            (f"limit: {traffic:.0f} MB moved, two kernels once a layer", _in_double(_copy, traffic)),
            ("limit: a root and an arctan2 a pair and layer", _in_double(_transcendental, pairs, depth)),
        ):
            what = f"NTK, {activation}, n = {n}, depth {depth}"
            yield compare(what, lambda net=net: lr.ntk(net, x), limit, call)
    yield _empirical()


def _empirical() -> Row:
    n, width, depth = 256, 512, 3
    net, params, x = network_with_weights(n, width, depth)
    in_dim = x.shape[1]
    # Forward and backward; then a product of activations and one of signals a layer, of which half would do.
    passes = [(n, in_dim, width)] + [(n, width, width)] * 2 * (depth - 1)
    grams = [(n // 2, in_dim, n)] + [(n // 2, width, n)] * 2 * depth
    flops = sum(2 * m * k * p for m, k, p in passes + grams)
    return compare(
        f"empirical NTK, n = {n}, N = {width}, L = {depth}, float32",
        lambda: lr.empirical_ntk(net, params, x),
        f"limit: its matrix products, {flops / 1e6:.0f} million operations",
        _products(passes + grams),
        rounds=31,
    )
