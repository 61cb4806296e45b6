"""Mode probe: points at a mode of the kernel, by hovering its place in a spectrum, by a click, or in a field.

What marks the mode in the plots comes from the browser's own copies (`timeline.by_mode`), so that it follows the
pointer; the server is told of a mode that is chosen, by click or field, and marks it from then on.
"""

from pathlib import Path
from typing import Any

import numpy as np
import param
from bokeh.models import CustomJS
from bokeh.plotting import figure as Figure
from panel.custom import JSComponent

from .modes import MOST

_ASSETS = Path(__file__).parent / "assets"
# Bokeh has x in the axis' own numbers; the probe knows its figure by the id.
_POINT = """
const {event_name: kind, x} = cb_obj;
document.dispatchEvent(new CustomEvent("lazyrich-pointer", {detail: {figure: cb_obj.origin.id, kind, x}}));
"""


class ModeProbe(JSComponent):
    """A field for the number of a mode, and what the mode has to do with the train loss, in words.

    Args:
        figure: the plot of the spectrum, whose horizontal axis counts modes.
    """

    mode = param.Integer(default=0, bounds=(0, MOST), doc="The mode that has been chosen; 0 for none.")
    count = param.Integer(default=MOST, doc="How many modes there are.")
    figure = param.String(doc="The id of the spectrum's Bokeh figure.")
    tracks = param.Parameter(default=None, doc="The marks of every mode; None while the browser has to ask the server.")
    shares = param.Parameter(default=None, doc="Each mode's share of the train loss at each time of the player's grid.")

    _esm = (_ASSETS / "timeline.js").read_text() + (_ASSETS / "mode_probe.js").read_text()
    _stylesheets = [(_ASSETS / "mode_probe.css").read_text()]  # noqa: RUF012  as Panel has it

    def __init__(self, figure: Figure):
        """Listen to a figure."""
        for event in ("mousemove", "mouseleave", "tap"):
            figure.js_on_event(event, CustomJS(code=_POINT))
        super().__init__(figure=figure.id, width=0, height=0, margin=0)

    def take(self, tracks: list[dict[str, Any]], shares: np.ndarray | None) -> None:
        """Take the marks of all modes."""
        self.param.update(tracks=tracks, shares=shares)

    def forget(self) -> None:
        """Drop the marks, which were of another experiment."""
        self.param.update(tracks=None, shares=None)
