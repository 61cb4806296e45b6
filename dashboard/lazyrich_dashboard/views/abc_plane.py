r"""The plane of (a, b, c) parametrizations: which learn features as the width grows, which only a kernel, which fail.

$W^l = N^{-a_l} w^l$, $w^l \sim N(0, N^{-2b_l})$, learning rate $\eta N^{-c}$ are 2L + 3 exponents. Where activations
neither die nor explode at the start, and up to the shift (a + t, b - t, c - 2t) that changes nothing, what becomes of a
network depends on three numbers alone (Yang & Hu 2021, theorems 3.2-3.4; `lr.classify`):

* `output` $a_{L+1} + b_{L+1}$: at the start the output is of the size $N^{1/2 - \text{output}}$;
* `hidden` $c + \min_{l \le L}(2a_l + 1_{l=1})$: the larger, the less hidden layers are trained;
* `readout` $2a_{L+1} + c$: at 1 the readout alone moves the output at a rate of order one.

The plane has the first two as its axes; the third is fixed on it.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from contourpy import contour_generator
from scipy.ndimage import distance_transform_edt

import lazyrich as lr

from ..marks import Axis, Columns, Part, column_names
from .base import Range, nothing

STEP = 0.05
OUTPUTS: Range = (0.1, 1.5)
HIDDENS: Range = (-0.5, 1.5)
READOUTS: Range = (0.0, 2.0)
X = Axis("output: readout's a + b")
Y = Axis("hidden: c + min(2a₁ + 1, 2a₂)")
POINT = "your choice"
PARTS = (
    Part("kernel regime, r > 0", "band", "train", legend=False),
    Part("does not learn", "band", "guide", legend=False),
    Part("least that is stable", "line", "train", legend=False),
    Part("r", "segments", "guide", legend=False),
    Part("levels", "labels", "guide", legend=False),
    Part("feature learning, r = 0", "strong segments", "trained"),
    Part("words", "labels", "guide", legend=False),
    Part("known", "rings", "theory", legend=False),
    Part("names", "labels below", "theory", legend=False),
    Part(POINT, "diamonds", "test"),
)
_LEVELS = (0.25, 0.5, 0.75, 1.0)
_SHAPE_OF_WORDS = (1, 2)  # how far a step of x and of y is when room for words is looked for
# The standard parametrization has no rate of its own that every width can take; 1/N is the largest.
_KNOWN = (("ntk", 0.0), ("standard", 0.0), ("standard", 1.0), ("mup", 0.0), ("mean_field", 0.0))


@dataclass(frozen=True)
class Choice:
    """A parametrization up to what changes nothing."""

    output: float
    hidden: float
    readout: float

    @classmethod
    def of(cls, given: lr.ABC) -> "Choice":
        """Return what exponents come to."""
        rates = [2 * a + (layer == 0) for layer, a in enumerate(given.a[:-1])]
        return cls(given.a[-1] + given.b[-1], given.c + min(rates), 2 * given.a[-1] + given.c)

    def exponents(self, depth: int) -> lr.ABC:
        """Return exponents that come to this, with c = 0 and all hidden layers alike: at (1, 0, 1) those of muP."""
        inner, last = self.hidden / 2, self.readout / 2
        a = ((self.hidden - 1) / 2, *[inner] * (depth - 1), last)
        b = (-a[0], *[0.5 - inner] * (depth - 1), self.output - last)
        return lr.ABC(tuple(map(_rounded, a)), tuple(map(_rounded, b)), 0.0)

    @property
    def verdict(self) -> lr.Verdict:
        """What becomes of it as the width grows."""
        return lr.classify(self.exponents(2))

    @property
    def sentence(self) -> str:
        """The verdict in words, with the exponents of a network of two hidden layers."""
        found, given = self.verdict, self.exponents(2)
        fate = {
            "feature learning": "features move by as much at every width: it learns them (r = 0)",
            "kernel": f"features move as N^-{found.r:.2g} and the kernel stands still: lazy (r = {found.r:.2g})",
            "trivial": "the output does not move at all as the width grows",
            "unstable": "the width has no limit: activations, features or the output explode",
        }[found.regime]
        a, b = (", ".join(f"{x:g}" for x in values) for values in (given.a, given.b))
        return f"a = ({a}), b = ({b}), c = 0: {fate}."

    @property
    def columns(self) -> dict[str, np.ndarray]:
        """The point on the plane."""
        return {"x": np.array([self.output]), "y": np.array([self.hidden])}


def _rounded(value: float) -> float:
    return round(value, 9) + 0.0


def snapped(value: Any, ends: Range) -> float:
    """Return the nearest value that a control takes: boundaries, which are lines, can be hit."""
    return float(np.clip(_rounded(round(float(value) / STEP) * STEP), *ends))


def _grid(ends: Range) -> np.ndarray:
    return np.round(np.arange(ends[0], ends[1] + STEP / 2, STEP), 9)


@lru_cache(maxsize=128)
def plane(readout: float) -> Columns:
    """Return the parts of the plane but the point, as `lr.classify` has them on a grid."""
    x, y = _grid(OUTPUTS), _grid(HIDDENS)
    found = [[Choice(a, b, readout).verdict for b in y] for a in x]
    regimes = np.array([[verdict.regime for verdict in row] for row in found])
    r = np.array([[verdict.r for verdict in row] for row in found])
    stable = regimes != "unstable"
    kernel, trivial, features = (regimes == name for name in ("kernel", "trivial", "feature learning"))
    columns: dict[str, Any] = {
        "kernel regime, r > 0": _band(x, y, kernel | features),
        "does not learn": _band(x, y, trivial),
        "least that is stable": _lowest(x, y, kernel | features),
        "feature learning, r = 0": _joined(x, y, features),
        **_contours(x, y, np.where(stable, r, np.nan)),
        "words": _words(x, y, {"kernel regime": kernel & ~_is_on_a_level(r), "trivial": trivial, "unstable": ~stable}),
    }
    return {**columns, **_known(readout)}


def _band(x: np.ndarray, y: np.ndarray, where: np.ndarray) -> dict[str, np.ndarray]:
    """Return the outline of what is true on the grid, each column of which is one interval of y."""
    has = where.any(axis=1)
    if not has.any():
        return nothing("band")
    low = y[where.argmax(axis=1)][has]
    high = y[len(y) - 1 - where[:, ::-1].argmax(axis=1)][has]
    return {"x": np.concatenate([x[has], x[has][::-1]]), "y": np.concatenate([low, high[::-1]])}


def _lowest(x: np.ndarray, y: np.ndarray, where: np.ndarray) -> dict[str, np.ndarray]:
    has = where.any(axis=1)
    return {"x": x[has], "y": y[where.argmax(axis=1)][has]}


def _joined(x: np.ndarray, y: np.ndarray, where: np.ndarray) -> dict[str, np.ndarray]:
    """Return segments from each true point to the one to its right; a point alone is a short one."""
    points = [(x[i], y[j]) for i, j in np.argwhere(where)]
    if len(points) == 1:
        points = [(points[0][0] - STEP / 4, points[0][1]), (points[0][0] + STEP / 4, points[0][1])]
    ends = np.array([[*p, *q] for p, q in pairwise(points)]).reshape(-1, 4)
    return dict(zip(column_names("segments"), ends.T, strict=True))


def _contours(x: np.ndarray, y: np.ndarray, r: np.ndarray) -> Columns:
    """Return the lines of equal r and, at their right ends, what it is there."""
    generator = contour_generator(x, y, np.ma.masked_invalid(r.T))
    lines = [(level, np.asarray(line)) for level in _LEVELS for line in generator.lines(level)]
    pieces = np.concatenate([np.empty((0, 4)), *(np.hstack([line[:-1], line[1:]]) for _, line in lines)])
    ends = [(*max(map(tuple, line)), f"r = {level:g}") for level, line in lines]
    right = [(end - 0.08, height + 0.01, text) for end, height, text in ends if end == x[-1]]
    columns = zip(*right, strict=True) if right else ((), (), ())
    return {
        "r": dict(zip(column_names("segments"), pieces.T, strict=True)),
        "levels": dict(zip(("x", "y", "text"), map(np.array, columns), strict=True)),
    }


def _is_on_a_level(r: np.ndarray) -> np.ndarray:
    return np.any(np.abs(r[..., None] - _LEVELS) < STEP / 2, axis=-1)


def _words(x: np.ndarray, y: np.ndarray, regions: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Name each region with an inside at its point farthest from its edge, as words see it, which are wide and low."""
    found = []
    for word, where in regions.items():
        if where.sum() > len(x):
            room = np.asarray(distance_transform_edt(np.pad(where, 1), sampling=_SHAPE_OF_WORDS))[1:-1, 1:-1]
            i, j = np.unravel_index(room.argmax(), room.shape)
            found.append((x[i], y[j], word))
    columns = zip(*found, strict=True) if found else ((), (), ())
    return dict(zip(("x", "y", "text"), map(np.array, columns), strict=True))


def _known(readout: float) -> Columns:
    """Return the named parametrizations that lie on this plane, and their names, those of one point together."""
    names: dict[tuple[float, float], list[str]] = {}
    for name, rate in _KNOWN:
        given = lr.abc(name, 2)
        at = Choice.of(lr.ABC(given.a, given.b, given.c + rate))
        if np.isclose(at.readout, readout):
            words = f"{name}\nat rate 1/N" if rate else "standard\nat a fixed rate" if name == "standard" else name
            names.setdefault((at.output, at.hidden), []).append(words)
    points = np.array(list(names)).reshape(-1, 2)
    texts = np.array([",\n".join(words) for words in names.values()], dtype=object)
    return {
        "known": {"x": points[:, 0], "y": points[:, 1]},
        # Below the edge, where nothing else is.
        "names": {
            "x": points[:, 0] + np.where(points[:, 0] > 0.75, 0.1, -0.2),
            "y": points[:, 1] - 0.03,
            "text": texts,
        },
    }
