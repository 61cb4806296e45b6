"""Exhibit: a gallery page on screen, in a browser or in a notebook cell.

A change of a control drops what was measured for the one before; theory is drawn as soon as it is there, and measuring
starts once the controls rest. What was computed is kept and shared by all sessions.
"""

import html

import panel as pn

from .. import widgets
from ..cache import RESULTS, SharedStream
from ..deliver import session_deliverer
from ..dragging import let_drag
from ..jobs import NETWORKS, THEORY, Latest
from ..notebook import cell, load_notebook_extension
from ..theme import Tokens, tokens
from .badge import Badge
from .base import GalleryPage, Picture
from .controls import build_controls
from .plot import Plot
from .share import Share

_REST_SECONDS = 0.4


def prediction(page: GalleryPage) -> Picture:
    """Return what theory says, from the cache if any session has asked for it."""
    return RESULTS.get(("predicted", page.slug(), *page.values.items()), page.predict)


def measurement(page: GalleryPage) -> SharedStream:
    """Return the stream of what is measured, shared with every session that shows the same."""
    return RESULTS.get(("measured", page.slug(), *page.values.items()), lambda: SharedStream(page.measure))


class Exhibit(pn.viewable.Viewer):
    """A gallery page with its plots.

    Args:
        page: where to start; its Params are the controls, and setting them moves the plots.

    `exhibit.picture` is what is drawn: columns by panel and part.
    """

    def __init__(self, page: GalleryPage, notices: list[str] | None = None, **params):
        """Build plots and start computing; notices stand above them until a control moves."""
        load_notebook_extension()
        super().__init__(**params)
        self.page, self.picture = page, Picture({})
        self._notices = notices or []
        deliver = session_deliverer()
        self.theory_lane, self.measure_lane = Latest(THEORY, deliver), Latest(NETWORKS, deliver)
        self.badge = Badge(type(page), deliver)
        self.share = Share(self)
        self.plots = [Plot(panel) for panel in page.panels]
        for plot in self.plots:
            if page.draggable and plot.panel.name == page.draggable[0]:
                let_drag(plot.live, page.draggable[1], self._drag)
        self._build_layout()
        self.notify(self._notices)
        page.param.watch(lambda *_: self._moved(), page.controls())
        # A server has other sessions to look after, and its pages change only once they are loaded.
        pn.state.onload(self._change) if pn.state.curdoc else self._open()

    def _open(self) -> None:
        """Draw the first picture before anything is shown: a cell opens on it."""
        frozen = type(self.page)(**self.page.values)
        try:
            self._show(prediction(frozen))
        except ValueError as error:
            self._refuse(str(error))
        else:
            self._start(frozen)

    def _build_layout(self) -> None:
        page = self.page
        self.alert = widgets.alert()
        self.summary_pane = widgets.text("", "lr-summary", margin=(0, 8, 4, 8))
        self.status = widgets.text("", "lr-status", width=230, sizing_mode=None, margin=(6, 8))
        self.cancel_button = widgets.button("Cancel", variant="outlined", disabled=True)
        self.cancel_button.on_click(lambda _: self._cancel())
        self.grid = pn.Row(
            *self.plots, sizing_mode="stretch_both", min_height=300, margin=0, **widgets.styled("lr-panels")
        )
        report = (self.summary_pane, self.status, self.cancel_button)
        head = (
            f"<h1>{html.escape(page.title)}</h1><p class='paper'>{html.escape(page.paper)} "
            f"<a href='{html.escape(page.url)}' target='_blank'>{html.escape(page.url.partition('//')[2])}</a></p>"
            f"<p class='claim'>{html.escape(page.claim)}</p>"
        )
        self.main = pn.Column(
            widgets.text(head, "lr-page", margin=(4, 8)),
            self.badge,
            self.alert,
            self.grid,
            pn.Row(*report, sizing_mode="stretch_width", height=52, **widgets.styled("lr-report")),
            self.share.courier,
            sizing_mode="stretch_both",
            **widgets.styled("lr-plots"),
        )
        self.controls = [
            pn.Spacer(height=6),  # the label of a first drop-down list stands above it
            *build_controls(page),
            self.share.menu,
            pn.pane.Markdown("### What to look for\n" + page.look_for, margin=8),
        ]

    def __panel__(self) -> pn.viewable.Viewable:
        """Return controls and plots side by side, for a notebook cell."""
        return cell(self.controls, self.main)

    def recolour(self, dark: bool) -> None:
        """Draw in the colours of the dark or the light page."""
        colours: Tokens = tokens(dark)
        for plot in self.plots:
            plot.live.recolour(colours)

    def notify(self, sentences: list[str]) -> None:
        """Show sentences above the plots, or none."""
        widgets.say(self.alert, sentences)

    def close(self) -> None:
        """Stop all work of this session."""
        for lane in (self.theory_lane, self.measure_lane, self.badge.lane):
            lane.cancel()

    def _drag(self, x: float, y: float) -> None:
        """Move the controls to where a point was dragged, or the point back to where they stand."""
        before = self.page.values
        self.page.param.update(self.page.dragged(x, y))
        if self.page.values == before:
            self._show(self.picture)

    def _moved(self) -> None:
        """Follow a control; what the link was told goes."""
        self._notices = []
        self._change()

    def _change(self) -> None:
        """Drop what belongs to the controls before, and draw the theory of those on screen."""
        self.measure_lane.cancel()
        frozen = type(self.page)(**self.page.values)  # what computes is moved by nobody

        def show(results: list[Picture]) -> None:
            self.notify(self._notices)
            self._show(results[-1])
            self._start(frozen)

        self.theory_lane.submit(lambda: iter([prediction(frozen)]), show, lambda: None, self._refuse)

    def _start(self, frozen: GalleryPage) -> None:
        """Measure, once the controls rest."""
        self._report("measuring starts when the controls rest", running=True)
        self.measure_lane.submit(
            lambda: iter(measurement(frozen)),
            self._add,
            lambda: self._report("measured", running=False),
            self._fail,
            delay=_REST_SECONDS,
        )

    def _add(self, new: list[Picture]) -> None:
        self._report("measuring", running=True)
        picture = self.picture
        for item in new:
            picture = picture.then(item)
        self._show(picture)

    def _show(self, picture: Picture) -> None:
        self.picture = picture
        with pn.io.hold():
            self.grid.visible = True
            for plot in self.plots:
                plot.update(self.page, picture)
            self.summary_pane.object = html.escape(self.page.summary(picture))
            self.share.follow()
        pn.io.push_notebook(self.main)

    def _refuse(self, sentence: str) -> None:
        """Put a sentence where the plots were."""
        self.notify([sentence])
        self.grid.visible = False
        self.summary_pane.object = ""
        self._report("", running=False)

    def _fail(self, sentence: str) -> None:
        """Something cannot be measured, but the theory stands: say why beside it."""
        self.notify([sentence])
        self._report("not measured", running=False)

    def _cancel(self) -> None:
        self.measure_lane.cancel()
        self._report("cancelled; move a control to measure again", running=False)

    def _report(self, words: str, *, running: bool) -> None:
        self.status.object = words
        self.cancel_button.disabled = not running
