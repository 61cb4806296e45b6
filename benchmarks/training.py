"""Training beside the matrix products it cannot do without, a plain loop with optax, and PyTorch on this machine."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import lazyrich as lr
from benchmarks.peer import PYTORCH, Peer, PeerUnavailableError
from benchmarks.timing import Note, Row, compare, milliseconds

POINTS, DEPTH, SEEDS, RATE = 256, 3, 4, 0.1
_LONG, _RECORDED, _CHECKPOINTS = 500, 2000, 60


def rows() -> Iterator[Row | Note]:
    data = lr.load_data("digits", n_train=POINTS, n_test=16)
    yield from (_beside_products(data, width, steps) for width, steps in ((512, 40), (1024, 15)))
    yield _first_picture(data)
    yield from (_recording(data, points) for points in (64, POINTS))
    yield _beside_plain_loop(data)
    yield _beside_pytorch(data)


def _train(data: lr.Dataset, width: int, steps: int, **more: Any) -> np.ndarray:
    options = {"learning_rate": RATE, "seeds": SEEDS, "record": ("loss",), **more}
    time = options.pop("time", [RATE * steps])
    return lr.train(lr.Network(DEPTH, width), data, time=time, **options).train_loss.values


def _what(width: int, steps: int) -> str:
    return f"{steps:,} training steps, n = {POINTS}, N = {width}, L = {DEPTH}, {SEEDS} seeds, float32"


def _beside_products(data: lr.Dataset, width: int, steps: int) -> Row:
    """What a start costs is taken off ours: a run of one step, timed just before."""
    products = _products(data.in_dim, data.out_dim, width)
    start = min(milliseconds(lambda: _train(data, width, 1)) for _ in range(5))
    row = compare(
        f"{_what(width, steps)}, without the start",
        lambda: _train(data, width, steps + 1),
        "its matrix products alone",
        lambda: [products() for _ in range(steps * SEEDS)],
        rounds=7,
    )
    return Row(row.what, row.ours - start, row.beside, row.other)


def _products(in_dim: int, out_dim: int, width: int) -> Callable[[], Any]:
    """The products of one step of one seed, each a compiled program of its own: forward, backward and of weights."""

    def normal(*shape: int) -> jax.Array:
        return jax.random.normal(jax.random.key(0), shape)

    x, h, f = normal(POINTS, in_dim), normal(POINTS, width), normal(POINTS, out_dim)
    first, hidden, readout = normal(width, in_dim), normal(width, width), normal(out_dim, width)
    forward, back, outer = (jax.jit(p) for p in (lambda a, w: a @ w.T, lambda g, w: g @ w, lambda g, a: g.T @ a))
    inner = [(forward, h, hidden), (back, h, hidden), (outer, h, h)] * (DEPTH - 1)
    outside = [(forward, x, first), (outer, h, x), (forward, h, readout), (back, f, readout), (outer, f, h)]
    return lambda: [product(a, b) for product, a, b in (*inner, *outside)]


def _first_picture(data: lr.Dataset) -> Note:
    """From the request to the first checkpoint after the start, once this width is compiled."""

    def first_chunk() -> None:
        stream = lr.train_stream(
            lr.Network(DEPTH, 512), data, time=100.0, learning_rate=RATE, record=("loss", "outputs")
        )
        next(stream), next(stream)

    first_chunk()
    times = sorted(milliseconds(first_chunk) for _ in range(9))
    return Note(
        f"N = 512, n = {POINTS}: request to first trained checkpoint, warm: median {times[4]:.0f} ms (aim: 100)"
    )


def _recording(data: lr.Dataset, points: int) -> Row:
    time = RATE * np.unique(np.round(np.geomspace(1, _RECORDED, _CHECKPOINTS)))
    return compare(
        f"{_what(256, _RECORDED)}, the NTK on {points} points recorded at {len(time)} of them",
        lambda: _train(data, 256, _RECORDED, time=time, record=("loss", "ntk"), ntk_points=points),
        "the same with losses alone",
        lambda: _train(data, 256, _RECORDED, time=time),
        rounds=3,
    )


def _beside_plain_loop(data: lr.Dataset) -> Row:
    """Both compile anew each time."""

    def ours() -> np.ndarray:
        jax.clear_caches()
        return _train(data, 512, _LONG)

    def plain() -> jax.Array:
        jax.clear_caches()
        return _plain_loop(data, 512, _LONG)

    return compare(
        f"{_what(512, _LONG)}, compilation counted", ours, "jax.jit, jax.grad, jax.vmap and optax.sgd", plain, 2
    )


def _plain_loop(data: lr.Dataset, width: int, steps: int) -> jax.Array:
    """What one would write: the layers in a list, the seeds side by side, a compiled step in a loop."""
    x, y = jnp.asarray(data.x_train, jnp.float32), jnp.asarray(data.y_train, jnp.float32)
    sizes = [data.in_dim, *[width] * DEPTH, data.out_dim]

    def draw(key):
        keys = jax.random.split(key, DEPTH + 1)
        return [jax.random.normal(k, (m, n)) for k, (n, m) in zip(keys, itertools.pairwise(sizes), strict=True)]

    def loss(params):
        h = x
        for i, w in enumerate(params):
            h = (2 / h.shape[1]) ** 0.5 * h @ w.T
            h = jax.nn.relu(h) if i < DEPTH else h
        return ((h - y) ** 2).sum() / (2 * len(y))

    params = jax.vmap(draw)(jax.random.split(jax.random.key(0), SEEDS))
    optimizer = optax.sgd(RATE)
    state = optimizer.init(params)

    @jax.jit
    def step(params, state):
        value, gradient = jax.vmap(jax.value_and_grad(loss))(params)
        updates, state = optimizer.update(gradient, state)
        return value, optax.apply_updates(params, updates), state

    for _ in range(steps):
        value, params, state = step(params, state)
    return value


def _beside_pytorch(data: lr.Dataset) -> Row | Note:
    what = f"{_what(512, _LONG)}, compilation counted"

    def ours() -> np.ndarray:
        jax.clear_caches()
        return _train(data, 512, _LONG)

    # Its networks have other weights, so that losses agree in the mean over seeds and not further.
    want = float(ours()[:, -1].mean())
    try:
        with Peer.started(PYTORCH) as peer:
            request = {"width": 512, "depth": DEPTH, "seeds": SEEDS, "steps": _LONG, "learning_rate": RATE}
            arrays = {"x": data.x_train.tolist(), "y": data.y_train.tolist()}

            def other() -> float:
                return peer.milliseconds([want], relative=0.1, **request, **arrays)

            return compare(what, ours, "PyTorch, eager, CPU build", other, 2, lambda ask: ask())
    except PeerUnavailableError as error:
        return Note(f"{what}, not compared with PyTorch: {error}")
