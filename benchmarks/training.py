"""Training: a step beside the matrix products that it cannot do without."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp

import lazyrich as lr
from benchmarks.timing import Row, compare

_STEPS = 50


def _bare_products(n: int, in_dim: int, width: int, depth: int, seeds: int):
    """The forward, backward and weight-gradient products of `_STEPS` steps, and nothing else."""
    w = jnp.ones((seeds, width, width), jnp.float32) / width
    first = jnp.ones((seeds, width, in_dim), jnp.float32) / in_dim
    x = jnp.ones((n, in_dim), jnp.float32)

    @jax.jit
    def run(w, first, x):
        def one(w, first):
            def step(_, carry):
                w, h = carry
                h = x @ first.T + 1e-9 * h
                for _ in range(depth - 1):
                    h = h @ w.T
                g = h
                for _ in range(depth - 1):
                    w = w - 1e-9 * g.T @ h
                    g = g @ w
                return w, g

            return jax.lax.fori_loop(0, _STEPS, step, (w, jnp.zeros((n, width), jnp.float32)))

        return jax.vmap(one)(w, first)

    return lambda: run(w, first, x)


def rows() -> Iterator[Row]:
    data = lr.load_data("digits", n_train=128, n_test=16)
    rate = 0.1
    for width, seeds in ((256, 1), (256, 4), (512, 4)):
        net = lr.Network(depth=3, width=width)
        yield compare(
            f"{_STEPS} training steps, n = 128, N = {width}, L = 3, {seeds} seeds, start and end recorded",
            lambda net=net, seeds=seeds: (
                lr.train(
                    net, data, time=[rate * _STEPS], learning_rate=rate, seeds=seeds, record=("loss",)
                ).train_loss.values
            ),
            "the bare matrix products",
            _bare_products(128, data.in_dim, width, 3, seeds),
            rounds=5,
        )
