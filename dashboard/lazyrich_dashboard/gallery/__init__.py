"""The gallery: each paper's claim as a live, checked experiment.

A page is one file in `pages`; it is found there, and nothing else names it. `gallery.grokking()` is the page
`pages/grokking.py` in a notebook cell, and `gallery.page_classes()` has them all, by name.
"""

import functools
import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

from . import pages
from .base import GalleryPage as GalleryPage
from .checks import Check as Check
from .exhibit import Exhibit as Exhibit


@functools.cache
def page_classes() -> dict[str, type[GalleryPage]]:
    """Return every page's class by its slug, the oldest paper first."""
    found = [_page_of(module.name) for module in pkgutil.iter_modules(pages.__path__)]
    return {page.slug(): page for page in sorted(found, key=lambda page: (page.year, page.title))}


def _page_of(name: str) -> type[GalleryPage]:
    """Return the one page that a file defines."""
    module = importlib.import_module(f"{pages.__name__}.{name}")
    defined = [value for value in vars(module).values() if getattr(value, "__module__", "") == module.__name__]
    (page,) = (value for value in defined if isinstance(value, type) and issubclass(value, GalleryPage))
    return page


def __getattr__(name: str) -> Callable[..., Exhibit]:
    """Return a function that shows a page, such as `gallery.grokking`; it takes values of the page's controls."""
    if name not in (module.name for module in pkgutil.iter_modules(pages.__path__)):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def show(**controls: Any) -> Exhibit:
        return Exhibit(page_classes()[name](**controls))

    return show


def __dir__() -> list[str]:
    """Name the pages too."""
    return sorted({*globals(), *page_classes()})
