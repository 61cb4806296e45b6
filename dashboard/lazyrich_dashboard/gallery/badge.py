"""The badge of a page: what its last check found, and a button that runs it here."""

import html
from collections.abc import Iterator

import panel as pn

from .. import widgets
from ..cache import RESULTS
from ..deliver import Deliver
from ..jobs import NETWORKS, Latest
from . import checks
from .base import GalleryPage
from .checks import Record


def verdict(record: Record | None) -> str:
    """Return the badge in a few words."""
    if record is None:
        return "? not checked yet"
    return "✓ reproduced" if record.check.holds else "✗ not reproduced at this scale"


class Badge(pn.viewable.Viewer):
    """A check's verdict, its sentence, and when, where and how fast it was run.

    Args:
        page: whose check it is.
        deliver: how results reach the session.
    """

    def __init__(self, page: type[GalleryPage], deliver: Deliver, **params):
        """Show the record that is kept."""
        super().__init__(**params)
        self._page = page
        self.lane = Latest(NETWORKS, deliver)
        self.pane = widgets.text("", "lr-badge", margin=(2, 8))
        self.button = widgets.button("Check it here", variant="outlined")
        self.button.on_click(lambda _: self._run())
        self._layout = pn.Row(self.pane, self.button, sizing_mode="stretch_width", margin=0)
        self._show(checks.read(page.slug()))

    def _show(self, record: Record | None, where: str = "") -> None:
        words = f"<b>{verdict(record)}</b>"
        if record is not None:
            versions = ", ".join(f"{name} {number}" for name, number in record.versions.items())
            run = f"{where or 'on ' + record.date}, in {record.seconds:g} s of CPU"
            words += f"{html.escape(record.check.sentence)} <small title='{html.escape(versions)}'>({run})</small>"
        self.pane.object = words

    def _run(self) -> None:
        """Run the check in the pool of the networks, once for all sessions."""
        self.button.param.update(disabled=True, label="Checking …")

        def compute() -> Iterator[Record]:
            yield RESULTS.get(("check", self._page.slug()), lambda: checks.run(self._page.check))

        def show(records: list[Record]) -> None:
            self._show(records[-1], "on this server")

        self.lane.submit(compute, show, self._rest, self._fail)

    def _rest(self) -> None:
        self.button.param.update(disabled=False, label="Check it here")

    def _fail(self, sentence: str) -> None:
        self.pane.object = f"<b>! cannot run here</b>{html.escape(sentence)}"
        self._rest()

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the layout."""
        return self._layout
