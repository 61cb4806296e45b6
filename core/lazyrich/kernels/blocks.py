r"""A Gram matrix cut into tiles, and one tile of it: the only place where tiles meet the kernels' recursion.

On one device a tile is made of the small ones of `tiles`; on several it is computed in strips, whose rows are spread
over the devices. Either way what the recursion needs beside its result stays below the size of a large tile.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Float

from .._checks import choice, whole
from .._float64 import float64, is_traced
from .._version import __version__
from ..networks import Network
from .infinite import check_tangent, checked_points, compute
from .recursion import Part, Recursion, Scalars, compiled, overflow
from .tiles import Inputs, moments

# The recursion holds a dozen arrays of the size of its result and more: strips of a 32nd of a tile leave it well below
# one tile, beside the tile itself.
_STRIPS = 32

Tile = tuple[slice, slice]  # rows and columns


@dataclass(frozen=True, eq=False)
class TiledGram:
    """What is to be computed: a kernel of points, cut into tiles. Build one with `tiled_gram`; it can be pickled.

    Attributes:
        net: the network.
        kind: nngp or ntk.
        x1: points of the rows, (n1, D).
        x2: points of the columns, (n2, D); None means x1, and only tiles on and above the diagonal.
        tile: rows and columns of a tile; the last ones may have fewer.
        dtype: the precision of its blocks.
    """

    net: Network
    kind: str
    x1: Float[np.ndarray, "n1 in_dim"]
    x2: Float[np.ndarray, "n2 in_dim"] | None
    tile: int
    dtype: str

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the whole matrix."""
        return len(self.x1), len(self.x1 if self.x2 is None else self.x2)

    @property
    def count(self) -> int:
        """How many tiles there are."""
        rows, columns = (-(-side // self.tile) for side in self.shape)
        return rows * (rows + 1) // 2 if self.x2 is None else rows * columns

    def tiles(self) -> Iterator[Tile]:
        """Rows and columns of each tile; the order is always the same."""
        rows, columns = ([slice(i, min(i + self.tile, n)) for i in range(0, n, self.tile)] for n in self.shape)
        return itertools.combinations_with_replacement(rows, 2) if self.x2 is None else itertools.product(rows, columns)

    def block(self, rows: slice, columns: slice) -> Float[np.ndarray, "n1 n2"]:
        """Compute one tile.

        Raises:
            ValueError: a kernel that overflows.
        """
        x1 = self.x1[rows]
        if self.x2 is None:
            return self._block(x1, None if rows == columns else self.x1[columns])
        return self._block(x1, self.x2[columns])

    @float64
    def _block(self, x1, x2):
        part = Part(self.kind)
        if len(jax.local_devices()) == 1:
            return compute(self.net, x1, x2, part, self.dtype)[0]
        second = x1 if x2 is None else x2
        block = np.empty((len(x1), len(second)), self.dtype)
        mesh = Mesh(np.array(jax.local_devices()), ("rows",))
        height = -(-self.tile // (_STRIPS * mesh.size)) * mesh.size
        for start in range(0, len(x1), height):
            rows = slice(start, start + height)
            block[rows] = self._strip(x1[rows], second, height, mesh, start if x2 is None else None)
        if not np.isfinite(block).all():
            raise ValueError(overflow(self.net, x1, x2, self.dtype))
        if x2 is None:
            _mirror(block)
        return block

    def _strip(self, x1, x2, height, mesh, diagonal):
        """Return the rows of x1; `diagonal` is the column of the first one's own point, None where it has none."""
        # Every strip has the same height, so that it is compiled once and divides among the devices.
        padded = np.pad(x1, ((0, height - len(x1)), (0, 0)), mode="edge")
        inputs = moments(padded, x2, self.net.phi.needs_distance, diagonal=diagonal)
        inputs = _by_rows(jax.tree.map(lambda moment: np.asarray(moment, self.dtype), inputs), mesh)
        recursion, scalars = Recursion.of(self.net, Part(self.kind)), Scalars.of(self.net, x1.shape[1])
        return np.asarray(compiled(self.net.phi, scalars, inputs, recursion=recursion)[0])[: len(x1)]

    def spec(self) -> dict[str, Any]:
        """Return all that the matrix depends on, in plain values; points stand as digests."""
        return {
            "kind": self.kind,
            "network": repr(self.net),
            "x1": _digest(self.x1),
            "x2": None if self.x2 is None else _digest(self.x2),
            "shape": list(self.shape),
            "dtype": self.dtype,
            "tile": self.tile,
            "tiles": self.count,
            "lazyrich": __version__,
        }


def tiled_gram(net: Any, x1: Any, x2: Any, kind: Any, tile: Any, dtype: Any) -> TiledGram:
    """Check what the public functions were given; their docstrings say the rest."""
    if is_traced(x1, x2):
        raise ValueError(
            "x1 and x2 must hold numbers; got a tracer of a JAX transformation. Compute tiles outside of it; "
            "nngp and ntk work inside."
        )
    x1, x2 = checked_points(net, x1, x2)
    if choice(kind, "kind", ("nngp", "ntk")) == "ntk":
        check_tangent(net)
    tile = min(whole(tile, "tile", 1), max(len(x1), len(x1 if x2 is None else x2)))
    return TiledGram(net, kind, x1, x2, tile, choice(dtype, "dtype", ("float32", "float64")))


def _by_rows(inputs: Inputs, mesh: Mesh) -> Inputs:
    """Put a strip's moments on the devices: what belongs to a row on the device of that row, the rest on each."""
    q1, q2, k, distance = inputs
    by_row, everywhere = NamedSharding(mesh, PartitionSpec("rows")), NamedSharding(mesh, PartitionSpec())
    # Points of equal norms share one variance.
    variances = jax.device_put(q1, by_row if len(q1) == len(k) else everywhere), jax.device_put(q2, everywhere)
    return Inputs(*variances, *(None if pairs is None else jax.device_put(pairs, by_row) for pairs in (k, distance)))


def _mirror(block: Float[np.ndarray, "n n"]) -> None:
    """Copy the triangle above the diagonal to below it: products of matrices are symmetric up to rounding only."""
    for i in range(len(block)):
        block[i + 1 :, i] = block[i, i + 1 :]


def _digest(points: Float[np.ndarray, "n in_dim"]) -> str:
    return sha256(np.ascontiguousarray(points).data.cast("B")).hexdigest()[:16]
