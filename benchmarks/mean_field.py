"""The rich limit: a step beside the matrix products and activations that it cannot do without."""

from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp

import lazyrich as lr
from benchmarks.timing import Row, compare

_RATE, _STEPS = 0.1, 200


def _bare_passes(data: lr.Dataset, particles: int, steps: int) -> Callable:
    """Return the products and activations of `steps` steps, float32: of h and f, of both gradients, phi and phi'."""
    (n, in_dim), out_dim = data.x_train.shape, data.out_dim
    x, w = jnp.ones((n, in_dim), jnp.float32), jnp.ones((particles, in_dim), jnp.float32) / in_dim
    a = jnp.ones((out_dim, particles), jnp.float32) / particles

    @jax.jit
    def run(w, a, x):
        def step(_, weights):
            w, a = weights
            p = jnp.tanh(x @ w.T)
            delta = p @ a.T
            g = (delta @ a) * (1 - p * p)
            return w - 1e-9 * g.T @ x, a - 1e-9 * delta.T @ p

        return jax.lax.fori_loop(0, steps, step, (w, a))

    return lambda: run(w, a, x)


def _ours(data: lr.Dataset, particles: int, steps: int) -> Callable:
    net = lr.Network(depth=1, activation="tanh", weight_var=1.0)
    arguments = {"time": [_RATE * steps], "learning_rate": _RATE, "record": ("loss",)}
    return lambda: lr.mean_field(net, data, particles=particles, **arguments).train_loss.values


def rows() -> Iterator[Row]:
    n = 32
    data = lr.load_data("digits", n_train=n, n_test=n)
    for particles, steps in ((20_000, _STEPS), (20_000, 2 * _STEPS), (40_000, _STEPS)):
        yield compare(
            f"mean field, {particles:,} particles, n = {n}, {steps} steps, start and end recorded",
            _ours(data, particles, steps),
            "its products and activations",
            _bare_passes(data, particles, steps),
            rounds=5,
        )
