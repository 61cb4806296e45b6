"""Page options: what a link says about the page itself, beside what is on it.

A teacher's link hides controls and chooses the looks and the lesson, as in
`?hide=activation,training_controls&theme=projector&lesson=lazy_and_rich&step=2`. As in every link, one bad value costs
that option alone and is reported.
"""

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import parse_qsl

from . import link

THEMES = ("light", "dark", "projector")
UIS = ("full", "minimal")


@dataclass(frozen=True)
class PageOptions:
    """Looks of the page: names of hidden controls, `ui` and `theme`, and the lesson with its step, from 1."""

    hide: tuple[str, ...] = ()
    ui: str = "full"
    theme: str = "light"
    lesson: str = ""
    step: int = 1


def decode(query: str) -> tuple[PageOptions, list[str]]:
    """Return the page options of a query string, and a sentence for each that was left out.

    Names in `hide` and `lesson` are looked at by those who know them.
    """
    if link.is_too_long(query):
        return PageOptions(), []  # which the experiment's own notice says
    given = dict(parse_qsl(query.lstrip("?")))
    read, notices = {}, []
    for name, take in _READERS.items():
        if name in given:
            try:
                read[name] = take(name, given[name])
            except ValueError as error:
                notices.append(f"{error} (In the link; it was left out.)")
    return PageOptions(**read), notices


def one_of(name: str, text: str, choices: Collection[str]) -> str:
    """Return the text if it is one of the choices; raises ValueError if not."""
    if text not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}; got {text!r}. Pick one of these.")
    return text


def _step(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 1000):
        raise ValueError(f"{name} must be a whole number from 1; got {text!r}. Correct it.")
    return int(text)


_READERS = {
    "hide": lambda _, text: tuple(dict.fromkeys(filter(None, text.split(",")))),
    "ui": lambda name, text: one_of(name, text, UIS),
    "theme": lambda name, text: one_of(name, text, THEMES),
    "lesson": lambda _, text: text,
    "step": _step,
}
