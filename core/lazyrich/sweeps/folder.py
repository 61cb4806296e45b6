"""The finished points of a sweep: in memory, or in a folder with which a killed sweep goes on.

In the folder, `sweep.json` says what is swept, and each finished point is a NetCDF file of its own, `00012.nc`, as
`lazyrich.save` writes it, with its experiment. A file is written under another name and renamed when it is on the disk,
so that it is complete or not there.
"""

import json
import os
from pathlib import Path
from typing import Any

import xarray as xr

from ..results import load, save


class Memory:
    """Finished points in memory; `Folder` is its counterpart on disk."""

    def __init__(self):
        self._runs: dict[int, xr.Dataset] = {}

    @property
    def finished(self) -> set[int]:
        """The numbers of the points that are there."""
        return set(self._runs)

    def write(self, index: int, run: xr.Dataset) -> None:
        """Keep a point."""
        self._runs[index] = run

    def read(self, index: int) -> xr.Dataset:
        """Return a point."""
        return self._runs[index]


class Folder:
    """Finished points as files."""

    def __init__(self, path: Any, spec: dict[str, Any]):
        """Begin the folder, or go on with one that was begun with the same arguments.

        Raises:
            ValueError: a path that is none, or that of something else.
        """
        if not isinstance(path, (str, os.PathLike)):
            raise ValueError(f"path must be the name of a folder; got {type(path).__name__}. Give a string or a Path.")
        self._path = Path(path)
        record = self._path / "sweep.json"
        if record.exists():
            _check_same(record, spec)
            return
        beginning = _beside(record)
        if self._path.exists() and (not self._path.is_dir() or set(self._path.iterdir()) - {beginning}):
            raise ValueError(
                f"path must be a new folder, or one that sweep began with the same arguments; got {self._path}, which "
                "is something else. Give another path."
            )
        self._path.mkdir(parents=True, exist_ok=True)
        beginning.write_text(json.dumps(spec))
        os.replace(beginning, record)

    @property
    def finished(self) -> set[int]:
        """The numbers of the points that are there."""
        return {int(file.stem) for file in self._path.glob("*.nc") if file.stem.isdecimal()}

    def write(self, index: int, run: xr.Dataset) -> None:
        """Write a point; it is on the disk when this returns."""
        partial = save(run, _beside(self._file(index)))
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(partial, self._file(index))

    def read(self, index: int) -> xr.Dataset:
        """Return a point."""
        return load(self._file(index))

    def _file(self, index: int) -> Path:
        return self._path / f"{index:05d}.nc"


def _beside(path: Path) -> Path:
    """Return what a file is called while it is written."""
    return path.with_name(path.name + ".partial")


def _check_same(record: Path, spec: dict[str, Any]) -> None:
    ours = json.dumps(spec)
    try:
        theirs = json.dumps(json.loads(record.read_text()))
    except ValueError:
        raise ValueError(
            f"{record} must be the record of a sweep; got something else. Remove it, or give another path."
        ) from None
    if theirs != ours:
        raise ValueError(
            f"path must be a new folder, or one that sweep began with the same arguments; got {record.parent}, begun "
            f"with {theirs}, for {ours}. Give another path, or the same arguments."
        )
