"""Kernels in tiles are those in one piece, whatever the tile, and need little memory beside their result."""

import os
import subprocess
import sys
from concurrent.futures import CancelledError

import jax
import numpy as np
import pytest

import lazyrich as lr
from lazyrich.kernels import infinite
from lazyrich.kernels.blocks import TiledGram
from tests.core import textbook
from tests.tolerances import assert_allclose

# Products of matrices of another shape are rounded otherwise; nothing else differs.
ROUNDINGS = 1e-13
NET = lr.Network(depth=2, weight_var=1.7, bias_var=0.1)


def special_points(rng, n=9):
    """Points in general position and a duplicate, nearly one, a negative, a long and a zero one."""
    x = rng.normal(size=(n, 3))
    x[2], x[4], x[5], x[6], x[8] = x[1], -x[1], 3 * x[1], 0.0, x[1] + 1e-9
    return x


@pytest.mark.parametrize("tile", [1, 2, 4, 9, 50])
def test_any_tile_gives_the_kernel_of_one_piece_with_its_exact_symmetry_and_diagonal(tile, rng):
    x = special_points(rng)
    got, want = lr.tiled_kernel(NET, x, tile=tile), lr.ntk(NET, x)
    assert type(got) is np.ndarray
    assert_allclose(got, want, ROUNDINGS)
    assert_allclose(got, got.T, 0)
    assert_allclose(np.diag(got), np.diag(want), 1e-15)
    # The duplicate's row is that of its twin, and their entry the diagonal's.
    assert_allclose(got[1, 2], got[1, 1], 1e-15)


@pytest.mark.parametrize("tile", [32, 64])
def test_the_diagonal_of_what_goes_into_the_recursion_is_that_of_the_variances(tile, rng, monkeypatch):
    # A matrix product of 300 columns sums in another order than the norms do.
    x, diagonal, variances = rng.normal(size=(64, 300)), {}, {}

    def watched(activation, scalars, inputs, recursion):
        for row in range(len(inputs.q1)):
            for own in np.flatnonzero(np.asarray(inputs.distance)[row] == 0):
                diagonal[float(inputs.q2[own])] = float(inputs.k[row, own])
                variances[float(inputs.q2[own])] = float(inputs.q1[row])
        return compiled(activation, scalars, inputs, recursion=recursion)

    compiled = infinite.compiled
    monkeypatch.setattr(infinite, "compiled", watched)
    for start in range(0, 64, tile):
        lr.tiled_kernel(NET, x[start : start + tile], tile=tile)
    assert len(variances) == 64 and diagonal == variances


@pytest.mark.parametrize(
    "kind, activation, accuracy",  # of the duals; see test_infinite.py
    [("nngp", "relu", 1e-11), ("ntk", "relu", 1e-11), ("ntk", "gelu", 1e-11), ("ntk", "tanh", 1e-9)],
)
def test_tiles_of_two_sets_of_points_agree_with_a_scalar_recursion(kind, activation, accuracy, rng):
    net = lr.Network(depth=2, activation=activation, weight_var=1.7, bias_var=0.1)
    x1, x2 = special_points(rng), rng.normal(size=(5, 3))
    want = textbook.kernels(net, x1, x2)[("nngp", "ntk").index(kind)]
    assert_allclose(lr.tiled_kernel(net, x1, x2, kind=kind, tile=4), want, accuracy)


def test_points_of_equal_norm_in_some_tiles_only_make_no_difference(rng):
    x = rng.normal(size=(8, 3))
    x[:4] /= np.linalg.norm(x[:4], axis=1, keepdims=True)
    net = lr.Network(depth=2, activation="tanh")  # whose dual makes most of equal norms
    # The series is as long as the longest point of a tile needs; see `lazyrich.duals.hermite`.
    assert_allclose(lr.tiled_kernel(net, x, tile=4), lr.ntk(net, x), 1e-9)


@pytest.mark.parametrize("second", [None, 5], ids=["symmetric", "two_sets"])
def test_each_pair_is_computed_once(second, rng, monkeypatch):
    x1, x2 = rng.normal(size=(9, 3)), None if second is None else rng.normal(size=(second, 3))
    computed = []
    block = TiledGram.block
    monkeypatch.setattr(TiledGram, "block", lambda gram, *tile: computed.append(tile) or block(gram, *tile))
    matrix, times = np.full((9, second or 9), np.nan), np.zeros((9, second or 9), int)
    for rows, columns, part in lr.kernel_tiles(NET, x1, x2, tile=4):
        assert computed[-1] == (rows, columns)  # none is computed before it is wanted
        matrix[rows, columns] = part
        times[rows, columns] += 1
        if second is None and rows != columns:
            matrix[columns, rows] = part.T
            times[columns, rows] += 1
    assert (times == 1).all()
    assert len(computed) == 6  # of 3 x 3 those above the diagonal and on it, or 3 x 2
    assert_allclose(matrix, lr.ntk(NET, x1, x2), ROUNDINGS)


def test_float32_has_its_own_precision(rng):
    x = special_points(rng)
    got = lr.tiled_kernel(NET, x, tile=4, dtype="float32")
    assert got.dtype == np.float32
    assert_allclose(got, lr.ntk(NET, x))


@pytest.mark.parametrize("dtype, size", [("float32", 1e25), ("float64", 1e170)])
def test_an_overflow_is_refused(dtype, size, rng):
    with pytest.raises(ValueError, match=f"must be finite in {dtype}; got an overflow"):
        lr.tiled_kernel(NET, size * rng.normal(size=(3, 3)), dtype=dtype)


def test_progress_counts_the_tiles_and_cancels_by_returning_false_or_by_raising(rng):
    x, seen = rng.normal(size=(9, 3)), []
    lr.tiled_kernel(NET, x, tile=4, progress=lambda *counts: seen.append(counts))
    assert seen == [(done, 6) for done in range(1, 7)]

    with pytest.raises(CancelledError, match="after 2 of 6 tiles"):
        lr.tiled_kernel(NET, x, tile=4, progress=lambda done, total: done < 2)

    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lr.tiled_kernel(NET, x, tile=4, progress=interrupt)


def test_points_under_a_transformation_are_refused(rng):
    with jax.enable_x64(True), pytest.raises(ValueError, match="must hold numbers; got a tracer"):
        jax.jit(lambda x: lr.tiled_kernel(NET, x))(rng.normal(size=(3, 3)))


def run(code, *arguments, **environment):
    """Run `code` in a fresh interpreter, in which warnings are errors."""
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


ON_FOUR_DEVICES = """
import jax
import numpy as np
import lazyrich as lr
from lazyrich.kernels import blocks

assert len(jax.devices()) == 4
compiled, used = blocks.compiled, set()

def watched(activation, scalars, inputs, recursion):
    kernels = compiled(activation, scalars, inputs, recursion=recursion)
    for array in (inputs.k, kernels[0]):  # the covariances, and what becomes of them
        used.add((len({shard.device for shard in array.addressable_shards}),
                  sum(shard.data.size for shard in array.addressable_shards) == array.size))
    return kernels

blocks.compiled = watched
x = np.random.default_rng(0).normal(size=(23, 3))
x[5] = x[1]
# 4 divides neither the points nor the tile.
got = lr.tiled_kernel(lr.Network(), x, tile=9)
assert used == {(4, True)}, used
want = lr.ntk(lr.Network(), x)
assert np.abs(got - want).max() <= 1e-13 * want.max()
assert (got == got.T).all() and (got[5] == got[1]).all()
sphere = x / np.linalg.norm(x, axis=1, keepdims=True)
want = lr.ntk(lr.Network(), sphere, sphere[:7])
assert np.abs(lr.tiled_kernel(lr.Network(), sphere, sphere[:7], tile=9) - want).max() <= 1e-13 * want.max()
"""


def test_the_rows_are_spread_over_four_devices():
    run(ON_FOUR_DEVICES, XLA_FLAGS="--xla_force_host_platform_device_count=4", JAX_PLATFORMS="cpu")


# Linux says how much memory a process has had at the most since the mark was taken back.
MEMORY = """
import gc
import sys
import numpy as np
import lazyrich as lr

def status(name):
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name + ":"))

def growth(compute):
    gc.collect()
    open("/proc/self/clear_refs", "w").write("5")
    before = status("VmRSS")
    result = compute()
    return status("VmHWM") - before

n, tile = 2048, 1024
x = np.random.default_rng(0).normal(size=(n, 16))
lr.tiled_kernel(lr.Network(depth=1), x[:tile], tile=tile)  # what is compiled stays
for out in (None, sys.argv[1]):
    print(growth(lambda: lr.tiled_kernel(lr.Network(depth=1), x, tile=tile, out=out)) / (8 * tile**2))
print(growth(lambda: lr.nngp_and_ntk(lr.Network(depth=1), x)) / (8 * n**2))
"""


def test_the_peak_of_memory_is_below_the_result_and_two_tiles(tmp_path):
    in_memory, in_file, two_kernels = map(float, run(MEMORY, tmp_path / "kernel.npy").split())
    assert 4 < in_memory < 4 + 2  # tiles; the result is four of them
    assert in_file < 2
    assert two_kernels > 1.9  # results: what the measurement must be able to see
