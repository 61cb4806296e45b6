"""Files of one's own: the bytes of a CSV or NPZ file become a table of inputs and targets.

Bytes come from anyone, so sizes are checked before anything is unpacked, and nothing in them is ever run.

* CSV: one row a point. Columns called y, target, label or class (with a number or not) are targets; where none is, or
  there is no row of names, the last one is.
* NPZ (`numpy.savez`): `x` and `y`, or `x_train`, `y_train`, `x_test` and `y_test`.

A single target called label or class (in an NPZ file: integers) holds classes, and becomes what `labels` makes of them.
Inputs and other targets are brought to mean 0 and variance 1: inputs column by column, so that $|x|^2/D$ is 1 on
average, targets together.
"""

import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from .._checks import as_points, as_targets
from .labels import MOST_CLASSES, class_targets

MOST_BYTES = 10_000_000
MOST_ROWS = 20_000
MOST_COLUMNS = 4_096
_MOST_UNPACKED = 64_000_000
_TARGET = re.compile(r"(y|targets?|labels?|class(es)?)[ _.-]?\d*", re.IGNORECASE)
_CLASS = re.compile(r"labels?|class(es)?", re.IGNORECASE)
# So that squares and their sums stay finite.
_LARGEST = 1e100
_PARTS = ("x", "y"), ("x_train", "y_train", "x_test", "y_test")


Scaling = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Table:
    """The points of a file: (n, D) and (n, C), and its test points where it sets some apart."""

    x: Float[np.ndarray, "n in_dim"]
    y: Float[np.ndarray, "n out_dim"]
    x_test: Float[np.ndarray, "n_test in_dim"] | None = None
    y_test: Float[np.ndarray, "n_test out_dim"] | None = None

    @property
    def nbytes(self) -> int:
        """Size in memory."""
        return sum(array.nbytes for array in (self.x, self.y, self.x_test, self.y_test) if array is not None)


def read_table(name: str, contents: bytes) -> Table:
    """Return what a file holds.

    Args:
        name: its name, which ends in .csv or .npz.
        contents: its bytes.

    Raises:
        ValueError: another kind of file, one that is too large or damaged, or numbers that make no data set.
    """
    if len(contents) > MOST_BYTES:
        raise ValueError(
            f"A file can be up to {MOST_BYTES / 1e6:g} MB; got {name} of {len(contents) / 1e6:.3g}. Take fewer rows or "
            "columns."
        )
    read = {".csv": _read_csv, ".npz": _read_npz}.get(name[-4:].lower())
    if read is None:
        raise ValueError(f"A data file must be a .csv or .npz; got {name!r}. Save it as one of these.")
    if not contents.strip():
        raise ValueError(f"A data file must have contents; got {name!r}, which is empty. Choose another.")
    return _standardised(*read(contents))


def _read_csv(contents: bytes) -> tuple[Table, bool]:
    """Return the numbers of a CSV file, and whether its target is a class."""
    try:
        text = contents.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"A CSV file must be text in UTF-8; got {error}. Save it anew as UTF-8.") from None
    rows = [line for line in text.splitlines() if line.strip()]
    first = rows[0] if rows else ""
    delimiter = max(",;\t", key=first.count)
    names = [cell.strip().strip('"') for cell in first.split(delimiter)]
    _check_shape(len(rows), len(names))
    if len(names) < 2:
        raise ValueError("A CSV file must have two columns or more, inputs and a target; got 1. Add a column.")
    has_names = not all(map(_is_number, names))
    try:
        numbers = np.empty((0, len(names)))
        if rows[has_names:]:
            numbers = np.loadtxt(rows[has_names:], delimiter=delimiter, comments=None, quotechar='"', ndmin=2)
    except ValueError as error:
        raise ValueError(
            f"Every row of a CSV file must be numbers, equally many; got this: {error}. Mend that row."
        ) from None
    is_target = np.array([has_names and _TARGET.fullmatch(name) is not None for name in names])
    is_target[-1] |= not is_target.any()
    if len(numbers) == 0 or numbers.shape[1] != len(names) or is_target.all():
        raise ValueError(
            f"A CSV file must have rows of inputs and targets below its {len(names)} names; got {len(numbers)} rows of "
            f"{numbers.shape[1]} numbers, {is_target.sum()} of them targets. Mend it."
        )
    targets = [name for name, chosen in zip(names, is_target, strict=True) if chosen]
    is_class = has_names and len(targets) == 1 and _CLASS.fullmatch(targets[0]) is not None
    return Table(numbers[:, ~is_target], numbers[:, is_target]), is_class


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _check_shape(rows: int, columns: int) -> None:
    if rows > MOST_ROWS or columns > MOST_COLUMNS:
        raise ValueError(
            f"A data file may have {MOST_ROWS:,} rows and {MOST_COLUMNS:,} columns; got {rows:,} and {columns:,}. "
            "Take fewer."
        )


def _read_npz(contents: bytes) -> tuple[Table, bool]:
    """Return the arrays of an NPZ file, and whether its target is a class."""
    arrays = {name: _array(name, member) for name, member in _members(contents).items()}
    names = next((names for names in _PARTS if set(names) <= set(arrays)), None)
    if names is None:
        raise ValueError(
            f"An NPZ file must have the arrays x and y, or x_train, y_train, x_test and y_test; got "
            f"{', '.join(sorted(arrays)) or 'none of these'}. Save it with these names."
        )
    is_class = all(arrays[name].dtype.kind in "iub" and arrays[name].ndim == 1 for name in names[1::2])
    checked = []
    for x, y in zip(names[::2], names[1::2], strict=True):
        points = as_points(arrays[x], x)
        _check_shape(*points.shape)
        checked += [points, as_targets(arrays[y], y, len(points))]
    for train, test, what in zip(checked[:2], checked[2:], ("inputs", "targets"), strict=False):
        if train.shape[1] != test.shape[1]:
            raise ValueError(
                f"Training and test {what} must have the same number of columns; got {train.shape[1]} and "
                f"{test.shape[1]}. Mend the arrays."
            )
    return Table(*checked), is_class


def _members(contents: bytes) -> dict[str, bytes]:
    """Return the members of an archive that are asked for, unpacking no more than is allowed, whatever it claims."""
    wanted = {f"{name}.npy": name for names in _PARTS for name in names}
    members, left = {}, _MOST_UNPACKED
    try:
        with zipfile.ZipFile(io.BytesIO(contents)) as archive:
            infos = [info for info in archive.infolist() if info.filename in wanted]
            if sum(info.file_size for info in infos) > _MOST_UNPACKED:
                left = -1
            for info in infos:
                if left >= 0:
                    with archive.open(info) as member:
                        members[wanted[info.filename]] = member.read(left + 1)
                    left -= len(members[wanted[info.filename]])
    except Exception as error:  # bytes from anyone can break the unpacking in any way
        raise ValueError(f"An NPZ file must be what numpy.savez writes; got this: {error}. Save it anew.") from None
    if left < 0:
        raise ValueError(
            f"An NPZ file may unpack to {_MOST_UNPACKED / 1e6:g} MB; got one that would take more. "
            "Take fewer rows or columns."
        )
    return members


def _array(name: str, contents: bytes) -> np.ndarray:
    """Return an array in NumPy's format of plain numbers; its header is read first, and nothing is unpickled."""
    stream = io.BytesIO(contents)
    headers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    try:
        shape, fortran, dtype = headers[np.lib.format.read_magic(stream)](stream)
    except Exception:  # bytes from anyone can break the parser of headers in any way
        raise ValueError(f"{name} must be an array in NumPy's format; got something else. Save it anew.") from None
    if dtype.kind not in "biuf":
        raise ValueError(f"{name} must be an array of numbers; got {dtype}, which is not read. Save it as float64.")
    rest = contents[stream.tell() :]
    if any(side < 0 for side in shape) or dtype.itemsize * int(np.prod(shape, dtype=object)) != len(rest):
        raise ValueError(
            f"{name} must have the size that its header says, {shape}; got {len(rest)} bytes. Save it anew."
        )
    return np.frombuffer(rest, dtype).reshape(shape, order="F" if fortran else "C")


def _standardised(table: Table, is_class: bool) -> Table:
    """Return the table with inputs and targets scaled as the training points ask for."""
    x, y = as_points(table.x, "The inputs"), as_points(table.y, "The targets")
    largest = max(np.abs(x).max(), np.abs(y).max())
    if largest > _LARGEST:
        raise ValueError(f"The numbers of a file must be below {_LARGEST:g}; got {largest:g}. Rescale them.")
    centre, spread = x.mean(axis=0), x.std(axis=0)
    constant = spread <= 1e-12 * np.abs(centre)
    for what, is_constant in (("inputs", constant.all()), ("targets", np.ptp(y) == 0)):
        if is_constant:
            raise ValueError(f"The {what} of a file must differ from point to point; got equal ones. Take others.")
    scaled = _class_scaling(table) if is_class else _scaling(y)

    def inputs(x: np.ndarray) -> np.ndarray:
        return np.where(constant, 0.0, (x - centre) / np.where(constant, 1.0, spread))

    if table.x_test is None or table.y_test is None:
        return Table(inputs(x), scaled(y))
    return Table(inputs(x), scaled(y), inputs(table.x_test), scaled(table.y_test))


def _scaling(y: np.ndarray) -> Scaling:
    centre = y.mean(axis=0)
    spread = (y - centre).std()
    return lambda y: (y - centre) / spread


def _class_scaling(table: Table) -> Scaling:
    tests = [] if table.y_test is None else [table.y_test]
    classes = np.unique(np.concatenate([table.y, *tests]))
    if len(classes) > MOST_CLASSES or (classes != classes.round()).any():
        raise ValueError(
            f"Classes must be whole numbers, at most {MOST_CLASSES} different ones; got {len(classes)} different "
            "numbers. Call the column y if it is a number to be predicted."
        )
    return lambda y: class_targets(y[:, 0].astype(int), tuple(classes.astype(int).tolist()))
