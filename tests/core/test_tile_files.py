"""A kernel in a file is complete or says that it is not, and a job that was cancelled or killed is resumed."""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import CancelledError

import numpy as np
import pytest

import lazyrich as lr
from lazyrich.kernels.blocks import TiledGram
from tests.tolerances import assert_allclose

NET = lr.Network(depth=2, weight_var=1.7, bias_var=0.1)
X = np.random.default_rng(0).normal(size=(9, 3))
TILES = 6  # of 3 x 3 those above the diagonal and on it


@pytest.fixture
def out(tmp_path):
    return tmp_path / "kernel.npy"


@pytest.fixture
def computed(monkeypatch):
    """The tiles that have been computed since."""
    tiles, block = [], TiledGram.block
    monkeypatch.setattr(TiledGram, "block", lambda gram, *tile: tiles.append(tile) or block(gram, *tile))
    return tiles


def kernel(out, net=NET, x1=X, x2=None, **arguments):
    return lr.tiled_kernel(net, x1, x2, **{"tile": 4, "out": out, **arguments})


def cancel_after(count):
    return lambda done, total: done < count


def cancelled(out, count, **arguments):
    """Begin a file and stop after `count` tiles."""
    with pytest.raises(CancelledError, match=rf"after {count} of .* goes on from .*kernel\.npy\.partial"):
        kernel(out, progress=cancel_after(count), **arguments)


@pytest.mark.parametrize("x2", [None, X[:5] + 1], ids=["symmetric", "two_sets"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_file_holds_the_kernel_and_says_what_it_is(x2, dtype, out):
    want = lr.tiled_kernel(NET, X, x2, tile=4, dtype=dtype)
    for got in (kernel(out, x2=x2, dtype=dtype), lr.load_tiled_kernel(str(out))):
        assert isinstance(got, np.memmap) and got.mode == "r" and got.dtype == dtype
        assert_allclose(got, want, 0)
    assert_allclose(np.load(out), want, 0)
    spec = json.loads((out.parent / "kernel.npy.jsonl").read_text().splitlines()[0])
    assert spec["kind"] == "ntk" and spec["network"] == repr(NET) and spec["dtype"] == dtype
    assert sorted(os.listdir(out.parent)) == ["kernel.npy", "kernel.npy.jsonl"]


def test_a_cancelled_job_says_that_it_is_incomplete_and_goes_on_where_it_stopped(out, computed):
    cancelled(out, 4)
    assert not out.exists()
    with pytest.raises(ValueError, match=r"complete; got 4 of the 6 tiles of .*kernel\.npy"):
        lr.load_tiled_kernel(out)
    computed.clear()
    seen = []
    got = kernel(out, progress=lambda *counts: seen.append(counts))
    assert len(computed) == 2 and seen == [(5, TILES), (6, TILES)]
    assert_allclose(got, lr.ntk(NET, X), 1e-13)


KILLED = """
import os, signal, sys
import numpy as np
import lazyrich as lr

def die(done, total):
    if done == 4:
        os.kill(os.getpid(), signal.SIGKILL)

x = np.random.default_rng(0).normal(size=(9, 3))
lr.tiled_kernel(lr.Network(depth=2, weight_var=1.7, bias_var=0.1), x, tile=4, out=sys.argv[1], progress=die)
"""


def test_a_killed_job_says_that_it_is_incomplete_and_goes_on_where_it_stopped(out, computed):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    killed = subprocess.run([sys.executable, "-c", KILLED, out], env=environment, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not out.exists()
    with pytest.raises(ValueError, match="got 4 of the 6 tiles"):
        lr.load_tiled_kernel(out)
    assert_allclose(kernel(out), lr.ntk(NET, X), 1e-13)
    assert len(computed) == 2


def test_a_job_killed_between_its_last_tile_and_the_name_of_its_file_is_finished(out, computed):
    want = np.array(kernel(out))
    os.replace(out, out.with_name("kernel.npy.partial"))
    with pytest.raises(ValueError, match="got 6 of the 6 tiles"):
        lr.load_tiled_kernel(out)
    computed.clear()
    assert_allclose(kernel(out), want, 0)
    assert computed == []


@pytest.mark.parametrize("piece", ["4", "12"], ids=["a_number", "another_number"])
def test_a_line_that_was_not_finished_is_no_tile(piece, out, computed):
    # Tiles are numbered from 0; a tile whose number is not whole may be in the file, or not.
    cancelled(out, 4)
    with out.with_name("kernel.npy.jsonl").open("a") as record:
        record.write(piece)
    computed.clear()
    assert_allclose(kernel(out), lr.ntk(NET, X), 1e-13)
    assert len(computed) == 2
    numbers = out.with_name("kernel.npy.jsonl").read_text().splitlines()[1:]
    assert sorted(map(int, numbers)) == list(range(TILES))


def test_a_file_whose_record_was_never_written_is_begun_anew(out):
    out.with_name("kernel.npy.partial").write_bytes(b"cut short")
    assert_allclose(kernel(out), lr.ntk(NET, X), 1e-13)


def test_a_record_that_outlived_its_file_says_nothing_of_the_next_one(out, monkeypatch):
    kernel(out)
    out.unlink()

    def die(*paths):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(os, "replace", die)  # which gives the record its name, before the first tile
        kernel(out)
    assert_allclose(kernel(out), lr.ntk(NET, X), 1e-13)


def test_a_complete_file_is_not_computed_again(out, computed):
    want = np.array(kernel(out))
    computed.clear()
    assert_allclose(kernel(out), want, 0)
    assert computed == []


OTHERS = {
    "network": {"net": lr.Network(depth=3, weight_var=1.7, bias_var=0.1)},
    "points": {"x1": X + 1e-15},
    "second_points": {"x2": X},
    "kind": {"kind": "nngp"},
    "tile": {"tile": 3},
    "dtype": {"dtype": "float32"},
}


@pytest.mark.parametrize("complete", [False, True], ids=["begun", "complete"])
@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_a_file_of_other_arguments_is_refused_with_both_specs_and_left_alone(other, complete, out):
    if complete:
        kernel(out)
    else:
        cancelled(out, 4)
    before = {path.name: path.read_bytes() for path in out.parent.iterdir()}
    with pytest.raises(ValueError, match=r"same arguments; got .*begun with \{.*\}, for \{.*\}\. Give") as error:
        kernel(out, **other)
    theirs, ours = map(json.loads, str(error.value).split("begun with ")[1].split(". Give")[0].split(", for "))
    assert theirs["network"] == repr(NET) and theirs != ours
    assert {path.name: path.read_bytes() for path in out.parent.iterdir()} == before


def test_a_file_that_is_something_else_is_refused_and_left_alone(out):
    np.save(out, np.eye(2))
    with pytest.raises(ValueError, match=r"must be a new file.*got .*kernel\.npy, which is something else"):
        kernel(out)
    with pytest.raises(ValueError, match=r"beside the \.jsonl file .*; got .*kernel\.npy"):
        lr.load_tiled_kernel(out)
    assert_allclose(np.load(out), np.eye(2))


def test_a_file_that_appeared_under_the_name_of_a_begun_one_is_left_alone(out):
    cancelled(out, 4)
    np.save(out, np.eye(2))
    with pytest.raises(ValueError, match="which is something else"):
        kernel(out)
    assert_allclose(np.load(out), np.eye(2))


@pytest.mark.parametrize("text", ["", "a table\n", "[1, 2]\n", "{}\n", '{"tiles": 6}\nfour\n'])
def test_a_record_that_is_something_else_is_refused(text, out):
    cancelled(out, 4)
    out.with_name("kernel.npy.jsonl").write_text(text)
    for use in (kernel, lr.load_tiled_kernel):
        with pytest.raises(ValueError, match=r"kernel\.npy\.jsonl must be the record of a tiled kernel; got"):
            use(out)


def test_a_disk_without_room_is_refused_before_anything_is_written(out, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 8 * 81 - 1}))
    with pytest.raises(ValueError, match=r"out needs .* GiB of disk; got .* GiB free at"):
        kernel(out)
    assert list(out.parent.iterdir()) == []


def test_an_interrupted_job_leaves_each_tile_that_it_counted(out):
    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kernel(out, progress=interrupt)
    with pytest.raises(ValueError, match="got 1 of the 6 tiles"):
        lr.load_tiled_kernel(out)
    assert_allclose(kernel(out), lr.ntk(NET, X), 1e-13)
