"""Tables: what a plot shows as rows, one for each mark, with the same columns for every kind of plot.

`part` is what the legend names, `x` and `y` are where the mark is. A band has its upper edge in `y2`, a segment its
other end in `x2` and `y2`, a label its `text`, and a pixel of an image its `value`.
"""

import html
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from .marks import Columns, Part

# Rows that are shown on the page; a file has all.
MOST_ROWS = 200


def tidy(parts: tuple[Part, ...], columns: Columns) -> pd.DataFrame:
    """Return the marks of a plot as rows, without the columns that none of them has."""
    tables = [pd.DataFrame({"part": part.label, **_rows(part.kind, columns[part.label])}) for part in parts]
    filled = [table for table in tables if len(table)]
    if not filled:
        return pd.DataFrame({"part": [], "x": [], "y": []})
    return pd.concat(filled, ignore_index=True)


def _rows(kind: str, columns: Mapping[str, Any]) -> dict[str, np.ndarray]:
    if "image" in columns:
        return _pixels(columns)
    if kind == "band":
        half = len(columns["x"]) // 2
        return {"x": columns["x"][:half], "y": columns["y"][:half], "y2": columns["y"][half:][::-1]}
    names = {"x0": "x", "y0": "y", "x1": "x2", "y1": "y2"}
    return {names.get(name, name): np.asarray(values) for name, values in columns.items()}


def _pixels(columns: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the middles of the pixels of an image, row by row, and their values."""
    if not len(columns["image"]):
        return {"x": np.array([]), "y": np.array([]), "value": np.array([])}
    image = np.asarray(columns["image"][0])
    rows, across = image.shape
    x = columns["x"][0] + (np.arange(across) + 0.5) * columns["dw"][0] / across
    y = columns["y"][0] + (np.arange(rows) + 0.5) * columns["dh"][0] / rows
    x, y = np.meshgrid(x, y)
    return {"x": x.ravel(), "y": y.ravel(), "value": image.ravel()}


def as_html(table: pd.DataFrame, x: str, y: str) -> str:
    """Return the first rows as an HTML table under a caption that says what x and y are."""
    shown = table.head(MOST_ROWS)
    count = f"The first {len(shown):,} of {len(table):,} rows" if len(table) > len(shown) else f"{len(table):,} rows"
    caption = f"{count}. x: {html.escape(x)}; y: {html.escape(y)}."
    body = shown.to_html(index=False, border=0, float_format=lambda value: f"{value:.5g}", na_rep="", justify="left")
    return f"<p>{caption}</p>{body}"
