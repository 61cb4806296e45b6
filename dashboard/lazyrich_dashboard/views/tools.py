"""Tools: what can be asked of any view, as a row of small buttons at the end of its heading.

The data as a table and as files, why the plot looks as it does, other scales of its axes, and the view alone on the
page. What takes room comes in a drawer beside the view; Escape closes it. Buttons and drawer are one component, since
every component of a page costs each session its time, and nothing is made before it is asked for.
"""

import functools
import html
from pathlib import Path
from typing import TYPE_CHECKING, Any

import param
from panel.custom import JSComponent

from .. import exports, tables
from ..jobs import Latest, once
from ..numerals import numeral
from ..widgets import put

if TYPE_CHECKING:
    from .base import View

_ASSETS = Path(__file__).parents[1] / "assets"


class Tools(JSComponent):
    """The tools of a view."""

    heading = param.String(doc="What the view is called.")
    slug = param.String(doc="What its files are called.")
    figures = param.List(default=[], item_type=str, doc="The ids of the view's figures, its plot first.")
    time = param.String(doc="The time that the server has drawn; empty where the view does not depend on it.")
    mode = param.Integer(
        default=None, doc="The mode that the server has marked, 0 for none; None if the view marks none."
    )
    has_why = param.Boolean(doc="Whether there is a text that explains the view.")
    toggles = param.Dict(default={}, doc="By the view's Params: what a toggle says, and what a click on it would do.")
    drawer = param.Selector(default="", objects=["", "data", "why"], doc="What the drawer shows; empty if closed.")
    content = param.String(doc="The drawer's HTML.")

    _esm = "".join((_ASSETS / name).read_text() for name in ("deliver.js", "picture.js", "tools.js"))
    _stylesheets = [(_ASSETS / "tools.css").read_text()]  # noqa: RUF012  as Panel has it

    def __init__(self, view: "View"):
        """Serve a view."""
        self._view = view
        self.saving: Latest | None = None  # the file asked for last
        super().__init__(
            heading=view.title,
            slug=view.slug(),
            figures=view.figures(),
            has_why=bool(view.why()),
            toggles=view.toggles(),
            margin=(2, 6, 0, 0),
            sizing_mode=None,
        )
        self.param.watch(lambda _: self.refresh(), "drawer")
        if self.toggles:
            view.param.watch(lambda _: self.param.update(toggles=view.toggles()), list(self.toggles))

    def refresh(self) -> None:
        """Bring what pictures say, and an open drawer, up to date with the view."""
        if (snapshot := self._view.snapshot) is not None:
            is_timed = self._view.clock(snapshot) is not None
            mode = snapshot.mode if self._view.of_mode(snapshot) else None
            put(self, time=f"t = {numeral(snapshot.time)}" if is_timed else "", mode=mode)
        if self.drawer == "why":
            self.content = self._view.why()
        elif self.drawer == "data":
            self.content = self._table()

    def _table(self) -> str:
        view = self._view
        if view.snapshot is None:
            return "<p>There is nothing to show.</p>"
        x, y = view.axes()
        return tables.as_html(tables.tidy(view.parts, view.columns(view.snapshot)), x.label, y.label)

    def _handle_msg(self, data: Any) -> None:
        """Do what a button asks for."""
        if (name := data.get("toggle")) in self.toggles:
            setattr(self._view, name, not getattr(self._view, name))
        elif shown := exports.pictures([self._view]):
            self._save(data.get("file"), shown)

    def _save(self, kind: Any, shown: list[exports.Picture]) -> None:
        """Make a file of what is shown and send it."""
        from ..web_page import web_page  # which is made of views

        makers = {"csv": exports.csv, "netcdf": exports.netcdf}
        if kind == "html":
            make = web_page(shown[0])
        elif kind in makers:
            make = functools.partial(makers[kind], shown)
        else:
            return
        self.saving = once(make, lambda file: self._send_msg(file.message), self._refuse)

    def _refuse(self, sentence: str) -> None:
        self.content = f"<p>{html.escape(sentence)}</p>"
