"""The kernel of any function against a plain Jacobian, against that of finite networks, and its memory measured."""

import importlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lazyrich as lr
from lazyrich.parametrizations import PARAMETRIZATIONS
from tests.core import textbook
from tests.tolerances import assert_allclose

# The package has the function under the name of its module.
module = importlib.import_module("lazyrich.kernels.function_ntk")


def perceptron(params, x):
    """Two outputs from points (n, 3) and parameters in a nested tree, one of them a scalar."""
    h = jnp.tanh(x @ params["first"]["w"] + params["first"]["b"][None, :])
    return params["scale"] * h @ params["readout"]


def convolution(params, x):
    """Two outputs from images (n, 5, 4, 1)."""
    h = jax.lax.conv_general_dilated(x, params[0], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return jax.nn.relu(h).reshape(len(x), -1) @ params[1]


def draw_perceptron(rng, dtype="float64"):
    shapes = {"first": {"w": (3, 5), "b": (5,)}, "readout": (5, 2), "scale": ()}
    return jax.tree.map(
        lambda shape: np.asarray(rng.normal(size=shape), dtype), shapes, is_leaf=lambda leaf: isinstance(leaf, tuple)
    )


def draw_convolution(rng):
    return [rng.normal(size=(3, 3, 1, 3)), rng.normal(size=(60, 2))]


CASES = {
    "perceptron_a_point_at_a_time": (perceptron, draw_perceptron, (3,), 1),
    "perceptron_in_one_chunk": (perceptron, draw_perceptron, (3,), 100),
    "convolution_in_chunks_of_three": (convolution, draw_convolution, (5, 4, 1), 3),
}


def blocks_of_jacobian(f, params, x1, x2):
    """The product of the two whole Jacobians, (n1, n2, C, C)."""

    def rows(x):
        with jax.enable_x64(True):
            jacobian = jax.jit(jax.jacfwd(lambda p: f(p, x)))(jax.tree.map(jnp.asarray, params))
        return np.concatenate([np.reshape(leaf, (*leaf.shape[:2], -1)) for leaf in jax.tree.leaves(jacobian)], axis=2)

    return np.einsum("icp,jdp->ijcd", rows(x1), rows(x2))


def bytes_of_a_row(params, out_dim):
    return out_dim * sum(np.asarray(leaf).nbytes for leaf in jax.tree.leaves(params))


@pytest.mark.parametrize("f, draw, shape, points_at_once", CASES.values(), ids=CASES)
def test_it_is_the_product_of_jacobians_whatever_the_chunks(f, draw, shape, points_at_once, rng):
    params, x1, x2 = draw(rng), rng.normal(size=(7, *shape)), rng.normal(size=(4, *shape))
    memory = 3 * points_at_once * bytes_of_a_row(params, 2)
    for second in (x2, None):
        want = blocks_of_jacobian(f, params, x1, x1 if second is None else second)
        assert_allclose(lr.function_ntk(f, params, x1, second, blocks=True, memory=memory), want)
        got = lr.function_ntk(f, params, x1, second, memory=memory)
        assert_allclose(got, np.einsum("ijcc->ij", want) / 2)


# In the standard parametrization the raw weights have learning rates of their own; see test_empirical.py.
@pytest.mark.parametrize("parametrization", sorted(set(PARAMETRIZATIONS) - {"standard"}))
def test_it_is_the_empirical_kernel_over_gamma_squared(parametrization, rng):
    net = lr.Network(2, 8, "gelu", 1.5, 0.2, parametrization, richness=0.7)
    params, x1, x2 = textbook.draw(net, 3, 2, rng), rng.normal(size=(4, 3)), rng.normal(size=(3, 3))

    def f(params, x):
        return lr.apply(net, params, x)

    for second in (x2, None):
        got = net.gamma**2 * lr.function_ntk(f, params, x1, second, blocks=True)
        assert_allclose(got, lr.empirical_ntk(net, params, x1, second, blocks=True))


@pytest.fixture
def measured(monkeypatch):
    """Bytes of Jacobian rows held during each call, as the compiled programs report them, and calls by name."""
    peaks, calls = [], []

    def watched(name, bytes_held):
        function = getattr(module, name)

        def call(*args, **kwargs):
            calls.append(name)
            analysis = function.lower(*args, **kwargs).compile().memory_analysis()
            peaks.append(bytes_held(analysis))
            return function(*args, **kwargs)

        monkeypatch.setattr(module, name, call)

    # While rows are made, those of another chunk of this size are held already.
    watched("_rows", lambda analysis: 2 * analysis.output_size_in_bytes + analysis.temp_size_in_bytes)
    # Both chunks are arguments. A block of the kernel that is moved around is no row.
    watched(
        "_contracted",
        lambda analysis: (
            analysis.argument_size_in_bytes + analysis.temp_size_in_bytes - 2 * analysis.output_size_in_bytes
        ),
    )
    return peaks, calls


@pytest.mark.parametrize("blocks", [False, True], ids=["mean", "blocks"])
def test_rows_take_the_memory_that_they_may_and_no_more(blocks, measured, rng):
    def f(params, x):
        return jnp.tanh(x @ params[0]) @ params[1]

    params = [rng.standard_normal(shape, np.float32) for shape in ((8, 400), (400, 3))]
    row = bytes_of_a_row(params, 3)
    memory = 3 * 6 * row  # chunks of 6 for 16 points: they are filled up
    x1, x2 = rng.normal(size=(2, 16, 8))
    lr.function_ntk(f, params, x1, x2, blocks=blocks, memory=memory)
    peaks, _ = measured
    assert memory / 2 < max(peaks) <= memory
    assert memory < 2 * 16 * row  # too little for both Jacobians at once


def test_chunks_above_the_diagonal_are_not_computed(measured, rng):
    params, x = draw_perceptron(rng), rng.normal(size=(8, 3))
    memory = 3 * 2 * bytes_of_a_row(params, 2)
    lr.function_ntk(perceptron, params, x, memory=memory)
    _, calls = measured
    assert calls.count("_contracted") == 4 * 5 // 2
    calls.clear()
    lr.function_ntk(perceptron, params, x, x, memory=memory)
    assert calls.count("_contracted") == 4 * 4


def test_the_same_function_is_compiled_once(rng):
    x = rng.normal(size=(7, 3))

    def f(params, x):
        return perceptron(params, x)

    before = module._rows._cache_size()
    for _ in range(3):
        params = draw_perceptron(rng)
        lr.function_ntk(f, params, x, memory=3 * 2 * bytes_of_a_row(params, 2))
    assert module._rows._cache_size() == before + 1


def test_it_has_the_precision_of_the_parameters(rng):
    x = rng.normal(size=(3, 3))
    for dtype in ("float32", "float64"):
        assert lr.function_ntk(perceptron, draw_perceptron(rng, dtype), x).dtype == dtype


def test_a_function_without_a_hash_and_one_under_jit_have_their_kernel(rng):
    class Model:
        __hash__ = None

        def __call__(self, params, x):
            return perceptron(params, x)

    params, x = draw_perceptron(rng, "float32"), rng.normal(size=(4, 3)).astype(np.float32)
    want = lr.function_ntk(perceptron, params, x)
    assert_allclose(lr.function_ntk(Model(), params, x), want)
    assert_allclose(jax.jit(lambda params: lr.function_ntk(perceptron, params, x))(params), want)
