"""The plane of data with two inputs: a grid of points on which a function of them is drawn."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from .dataset import Dataset

SIDE = 40
# Of the data's own range, on each side.
_MARGIN = 0.05


class PlaneGrid(NamedTuple):
    """A grid over a rectangle.

    Attributes:
        x: the first coordinate of its columns, ascending, (side,).
        y: the second coordinate of its rows, ascending, (side,).
        points: its points row by row, (side^2, 2).
    """

    x: Float[np.ndarray, " side"]
    y: Float[np.ndarray, " side"]
    points: Float[np.ndarray, "points 2"]


def plane_grid(data: Dataset, side: int = SIDE) -> PlaneGrid:
    """Return a grid of `side` times `side` points that covers all training and test points, and a little more.

    Raises:
        ValueError: the data have not two inputs.
    """
    if data.in_dim != 2:
        raise ValueError(
            f"A plane needs data with two inputs; {data.name} has {data.in_dim}. Choose spirals or circle."
        )
    inputs = np.concatenate([data.x_train, data.x_test])
    low, high = inputs.min(axis=0), inputs.max(axis=0)
    margin = _MARGIN * np.where(high > low, high - low, 1.0)
    x, y = (np.linspace(*ends, side) for ends in zip(low - margin, high + margin, strict=True))
    return PlaneGrid(x, y, np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2))
