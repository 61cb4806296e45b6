"""Tiles in a file: written as they arrive, complete or plainly not, and resumed where they stopped.

While it grows, `kernel.npy` is called `kernel.npy.partial`, and gets its own name with its last tile. Beside it stands
`kernel.npy.jsonl`, lines of JSON: first what is being computed, then the number of each tile that is in the file. A
tile is on the disk before its number is, so that neither a killed process nor a lost machine leaves a number without
its tile. The lines stay, as the record of what the matrix is.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from jaxtyping import Float

from .blocks import TiledGram


class TileFile:
    """A matrix in a .npy file, tile by tile.

    Attributes:
        finished: the numbers of the tiles that are in the file.
    """

    def __init__(self, path: Any, gram: TiledGram):
        """Begin the file, or go on with one that was begun with the same arguments.

        Raises:
            ValueError: a path that is none, a file of something else, or a disk that is too small.
        """
        self._path, self._partial, self._record = _names(path, "out")
        self._symmetric, self._columns = gram.x2 is None, gram.shape[1]
        spec = gram.spec()
        if self._path.exists() or (self._partial.exists() and self._record.exists()):
            self.finished = self._resume(spec)
        else:
            self.finished = set()
            self._begin(gram, spec)
        existing = self._partial if self._partial.exists() else self._path
        self._start = np.lib.format.open_memmap(existing, mode="r").offset  # the length of the header

    def _begin(self, gram: TiledGram, spec: dict[str, Any]) -> None:
        size = gram.shape[0] * gram.shape[1] * np.dtype(gram.dtype).itemsize
        # The file takes its space as it is written: better said now than hours later.
        free = shutil.disk_usage(self._path.parent).free
        if free < size:
            raise ValueError(
                f"out needs {size / 2**30:.3g} GiB of disk; got {free / 2**30:.3g} GiB free at {self._path.parent}. "
                "Give a path on another disk, or dtype='float32'."
            )
        # A record that outlived its file would say of the new one that it has tiles.
        self._record.unlink(missing_ok=True)
        np.lib.format.open_memmap(self._partial, mode="w+", dtype=np.dtype(gram.dtype), shape=gram.shape).flush()
        # The record comes second and appears whole: without it the file above is begun anew.
        whole_record = self._record.with_name(self._record.name + ".new")
        whole_record.write_text(json.dumps(spec) + "\n")
        os.replace(whole_record, self._record)

    def _resume(self, spec: dict[str, Any]) -> set[int]:
        if not self._record.exists() or (self._path.exists() and self._partial.exists()):
            raise ValueError(
                f"out must be a new file, or one that tiled_kernel made with the same arguments; got {self._path}, "
                "which is something else. Give another path, or remove that file."
            )
        theirs, finished = _read(self._record)
        if theirs != spec:
            raise ValueError(
                f"out must be a new file, or one that tiled_kernel began with the same arguments; got {self._path}, "
                f"begun with {json.dumps(theirs)}, for {json.dumps(spec)}. Give another path, or the same arguments."
            )
        if self._path.exists() and len(finished) < theirs["tiles"]:
            _refuse_incomplete(self._path, theirs, finished)
        # A process that died within its last line left a piece of it, to which the next number would be joined.
        os.truncate(self._record, len(_whole_lines(self._record).encode()))
        return finished

    def write(self, number: int, rows: slice, columns: slice, block: Float[np.ndarray, "n1 n2"]) -> None:
        """Write the tile called `number`; it is on the disk when this returns."""
        # Written, not memory-mapped: mapped pages would add up in this process's memory, and a full disk would end it.
        with self._partial.open("r+b") as matrix:
            self._write_rows(matrix, block, rows.start, columns.start)
            if self._symmetric and rows != columns:
                self._write_rows(matrix, block.T, columns.start, rows.start)
            matrix.flush()
            os.fsync(matrix.fileno())
        with self._record.open("a") as record:
            record.write(f"{number}\n")
            record.flush()
            os.fsync(record.fileno())
        self.finished.add(number)

    def _write_rows(self, file: BinaryIO, block: Float[np.ndarray, "n1 n2"], row: int, column: int) -> None:
        for i, part in enumerate(block, row):
            file.seek(self._start + (i * self._columns + column) * block.itemsize)
            file.write(part.tobytes())

    def result(self) -> np.memmap:
        """Give the file its name, now that every tile is in it, and return it, read-only."""
        if self._partial.exists():
            os.replace(self._partial, self._path)
        return load_tiled_kernel(self._path)


def load_tiled_kernel(path: str | os.PathLike) -> np.memmap:
    """Return the matrix that `tiled_kernel` wrote to `path`, (n1, n2), memory-mapped and read-only.

    Beside it, in `path` + ".jsonl", stands what it was computed from.

    Raises:
        ValueError: a file that is missing, incomplete or without its record.
    """
    path, partial, record = _names(path, "path")
    if record.exists():
        spec, finished = _read(record)
        if partial.exists() or len(finished) < spec["tiles"]:
            _refuse_incomplete(path, spec, finished)
    if not record.exists() or not path.exists():
        raise ValueError(
            f"A tiled kernel is read from a .npy file beside the .jsonl file that says what it is; got {path}, where "
            "they are not. Give the path that tiled_kernel was given as out."
        )
    return np.lib.format.open_memmap(path, mode="r")


def _refuse_incomplete(path: Path, spec: dict[str, Any], finished: set[int]) -> None:
    raise ValueError(
        f"A tiled kernel is read when it is complete; got {len(finished)} of the {spec['tiles']} tiles of {path}. "
        "Call tiled_kernel once more with the same arguments: it goes on from there."
    )


def _names(path: Any, name: str) -> tuple[Path, Path, Path]:
    """Return the names of the complete matrix, of the growing one and of the record."""
    if not isinstance(path, (str, os.PathLike)):
        raise ValueError(f"{name} must be a file name; got {type(path).__name__}. Give a string or a pathlib.Path.")
    path = Path(path)
    return path, path.with_name(path.name + ".partial"), path.with_name(path.name + ".jsonl")


def _read(record: Path) -> tuple[dict[str, Any], set[int]]:
    """Return what is being computed and the numbers of the finished tiles, less a line that was not finished."""
    try:
        spec, *numbers = _whole_lines(record).splitlines()
        spec, finished = json.loads(spec), {int(number) for number in numbers}
        return {**spec, "tiles": int(spec["tiles"])}, finished
    except (ValueError, KeyError, TypeError):
        raise ValueError(
            f"{record} must be the record of a tiled kernel; got something else. Remove it, or give another path."
        ) from None


def _whole_lines(record: Path) -> str:
    text = record.read_text()
    return text[: text.rfind("\n") + 1]
