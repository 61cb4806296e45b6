"""The tiles of a kernel in memory: any size of them gives the same matrix, and an error ends the work."""

import numpy as np
import pytest

import lazyrich as lr
from lazyrich.kernels import tiles
from tests.tolerances import assert_allclose

NET = lr.Network(depth=2, bias_var=0.1)
ROUNDINGS = 1e-13


@pytest.mark.parametrize("second", [None, 40], ids=["symmetric", "two_sets"])
def test_tiles_of_every_size_give_the_same_matrix(second, rng, monkeypatch):
    x1, x2 = rng.normal(size=(70, 3)), None if second is None else rng.normal(size=(second, 3))
    x1[1] = x1[69] * (1 + 1e-7)  # a pair whose distance has no digits left in its covariance
    want = lr.ntk(NET, x1, x1 if x2 is None else x2)
    for size in tiles._SIZES:
        monkeypatch.setattr(tiles, "_SIZES", (size,))
        assert_allclose(lr.ntk(NET, x1, x2), want, ROUNDINGS)


@pytest.mark.parametrize("symmetric", [True, False], ids=["symmetric", "two_sets"])
@pytest.mark.parametrize("n", [1, 30, 64, 256, 3000])
def test_the_size_is_the_one_of_least_time_on_all_cores(n, symmetric, monkeypatch):
    times = {}
    for size in tiles._SIZES:
        side = range(-(-n // size))
        count = sum(1 for i in side for j in side if i <= j or not symmetric)
        times[size] = np.ceil(count / tiles._CORES) * (size**2 + tiles._LAUNCH)
    assert times[tiles._size(n, n, symmetric)] == min(times.values())


def test_every_item_is_run_once():
    assert sorted(tiles.for_each(lambda item: 2 * item, range(100))) == list(range(0, 200, 2))


def test_the_first_error_ends_the_work():
    done = []

    def run(item):
        if item == 3:
            raise OSError("no room")
        done.append(item)

    with pytest.raises(OSError, match="no room"):
        tiles.for_each(run, range(10_000))
    assert len(done) < 10_000 - 1
