"""What is drawn, as a table: one row a mark, in CSV."""

import csv
import io
from typing import Any

from .base import GalleryPage, Picture

_COLUMNS = ("x", "y", "x0", "y0", "x1", "y1", "text")


def to_csv(page: GalleryPage, picture: Picture) -> str:
    """Return the marks of a picture, but for rules and images, after the values of the page's controls."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    for name, value in page.values.items():
        writer.writerow([f"# {name} = {value}"])
    writer.writerow(["panel", "part", *_COLUMNS])
    for panel in page.panels:
        for part in panel.parts:
            columns = picture.columns.get(panel.name, {}).get(part.label, {})
            if part.kind not in ("rule", "image"):
                for row in zip(*columns.values(), strict=True):
                    cells: dict[str, Any] = dict(zip(columns, row, strict=True))
                    writer.writerow([panel.title, part.label, *(cells.get(name, "") for name in _COLUMNS)])
    return stream.getvalue()
