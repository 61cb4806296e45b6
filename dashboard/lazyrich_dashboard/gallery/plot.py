"""One panel of a gallery page on screen."""

import html
from typing import Any

import panel as pn

from .. import widgets
from ..live import Live
from ..views.base import nothing
from .base import GalleryPage, Panel, Picture


class Plot(pn.viewable.Viewer):
    """One panel of a page."""

    def __init__(self, panel: Panel, **params):
        """Render it, empty."""
        super().__init__(**params)
        self.panel = panel
        self.live = Live(panel.parts, panel.x, panel.y)
        self.live.figure.name = panel.title
        for legend in self.live.figure.legend:
            legend.update(spacing=6, glyph_width=14, label_standoff=3)
        heading = widgets.text(f"<h2>{html.escape(panel.title)}</h2>", "lr-title", margin=(4, 8, 0, 8))
        self._layout = pn.Column(
            heading, self.live.pane, sizing_mode="stretch_both", margin=4, **widgets.styled("lr-column-1")
        )

    def update(self, page: GalleryPage, picture: Picture) -> None:
        """Show a picture."""
        given = picture.columns.get(self.panel.name, {})
        columns: dict[str, Any] = {part.label: given.get(part.label, nothing(part.kind)) for part in self.panel.parts}
        x, y = page.ranges(self.panel, columns)
        for part in self.panel.parts:
            if part.kind == "rule" and len(columns[part.label]["x"]):
                columns[part.label] = {"x": columns[part.label]["x"], "y": list(y)}
        self.live.patch(columns)
        self.live.frame(x, y)

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the layout."""
        return self._layout
