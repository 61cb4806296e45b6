"""What the public functions accept, checked in one place.

Each message states the rule, then what was got, then the mend, so that it can stand on a page as it is.
Shapes are checked always; values only where there are values, that is not under a JAX transformation.
"""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ._float64 import as_double, is_traced

# A count above this is a slip of the keyboard, and would exhaust the memory before anything said so.
_MOST = 1_000_000
# The random keys of JAX hold 32 bits without 64-bit types: a larger seed would be its remainder's twin.
_LARGEST_SEED = 2**32 - 1
# NumPy's kinds of entries that it would turn into floats although they are no real numbers: text, dates, complex.
_NOT_REAL = "USMmc"


def as_numbers(value: Any, name: str) -> Any:
    """Return `value` as a float64 array, NaN and infinity included (or as it is, when traced)."""
    if is_traced(value):
        return value
    try:
        array = np.asarray(value)
        if value is None or isinstance(value, bool) or array.dtype.kind in _NOT_REAL:
            raise TypeError
        return np.asarray(array, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        entries = f" of {dtype}" if (dtype := getattr(value, "dtype", None)) else ""
        raise ValueError(
            f"{name} must be an array of numbers; got {type(value).__name__}{entries}. "
            "Give a NumPy or JAX array of real numbers, or nested lists of equal length."
        ) from None


def as_array(value: Any, name: str) -> Any:
    """Return `value` as a finite float64 array (or as it is, when traced)."""
    array = as_numbers(value, name)
    if is_traced(array):
        return array
    bad = array.size - int(np.isfinite(array).sum())
    if bad:
        raise ValueError(
            f"{name} must be finite; got {bad} NaN or infinite of {array.size} numbers. Remove or replace them."
        )
    return array


def as_points(value: Any, name: str) -> Any:
    """Return `value` as points of shape (n, D) with n >= 1 and D >= 1."""
    array = as_array(value, name)
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(
            f"{name} must have shape (points, dimensions), both at least 1; got {tuple(array.shape)}. "
            "Give one row a point; a single coordinate is x[:, None]."
        )
    return array


def as_targets(value: Any, name: str, n: int) -> Any:
    """Return `value` as targets of shape (n, C); a vector means C = 1."""
    array = as_array(value, name)
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2 or array.shape[1] == 0:
        raise ValueError(
            f"{name} must have shape (points, outputs) or (points,); got {tuple(array.shape)}. Give one row a point."
        )
    if array.shape[0] != n:
        raise ValueError(
            f"{name} must have one row for each of the {n} points; got {array.shape[0]}. "
            "Give inputs and targets of the same length."
        )
    return array


def as_matrix(value: Any, name: str, shape: tuple[int | None, int | None]) -> Any:
    """Return `value` as a matrix whose sides agree with `shape` (None: any side of at least 1)."""
    array = as_array(value, name)
    fits = array.ndim == 2 and all(
        got > 0 and want in (None, got) for want, got in zip(shape, array.shape, strict=True)
    )
    if not fits:
        want = tuple("any" if side is None else side for side in shape)
        raise ValueError(
            f"{name} must have shape {want}, no side empty; got {tuple(array.shape)}. "
            "Check which points its rows and columns stand for."
        )
    return array


def whole(value: Any, name: str, least: int = 0, most: int = _MOST) -> int:
    """Return `value` as an integer from `least` to `most`."""
    is_whole = not isinstance(value, (bool, np.bool_)) and (
        isinstance(value, (int, np.integer)) or (isinstance(value, float) and value.is_integer())
    )
    if not is_whole or not least <= value <= most:
        raise ValueError(f"{name} must be a whole number from {least} to {most:,}; got {value!r}. Change {name}.")
    return int(value)


def number(value: Any, name: str, *, above: float | None = None, least: float | None = None) -> float:
    """Return `value` as a finite float, above `above` or at least `least`."""
    rule = "" if above is None else f" above {above:g}"
    rule += "" if least is None else f" of at least {least:g}"
    try:
        result = math.nan if isinstance(value, (str, bytes, bool, np.bool_)) else float(value)
    except (TypeError, ValueError, OverflowError):
        result = math.nan
    low = (above is not None and result <= above) or (least is not None and result < least)
    if not math.isfinite(result) or low:
        raise ValueError(f"{name} must be a finite number{rule}; got {value!r}. Change {name}.")
    return result + 0.0  # which turns -0.0 into 0.0, so that equal specs are written alike


def traceable_number(value: Any, name: str, *, above: float | None = None, least: float | None = None) -> Any:
    """Return what `number` does of `value`, or `value` in double precision where it is traced."""
    return as_double(value) if is_traced(value) else number(value, name, above=above, least=least)


def number_or_array(
    value: Any, name: str, *, above: float | None = None, least: float | None = None, or_infinite: bool = False
) -> Any:
    """Return `value` as a float, or as a float64 array if it has axes (or as it is, when traced).

    Every number is finite, unless it may be infinite, and above `above` or at least `least`.
    """
    if is_traced(value):
        return value
    if not isinstance(value, (list, tuple)) and getattr(value, "ndim", 0) == 0:
        return np.inf if or_infinite and value == np.inf else number(value, name, above=above, least=least)
    array = as_numbers(value, name)
    if array.size == 0:
        raise ValueError(f"{name} must have at least one entry; got shape {array.shape}. Give a number or more.")
    low = (array <= (-np.inf if above is None else above)) | (array < (-np.inf if least is None else least))
    for bad in array[low | ~(np.isfinite(array) | (or_infinite & (array == np.inf)))][:1]:
        number(bad, f"Each entry of {name}", above=above, least=least)
    return array


def check_broadcast(**values: Any) -> None:
    """Say so where numbers and arrays have shapes that do not broadcast."""
    shapes = [np.shape(value) for value in values.values()]
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        raise ValueError(
            f"{', '.join(values)} must be numbers or arrays of shapes that broadcast; got "
            f"{', '.join(map(str, shapes))}. Give arrays of one length."
        ) from None


def numbers(value: Any, name: str, most: int) -> tuple[float, ...]:
    """Return `value` as a tuple of 1 to `most` finite floats."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise ValueError(f"{name} must be a tuple of numbers; got {value!r}. Write ({value!r},) for a single one.")
    entries = tuple(number(entry, f"an entry of {name}") for entry in value)
    if not 1 <= len(entries) <= most:
        raise ValueError(f"{name} must have 1 to {most} entries; got {len(entries)}. Change {name}.")
    return entries


def flag(value: Any, name: str) -> bool:
    """Return `value` if it is True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{name} must be True or False; got {value!r}. Give one of these.")
    return bool(value)


def of_type(value: Any, name: str, kind: type, mend: str = "") -> Any:
    """Return `value` if it is a `kind`; `mend` says where to get one."""
    if not isinstance(value, kind):
        mend = mend or f"Make one with lazyrich.{kind.__name__}."
        raise ValueError(f"{name} must be of type {kind.__name__}; got {type(value).__name__}. {mend}")
    return value


def choice(value: Any, name: str, known: Iterable[str]) -> str:
    """Return `value` if it is one of `known`."""
    known = sorted(known)
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}; got {value!r}. Pick one of these.")
    return value


def seed_of(value: Any, name: str = "seed") -> int:
    """Return `value` as a seed: a whole number below 2^32."""
    return whole(value, name, most=_LARGEST_SEED)


def within(value: Any, name: str, least: float, most: float, infinity: bool = False) -> Any:
    """Return `value` as an array of numbers from `least` to `most`, infinity besides where it is allowed."""
    array = as_numbers(value, name)
    if not is_traced(array) and not (((array >= least) & (array <= most)) | (np.isposinf(array) & infinity)).all():
        raise ValueError(
            f"{name} must be numbers from {least:g} to {most:g}{', or infinity' if infinity else ''}; got {value!r}. "
            f"Change {name}."
        )
    return array
