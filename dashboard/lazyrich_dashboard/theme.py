"""Colours as tokens: one meaning, one colour, in every view.

The palette is Okabe & Ito's (colour-blind safe), with the lighter members for dark pages. Colour never stands alone:
theory is a line, finite networks are a band or markers. A page that is projected has larger text, lines and markers.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

from holoviews.plotting.util import process_cmap


@dataclass(frozen=True)
class Tokens:
    """Colours by meaning; `colour(role)` looks one up; `page` is what all are drawn on.

    `font` is the least size of text in pixels, `weight` what the sizes of lines and markers are multiplied by;
    `diverging` the colours of values on both sides of a middle, which has the page's own.
    """

    theory: str
    train: str
    test: str
    initial: str
    trained: str
    target: str
    guide: str
    mode: str
    page: str
    diverging: tuple[str, ...]
    font: int = 0
    weight: float = 1.0

    def colour(self, role: str) -> Any:
        """Return the colour of a role, one of the field names; of `diverging` the colours of a map."""
        return getattr(self, role)


LIGHT = Tokens(
    theory="#1a1a1a",
    train="#0072B2",
    test="#D55E00",
    initial="#009E73",
    trained="#B0518A",
    target="#6b6b6b",
    guide="#6b6b6b",
    mode="#7d6608",
    page="#ffffff",
    diverging=tuple(process_cmap("bwy", 255, provider="colorcet")),
)
DARK = Tokens(
    theory="#f2f2f2",
    train="#56B4E9",
    test="#E69F00",
    initial="#2BC295",
    trained="#E29BC3",
    target="#a8a8a8",
    guide="#a8a8a8",
    mode="#F0E442",
    page="#121212",
    diverging=tuple(process_cmap("bky", 255, provider="colorcet")),
)


_PROJECTED = {"font": 20, "weight": 1.75}


def tokens(dark: bool, projected: bool = False) -> Tokens:
    """Return the tokens of the dark or the light page, on a screen or a projector."""
    colours = DARK if dark else LIGHT
    return dataclasses.replace(colours, **_PROJECTED) if projected else colours
