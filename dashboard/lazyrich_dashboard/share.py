"""Share: what is on screen as a link, as code, as data, as a page, and pinned for comparison.

It stands in one row with the tabs: a button that pins and a menu. The address of the browser follows the screen, so
that reloading shows it again.
"""

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import panel as pn

from . import bookmark, exports, widgets
from .bookmark import Bookmark
from .courier import Courier
from .deliver import Deliver
from .jobs import ASIDE, NETWORKS, Latest, once
from .link import MOST_CHARACTERS
from .pins import Pins
from .remade_pins import Remade, remade
from .results import Refusal
from .web_page import web_page

if TYPE_CHECKING:
    from .explorer import Explorer
    from .views import View

# Where links from a notebook lead: to the page that `lazyrich serve` has on the same machine.
_ADDRESS = "http://localhost:5006/lazyrich"
# Networks in training are drawn many times a second; the address need not be written as often.
_ADDRESS_SECONDS = 0.8


class Share:
    """What one session can share.

    Args:
        explorer: the session.
        start: what the link that it was opened with holds beside the experiment.
        deliver: runs a callback on the session's event loop.
    """

    def __init__(self, explorer: "Explorer", start: Bookmark, deliver: Deliver):
        """Start with nothing pinned."""
        self._explorer = explorer
        self._others = dict(start.others)
        self._pinned = start.pins  # by the link, and not shown yet
        self.saving: Latest | None = None  # the file asked for last
        self.courier = Courier(address=_ADDRESS, width=0, height=0, margin=0)
        self.pins = Pins(explorer.take_results)
        self.remaking, self.following = Latest(NETWORKS, deliver), Latest(ASIDE, deliver)
        self.pin_button = widgets.button("Pin", variant="text")
        self.pin_button.on_click(lambda _: self._pin())
        self._actions = {
            "Copy link": self._copy_link,
            "Copy Python": self._copy_python,
            "Notebook (.ipynb)": self._save_notebook,
            "Data of this page (CSV)": lambda: self._save_data(exports.csv),
            "Data of this page (NetCDF)": lambda: self._save_data(exports.netcdf),
        }
        self.menu = widgets.menu("Share", self._items(), self._do)

    def row(self, tabs: pn.viewable.Viewable) -> pn.Row:
        """Return the tabs with what is here beside them."""
        space = pn.Spacer(sizing_mode="stretch_width")
        return pn.Row(
            tabs,
            space,
            self.pin_button,
            self.menu,
            self.courier,
            sizing_mode="stretch_width",
            margin=0,
            **widgets.styled("lr-top"),
        )

    def follow_address(self) -> None:
        """Let the browser's address follow: the page is the whole window's."""
        self.courier.address = ""

    def views(self) -> "list[View]":
        """Return the plots of the page on screen that show something."""
        shown = (view.shown for view in self._explorer.pages.on_screen().values())
        return [view for view in shown if view is not None and view.snapshot is not None]

    def remember(self, **others: str | None) -> None:
        """Keep values of other parts of the page in its links, or let them go."""
        kept = {name: value for name, value in self._others.items() if name not in others}
        self._others = kept | {name: value for name, value in others.items() if value is not None}
        self.follow()

    def restore_pins(self) -> None:
        """Pin the runs of the link that the session was opened with, as they come."""
        if self._pinned:
            pinned, views = self._pinned, self._explorer.pages.on_screen()
            self.remaking.submit(lambda: remade(pinned, views), self._take_pins, lambda: None, self.courier.say)

    def _take_pins(self, new: list[Remade | Refusal | None]) -> None:
        for item in filter(None, new):
            if isinstance(item, Refusal):
                self._explorer.notify([*self._explorer.sentences, item.sentence])
            else:
                item.put(self.pins)
                self._pinned = ()

    def close(self) -> None:
        """Stop all work."""
        self.remaking.cancel()
        self.following.cancel()

    def _bookmark(self) -> Bookmark:
        explorer = self._explorer
        options = bookmark.changed_options(explorer.pages.views)
        return Bookmark(
            page=explorer.pages.page,
            scrub=explorer.state.scrub,
            mode=explorer.state.mode,
            options=options,
            others=tuple(self._others.items()),
            pins=self._pinned or self.pins.experiments,
        )

    def query(self) -> str:
        """Return the query string of what is on screen; raises ValueError where there is none."""
        return bookmark.encode(self._explorer.experiment, self._bookmark())

    def follow(self) -> None:
        """Bring menu and pins up to date with what is drawn, and soon the address."""
        if self._explorer.work.experiment is not None:
            self.pins.compare(self._explorer.work.experiment)
        items = self._items()
        if items != self.menu.items:
            self.menu.items = items
        if not self.courier.address and self.following.idle.is_set():
            self.following.submit(
                lambda: iter(()), lambda _: None, self._write_address, self.courier.say, delay=_ADDRESS_SECONDS
            )

    def _write_address(self) -> None:
        with contextlib.suppress(ValueError):  # the last address that can be read stays; `Copy link` says why
            self.courier.query = self.query()

    def _items(self) -> list[dict[str, str]]:
        pages = [f"{_PAGE}{view.title}" for view in self.views()]
        return [{"label": label} for label in (*self._actions, *pages)]

    def _do(self, label: str) -> None:
        """Do what an entry of the menu says."""
        try:
            if label in self._actions:
                self._actions[label]()
            for view in self.views():
                if label == f"{_PAGE}{view.title}":
                    self._save(web_page(*exports.pictures([view])))
        except ValueError as error:
            self.courier.say(str(error))

    def _save_data(self, make: Callable[[list[exports.Picture]], exports.File]) -> None:
        shown = exports.pictures(self.views())
        self._save(lambda: make(shown))

    def _save(self, make: Callable[[], exports.File]) -> None:
        """Make a file and send it."""
        self.saving = once(make, self.courier.file, self.courier.say)

    def _copy_link(self) -> None:
        query = self.query()
        missing = bookmark.pins_left_out(query, self._bookmark())
        but = f", without {missing} of the pinned runs: it has at most {MOST_CHARACTERS} characters" if missing else ""
        self.courier.link(query, f"Link copied{but}")

    def _copy_python(self) -> None:
        self.courier.text(self._explorer.experiment.to_python(), "Python script copied")

    def _save_notebook(self) -> None:
        self.courier.file(exports.notebook(self._explorer.experiment))

    def _pin(self) -> None:
        experiment = self._explorer.work.experiment
        if experiment is not None:
            self.courier.say(self.pins.pin(experiment, self._explorer.pages.on_screen()))


_PAGE = "Web page: "
