r"""Texts: Markdown files with formulas, as HTML that needs nothing from anywhere.

Formulas stand between dollars in LaTeX, `$\Theta$` in a line and `$$...$$` by themselves. They become MathML, which
browsers draw on their own: no script, no fonts to load, in a notebook and in a saved page too.
"""

import functools
import re
from pathlib import Path

from latex2mathml.converter import convert
from markdown_it import MarkdownIt

WHY = Path(__file__).parent / "assets" / "why"
_FORMULA = re.compile(r"\$\$(.+?)\$\$|\$(.+?)\$", re.DOTALL)
# Stands for a formula while Markdown is made of what is around it; a character that no text has.
_PLACE = "\ue000{}\ue001"
_PLACES = re.compile("\ue000(\\d+)\ue001")


@functools.cache
def why(slug: str) -> str:
    """Return the text that explains a view: its formula, where that comes from, what to look for.

    Empty for a view that has none.
    """
    path = WHY / f"{slug}.md"
    return rendered(path.read_text(encoding="utf-8")) if path.exists() else ""


def rendered(text: str) -> str:
    """Return Markdown with formulas as HTML."""
    formulas: list[str] = []

    def take(match: re.Match) -> str:
        block, inline = match.groups()
        formulas.append(convert(block or inline, display="block" if block else "inline"))
        return _PLACE.format(len(formulas) - 1)

    around = MarkdownIt("commonmark", {"html": False}).enable("table").render(_FORMULA.sub(take, text))
    return _PLACES.sub(lambda match: formulas[int(match.group(1))], around)
