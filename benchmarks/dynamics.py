"""Linear dynamics beside the eigendecomposition and the matrix products they need, and beside neural-tangents."""

from collections.abc import Iterator

import numpy as np

import lazyrich as lr
from benchmarks.against_peer import beside_peer
from benchmarks.peer import Peer, PeerUnavailableError
from benchmarks.problems import TIMES, regression
from benchmarks.timing import Note, Row, compare

N = 512
SIZES = (64, 128, 256, 512, 1024, 2048)


def rows() -> Iterator[Row | Note]:
    yield from (_losses(n_test) for n_test in (256, 512))
    yield _variances("test")
    yield _variances("train")
    yield _limit()
    try:
        with Peer.started() as peer:
            for n in SIZES:
                yield _outputs(peer, n)
    except PeerUnavailableError as error:
        yield Note(f"neural-tangents was not compared: {error}")


def _losses(n_test: int) -> Row:
    """All of a move of a slider once the kernels are there."""
    kernel, cross, y, y_test = regression(N, n_test)

    def ours():
        flow = lr.LinearDynamics(kernel, y, cross)
        return flow.train_loss(TIMES), flow.test_loss(TIMES, y_test)

    what = f"eigensystem, train and test losses at {len(TIMES)} times, n = {N}, n' = {n_test}, C = {y.shape[1]}"
    return compare(what, ours, "its eigendecomposition alone", lambda: np.linalg.eigh(kernel), rounds=15)


def _variances(points: str) -> Row:
    """The variances on all points at all times: one product of n' x n with n x n each."""
    kernel, cross, y, _ = regression(N)
    flow = lr.LinearDynamics(kernel, y, cross, nngp=kernel, cross_nngp=cross, test_nngp=kernel)
    learned = cross * 0.5

    def products():
        for _ in TIMES:
            learned @ kernel

    what = f"variances on {N} {points} points at {len(TIMES)} times, n = {N}"
    return compare(what, lambda: flow.variance(TIMES, points), "its products alone", products, rounds=5)


def _limit() -> Row:
    """The test losses beside their one product, which the machine does as fast as any."""
    kernel, cross, y, y_test = regression(N)
    flow = lr.LinearDynamics(kernel, y, cross)
    rows = np.ones((len(TIMES) * y.shape[1], N))
    operations = 2 * rows.size * len(cross)
    what = f"test losses at {len(TIMES)} times, n = n' = {N}, C = {y.shape[1]}"
    limit = f"limit: its product, {operations / 1e6:.0f} million operations"
    return compare(what, lambda: flow.test_loss(TIMES, y_test), limit, lambda: rows @ cross.T, rounds=15)


def _outputs(peer: Peer, n: int) -> Row | Note:
    kernel, cross, y, _ = regression(n)

    def ours():
        flow = lr.LinearDynamics(kernel, y, cross)
        return flow.train(TIMES), flow.test(TIMES)

    return beside_peer(
        f"eigensystem, train and test outputs at {len(TIMES)} times, n = n' = {n}, C = {y.shape[1]}",
        ours, peer, "gradient_descent_mse, float64", 15 if n < N else 3,
        want=ours()[1][-1], kernel="gradient_descent_mse", n=n, precision="float64",
    )  # fmt: skip
