"""Projection: text, lines and markers of a plot in the sizes that its theme asks for."""

import panel as pn
from bokeh.models import GlyphRenderer

from .theme import Tokens

# The size of text on a screen, in pixels.
_FONT = 12
_SIZES = ("line_width", "size")


def resize(pane: pn.pane.Bokeh, tokens: Tokens) -> None:
    """Draw a pane's figure in the sizes of the tokens; the weight that it is drawn with now stands among its tags.

    panel-material-ui gives the figure's text sizes in em, legends the smallest, so that the pane's own size rules.
    """
    figure = pane.object
    pane.styles = {"font-size": f"{max(_FONT, round(1.05 * tokens.font))}px"}
    weight = next((tag for tag in figure.tags if isinstance(tag, float)), 1.0)
    if weight == tokens.weight:
        return
    figure.tags = [tokens.weight]
    for renderer in figure.select({"type": GlyphRenderer}):
        _scale(renderer, tokens.weight / weight)


def _scale(renderer: GlyphRenderer, ratio: float) -> None:
    for glyph in (renderer.glyph, renderer.nonselection_glyph, renderer.muted_glyph, renderer.selection_glyph):
        for name in _SIZES:
            if isinstance(size := getattr(glyph, name, None), (int, float)):
                setattr(glyph, name, size * ratio)
