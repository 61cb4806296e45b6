"""What a page shows as a table: the rows of each panel, in CSV."""

import io

import pandas as pd

from ..tables import tidy
from .base import GalleryPage, Picture


def to_csv(page: GalleryPage, picture: Picture) -> str:
    """Return the marks of a picture, but for rules, after lines with the values of the page's controls."""
    tables = []
    for panel in page.panels:
        columns = picture.columns.get(panel.name, {})
        rows = tidy(tuple(part for part in panel.parts if part.label in columns and part.kind != "rule"), columns)
        rows.insert(0, "panel", panel.title)
        tables.append(rows)
    stream = io.StringIO()
    for name, value in page.values.items():
        stream.write(f"# {name} = {value}\n")
    pd.concat(tables, ignore_index=True).to_csv(stream, index=False, lineterminator="\n")
    return stream.getvalue()
