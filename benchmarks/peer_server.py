"""The peer's side: times neural-tangents on request. It runs in the peer's environment; see `benchmarks.peer`.

A request is a line of JSON on standard input, {"kernel": name, ...arguments}; the answer is a line on standard output,
{"milliseconds": time, "corner": the kernel's first entries} or {"error": sentence}.
"""

import functools
import json
import sys
import time

import jax
import jax.numpy as jnp
import neural_tangents as nt
from jax.experimental import enable_x64
from neural_tangents import stax

from benchmarks.problems import TIMES, points, regression, weights

_LAYERS = {"relu": stax.Relu, "gelu": stax.Gelu}
_WEIGHT_STD = 2**0.5


def _network(activation, depth, width):
    hidden = [stax.Dense(width, W_std=_WEIGHT_STD), _LAYERS[activation]()] * depth
    return stax.serial(*hidden, stax.Dense(1, W_std=_WEIGHT_STD))


def _infinite(activation, n, depth, precision, jit):
    """Return a call of the NTK of a new network, which JAX has to trace again."""
    _, _, kernel = _network(activation, depth, 1)
    run = (jax.jit if jit else lambda f: f)(lambda x: kernel(x, None, "ntk"))
    x = jnp.asarray(points(n), precision)
    return lambda: run(x)


@functools.cache
def infinite(**arguments):
    """The NTK of a network that has been compiled before."""
    return _infinite(**arguments)


def infinite_of_new_depth(**arguments):
    """The NTK of a network that has not."""
    return lambda: _infinite(**arguments)()


@functools.cache
def empirical(n, width, depth, implementation, vmap_axes):
    """The empirical NTK of float32 weights by one of the peer's implementations, compiled."""
    _, apply, _ = _network("relu", depth, width)
    params = []
    for matrix in weights(64, width, depth):
        params += [(jnp.asarray(matrix), None), ()]
    kernel = nt.empirical_ntk_fn(apply, vmap_axes=vmap_axes, implementation=implementation)
    run = jax.jit(lambda x, params: kernel(x, None, params))
    x = jnp.asarray(points(n), jnp.float32)
    return lambda: run(x, params[:-1])


@functools.cache
def gradient_descent_mse(n, precision):
    """Train and test outputs of a kernel over time, the eigendecomposition included; the last on test points."""
    kernel, cross, y, _ = (jnp.asarray(array, precision) for array in regression(n))
    # Its loss averages over outputs too.
    times, zeros = jnp.asarray(TIMES * y.shape[1], precision), jnp.zeros_like(y)

    def run():
        predict = nt.predict.gradient_descent_mse(kernel, y)
        return jax.block_until_ready(predict(times, zeros, zeros, cross))[1][-1]

    return run


KERNELS = {
    "infinite": infinite, "infinite_of_new_depth": infinite_of_new_depth, "empirical": empirical,
    "gradient_descent_mse": gradient_descent_mse,
}  # fmt: skip


def answer(request):
    name = request.pop("kernel")
    with enable_x64(request.get("precision") == "float64"):
        run = KERNELS[name](**request)
        start = time.perf_counter()
        kernel = jax.block_until_ready(run())
        milliseconds = 1e3 * (time.perf_counter() - start)
        return {"milliseconds": milliseconds, "corner": kernel[0, :4].tolist()}


def main():
    for line in sys.stdin:
        try:
            result = answer(json.loads(line))
        except Exception as error:  # whatever goes wrong belongs in the benchmark's report
            result = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
