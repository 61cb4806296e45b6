"""Bookmark: what a link holds beside the experiment, so that opening it shows the same screen.

That is the page, where the time scrubber stands, and the options of views; as in `link`, only what differs from how the
page opens is written, and a bad value costs that field alone. What other parts of the page may have put into the
address (`lesson=`, `hide=`) is kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode

import param

import lazyrich as lr

from . import link
from .state import State
from .views import PAGES, AbstractView

_FIRST = next(iter(PAGES))
_LINKED = {kind.slug(): kind for columns in PAGES.values() for column in columns for kind in column if kind.linked()}


@dataclass(frozen=True)
class Bookmark:
    """Page, scrubber and views' options that differ from their defaults.

    `options` has for each kind of view the values of its Params by name; `others` are the names and values in the
    address that are not ours.
    """

    page: str = _FIRST
    scrub: float = cast(float, State.param.scrub.default)
    options: Mapping[type[AbstractView], Mapping[str, Any]] = field(default_factory=dict)
    others: tuple[tuple[str, str], ...] = ()


NOTHING = Bookmark()


def decode(query: str) -> tuple[lr.Experiment, Bookmark, list[str]]:
    """Return the experiment and the bookmark of a query string, and a sentence for each part that was left out."""
    experiment, notices = link.decode(query)
    if len(query) > link.MOST_CHARACTERS:
        return experiment, Bookmark(), notices
    read: dict[str, Any] = {"options": {}}
    others = []
    for name, text in parse_qsl(query.lstrip("?")):
        slug, _, option = name.partition(".")
        try:
            if name == "page":
                read["page"] = _one_of(text, name, {page: page for page in PAGES})
            elif name == "scrub":
                read["scrub"] = _fraction(text, name)
            elif slug in _LINKED and option in _LINKED[slug].linked():
                value = _one_of(text, name, _choices(_LINKED[slug].param[option]))
                read["options"].setdefault(_LINKED[slug], {})[option] = value
            elif not link.is_field(name):
                others.append((name, text))
        except ValueError as error:
            notices.append(f"{error} (In the link; it was left out.)")
    return experiment, Bookmark(**read, others=tuple(others)), notices


def encode(experiment: lr.Experiment, bookmark: Bookmark) -> str:
    """Return the query string of a screen, without the question mark.

    Raises:
        ValueError: it would be too long to be read again.
    """
    values: dict[str, Any] = {}
    if bookmark.page != _FIRST:
        values["page"] = bookmark.page
    if bookmark.scrub != Bookmark.scrub:
        values["scrub"] = f"{bookmark.scrub:.4g}"
    for kind, options in bookmark.options.items():
        values |= {f"{kind.slug()}.{name}": _text(value) for name, value in options.items()}
    query = "&".join(filter(None, [link.encode(experiment), urlencode(values)]))
    if len(query) >= link.MOST_CHARACTERS:  # one is the question mark's
        raise ValueError(
            f"A link must have at most {link.MOST_CHARACTERS} characters; this one would have {len(query) + 1}. "
            "Copy the Python script instead."
        )
    for other in bookmark.others:
        longer = f"{query}&{urlencode([other])}"
        query = longer if len(longer) < link.MOST_CHARACTERS else query
    return query


def changed_options(views: Mapping[type[AbstractView], AbstractView]) -> dict[type[AbstractView], dict[str, Any]]:
    """Return the options of views that are not at their defaults."""
    result = {}
    for kind, view in views.items():
        values = {name: getattr(view, name) for name in kind.linked()}
        changed = {name: value for name, value in values.items() if value != kind.param[name].default}
        if changed:
            result[kind] = changed
    return result


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _choices(parameter: param.Parameter) -> dict[str, Any]:
    """Return the values that an option may have, by what stands for them in a link."""
    objects = parameter.objects if isinstance(parameter, param.Selector) else [True, False]
    return {_text(value): value for value in objects}


def _one_of(text: str, name: str, choices: Mapping[str, Any]) -> Any:
    if text not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}; got {text!r}. Pick one of these.")
    return choices[text]


def _fraction(text: str, name: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must be a number from 0 to 1; got {text!r}. Correct it.")
    return value
