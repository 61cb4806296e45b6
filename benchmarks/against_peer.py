"""Kernels beside neural-tangents 0.6.5, in turns and on the same points and weights; each answer is compared."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import lazyrich as lr
from benchmarks.peer import Peer, PeerUnavailableError
from benchmarks.problems import points, weights
from benchmarks.timing import Note, Row, compare

# The peer's implementations, and its axis over which the function maps point by point. Its default is the first.
_IMPLEMENTATIONS = (
    ("Jacobian contraction, its default", 1, None, 1),
    ("Jacobian contraction, vmap_axes=0", 1, 0, 1),
    ("NTK-vector products, vmap_axes=0", 2, 0, 1),
    ("structured derivatives, vmap_axes=0", 3, 0, 31),
)


def rows() -> Iterator[Row | Note]:
    try:
        with Peer.started() as peer:
            for measure in (_slider, _steady, _empirical):
                yield from measure(peer)
    except PeerUnavailableError as error:
        yield Note(f"neural-tangents was not compared: {error}")


def beside_peer(
    what: str, ours: Callable[[], Any], peer: Peer, beside: str, rounds: int = 5, want: Any = None, **request: Any
) -> Row | Note:
    """Time `ours` and the peer's answer to `request` in turns, the latter by the peer's own clock.

    The answer must agree with `want`, which is what `ours` returns where it is None.
    """
    want, beside = ours() if want is None else want, f"neural-tangents: {beside}"
    try:
        return compare(what, ours, beside, lambda: peer.milliseconds(want, **request), rounds, lambda ask: ask())
    except PeerUnavailableError as error:
        return Note(f"{what}, not compared with {beside}: {error}")


def _slider(peer: Peer) -> Iterator[Row | Note]:
    """A move from depth 3 to 10, a depth that the peer has not compiled; each answer is a new network to it."""
    x = points(256)
    lr.ntk(lr.Network(depth=3), x)
    for beside, jit in (("jitted: it compiles", True), ("not jitted", False)):
        yield beside_peer(
            "NTK, ReLU, n = 256, the depth slider from 3 to 10",
            lambda: lr.ntk(lr.Network(depth=10), x),
            peer, beside,
            kernel="infinite_of_new_depth", activation="relu", n=256, depth=10, precision="float64", jit=jit,
        )  # fmt: skip


def _steady(peer: Peer) -> Iterator[Row | Note]:
    x = points(1024)
    for activation in ("relu", "gelu"):
        net = lr.Network(depth=10, activation=activation)
        for precision in ("float64", "float32"):
            yield beside_peer(
                f"NTK, {activation}, n = 1024, depth 10, steady, float64",
                lambda net=net: lr.ntk(net, x),
                peer, f"jitted, {precision}",
                kernel="infinite", activation=activation, n=1024, depth=10, precision=precision, jit=True,
            )  # fmt: skip


def network_with_weights(n: int, width: int, depth: int) -> tuple[lr.Network, lr.Params, jax.Array]:
    """Return a ReLU network, the weights and the points of `benchmarks.problems`, where JAX wants them."""
    x = points(n)
    first, *hidden, readout = (matrix.T for matrix in weights(x.shape[1], width, depth))
    biases = np.zeros((depth, width), np.float32)
    params = lr.Params(first, np.array(hidden), readout, biases, np.zeros(1, np.float32))
    return lr.Network(depth, width), lr.Params(*map(jnp.asarray, params)), jnp.asarray(x, jnp.float32)


def _empirical(peer: Peer) -> Iterator[Row | Note]:
    n, width, depth = 256, 512, 3
    net, params, x = network_with_weights(n, width, depth)
    for beside, implementation, vmap_axes, rounds in _IMPLEMENTATIONS:
        yield beside_peer(
            f"empirical NTK, n = {n}, N = {width}, L = {depth}, float32",
            lambda: lr.empirical_ntk(net, params, x),
            peer, beside, rounds,
            kernel="empirical", n=n, width=width, depth=depth, implementation=implementation, vmap_axes=vmap_axes,
        )  # fmt: skip
