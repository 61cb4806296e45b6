"""Labels: words within a plot, which stay within its frame and apart from one another at all sizes and zooms.

How much room words take is known in the browser alone. So Bokeh evaluates there where they go (`assets/labels.js`),
anew whenever data, ranges, sizes or the theme change.
"""

from pathlib import Path
from typing import cast

from bokeh.core.properties import expr
from bokeh.models import CustomJS, CustomJSExpr, GlyphRenderer, Text
from bokeh.plotting import figure as Figure

from .marks import Axis
from .theme import Tokens

USUAL = 12  # pixels, in themes that ask for no size
_CODE = (Path(__file__).parent / "assets" / "labels.js").read_text().replace("USUAL", str(USUAL))
# The size of the frame changes without the change of a model that expressions listen to (bokehjs 3.9.2, `no_change`).
_RESIZED = "figure.x_range.change.emit()"


def labels(figure: Figure) -> list[GlyphRenderer]:
    """Return the renderers of words, the last drawn first."""
    renderers = [cast(GlyphRenderer, renderer) for renderer in reversed(figure.renderers)]
    return [renderer for renderer in renderers if isinstance(renderer.glyph, Text)]


def keep_apart(figure: Figure, x: Axis, y: Axis) -> None:
    """Let the browser find a place for every label of a figure."""
    if not (found := labels(figure)):
        return
    sources = {f"source{i}": renderer.data_source for i, renderer in enumerate(found)}
    ranges = {"x_range": figure.x_range, "y_range": figure.y_range, "x_log": x.log, "y_log": y.log}
    args = {"figure": figure, **ranges, **sources}
    below = ("true" if renderer.glyph.text_baseline == "top" else "false" for renderer in found)
    pairs = ", ".join(f"[{name}, {side}]" for name, side in zip(sources, below, strict=True))
    code = f"const sources = [{pairs}];\n{_CODE}"
    where = {
        name: expr(CustomJSExpr(args=args, code=code.replace("WANTED", f"{wanted!r}")))
        for name, wanted in (("x_offset", "x"), ("y_offset", "y"), ("text", "text"))
    }
    for renderer in found:
        for glyph in _glyphs(renderer):
            glyph.update(**where)
    resized = CustomJS(args={"figure": figure}, code=_RESIZED)
    for name in ("inner_width", "inner_height", "tags"):
        figure.js_on_change(name, resized)


def resize_labels(figure: Figure, tokens: Tokens) -> None:
    """Write the labels of a figure in the size of the tokens."""
    for renderer in labels(figure):
        for glyph in _glyphs(renderer):
            glyph.text_font_size = f"{tokens.font or USUAL}px"


def _glyphs(renderer: GlyphRenderer) -> list[Text]:
    return [glyph for glyph in (renderer.glyph, renderer.muted_glyph) if isinstance(glyph, Text)]
