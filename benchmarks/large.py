"""Kernels in tiles: beside the same kernel in one piece, and where one piece would not fit."""

import json
import resource
import subprocess
import sys
from collections.abc import Iterator

import lazyrich as lr
from benchmarks.kernels import points
from benchmarks.timing import Row, compare, milliseconds

NET = lr.Network(depth=3)
LARGE = 16_384
# `ru_maxrss` is in kilobytes, but in bytes on macOS.
_UNIT = 1 if sys.platform == "darwin" else 2**10


def peak_gib() -> float:
    """The most memory this process has had since it began, all told."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT / 2**30


def measure(n: int) -> dict[str, float]:
    """Time and peak memory of one kernel, and the time of the matrix product it begins with."""
    x = points(n)
    lr.tiled_kernel(NET, x[:1024])  # compiles
    times = {"tiled": milliseconds(lambda: lr.tiled_kernel(NET, x)), "peak": peak_gib()}
    return times | {"product": milliseconds(lambda: x @ x.T)}


def rows() -> Iterator[Row]:
    x = points(4096)
    yield compare(
        "NTK, ReLU, n = 4096, depth 3, in tiles of 1024",
        lambda: lr.tiled_kernel(NET, x),
        "in one piece",
        lambda: lr.ntk(NET, x),
        rounds=3,
    )
    # In a process of its own, since the peak is that of all the process has done.
    done = subprocess.run([sys.executable, "-m", "benchmarks.large"], stdout=subprocess.PIPE, text=True, check=True)
    large = json.loads(done.stdout)
    what = f"NTK, ReLU, n = {LARGE:,}, depth 3, in tiles of 1024: {large['peak']:.2f} GiB in all"
    yield Row(what, large["tiled"], "the product of the points alone", large["product"])


if __name__ == "__main__":
    print(json.dumps(measure(LARGE)))
