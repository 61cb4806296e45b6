"""What the visitor of a gallery page takes away: its link, code, a notebook, and the numbers of its plots."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from .. import widgets
from ..courier import Courier
from . import files
from .links import encode

if TYPE_CHECKING:
    from .exhibit import Exhibit

# Where links from a notebook lead: to the gallery that `lazyrich serve` has on the same machine.
_ADDRESS = "http://localhost:5006/gallery"


class Share:
    """The menu of one session, and the courier that carries what is chosen there.

    Args:
        exhibit: the page on screen.
    """

    def __init__(self, exhibit: "Exhibit"):
        """Make the menu."""
        self._exhibit = exhibit
        self.courier = Courier(address=_ADDRESS, width=0, height=0, margin=0)
        self._actions: dict[str, Callable[[], None]] = {
            "Copy link": lambda: self.courier.link(encode(exhibit.page), "Link copied"),
            "Copy Python": lambda: self.courier.text(files.to_python(exhibit.page), "Python script copied"),
            "Notebook (.ipynb)": lambda: self.courier.file(files.notebook(exhibit.page)),
            "Data of the plots (CSV)": lambda: self.courier.file(files.csv(exhibit.page, exhibit.picture)),
        }
        self.menu = widgets.menu("Share", [{"label": label} for label in self._actions], self.do)

    def do(self, label: str) -> None:
        """Do what an entry of the menu says."""
        self._actions[label]()

    def follow_address(self) -> None:
        """Let the browser's address follow: the page is the whole window's."""
        self.courier.address = ""

    def follow(self) -> None:
        """Bring the address up to date with the controls."""
        if not self.courier.address:
            self.courier.query = encode(self._exhibit.page)
