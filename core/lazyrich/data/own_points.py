"""Own points: a one-dimensional training set put down point by point, by hand or with the mouse.

Its test points are those of `regression`, and so is the target between the own points, which start on that function.
Coordinates are rounded to hundredths: finer than a mouse is, and short enough for a link.
"""

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._checks import number
from .makers import Split, regression

Pairs = tuple[tuple[float, float], ...]

MOST_POINTS = 24
X_RANGE = (-2.0, 2.0)  # that of `regression`
Y_RANGE = (-10.0, 10.0)
_SEPARATORS = re.compile(r"[;~\n]")
_WITHIN = re.compile(r"[\s,_]+")
_ON_THE_WAVE: Pairs = tuple(
    (x, round(math.sin(2 * x) + math.sin(9 * x) / 4, 2)) for x in np.linspace(-1.75, 1.75, 8).tolist()
)


def pairs_of(value: Any) -> Pairs:
    """Return own points as pairs rounded to hundredths, sorted by x.

    Args:
        value: pairs of numbers, or a text such as "-1.5, 0.2; 0, 1" (a new line or ~ separates too, and _ stands for
            the comma).

    Raises:
        ValueError: what are no pairs of numbers, too many or none, or numbers out of range.
    """
    pairs = _parsed(value) if isinstance(value, str) else value
    try:
        pairs = [(x, y) for x, y in pairs]
    except (TypeError, ValueError):
        raise ValueError(
            f"points must be pairs of numbers; got {value!r}. Write (x, y) for each, as in ((0.0, 1.0), (1.0, 0.5))."
        ) from None
    if not 1 <= len(pairs) <= MOST_POINTS:
        raise ValueError(f"points must be 1 to {MOST_POINTS} pairs; got {len(pairs)}. Add or remove some.")
    return tuple(sorted((_rounded(x, "x", X_RANGE), _rounded(y, "y", Y_RANGE)) for x, y in pairs))


def _parsed(text: str) -> list[tuple[float, float]]:
    pairs = []
    for line in filter(str.strip, _SEPARATORS.split(text)):
        numbers = [part for part in _WITHIN.split(line) if part]
        try:
            x, y = map(float, numbers)
        except ValueError:
            raise ValueError(
                f"points must be pairs of numbers; got {line.strip()!r}. Write x, y and a semicolon or a new line, as "
                "in 0.5, 1; 1, -0.2."
            ) from None
        pairs.append((x, y))
    return pairs


def _rounded(value: Any, name: str, ends: tuple[float, float]) -> float:
    rounded = round(number(value, f"{name} of a point"), 2) + 0.0
    if not ends[0] <= rounded <= ends[1]:
        raise ValueError(
            f"{name} of a point must be a number from {ends[0]:g} to {ends[1]:g}; got {rounded:g}. Move the point."
        )
    return rounded


def as_text(points: Sequence[Sequence[float]]) -> str:
    """Return own points as a text that `pairs_of` reads and that a link holds as it is."""
    return "~".join(f"{x:g}_{y:g}" for x, y in points)


def own_points(rng: np.random.Generator, n_test: int, points: Pairs = _ON_THE_WAVE) -> Split:
    """Return the own points as the training set, and test points of `regression`."""
    pairs = np.asarray(points)
    return (pairs[:, :1], pairs[:, 1:], *regression(rng, n_test))
