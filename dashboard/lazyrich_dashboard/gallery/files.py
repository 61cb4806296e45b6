"""What a gallery page can be kept as: code that computes its numbers anew, a notebook, and a table."""

import io

import pandas as pd

from ..exports import File, notebook_of
from ..tables import tidy
from .base import GalleryPage, Picture

_SCRIPT = """from lazyrich_dashboard import gallery
from lazyrich_dashboard.gallery.files import to_csv

page = gallery.page_classes()[{slug!r}]({values})
picture = page.run()

print(to_csv(page, picture))
print(page.summary(picture))
"""
_SHOW = """from lazyrich_dashboard import gallery

exhibit = gallery.{slug}({values})
exhibit"""
_CHECK = """exhibit.page.check()"""


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


def to_python(page: GalleryPage) -> str:
    """Return a script that computes what the page shows, with every control written out, and prints it."""
    return _SCRIPT.format(slug=page.slug(), values=_arguments(page))


def csv(page: GalleryPage, picture: Picture) -> File:
    """Return the table as a file."""
    return File(f"{page.slug()}.csv", "text/csv", to_csv(page, picture).encode())


def notebook(page: GalleryPage) -> File:
    """Return a notebook with the page in a cell, and its check in another."""
    head = f"# {page.title}\n\n{page.paper}, <{page.url}>\n\n{page.claim}"
    check = "The check runs the experiment and says in numbers whether the claim holds."
    show = _SHOW.format(slug=page.slug(), values=_arguments(page))
    cells = [("markdown", head), ("code", show), ("markdown", page.look_for), ("markdown", check), ("code", _CHECK)]
    return notebook_of(f"{page.slug()}.ipynb", cells)


def _arguments(page: GalleryPage) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in page.values.items())
