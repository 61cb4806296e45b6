"""Bookmark: what a link holds beside the experiment, so that opening it shows the same screen.

That is the page, where the time scrubber stands, the mode that is marked, the options of views, and the pinned runs,
each as what it has that the experiment on screen has not: `pin=depth%3D2%26parametrization%3Dntk`. As in `link`, only
what differs from how the page opens is written, and a bad value costs that field alone. What other parts of the page
may have put into the address (`lesson=`, `hide=`) is kept. What would make a link too long to be read is left out, pins
first.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode

import param

import lazyrich as lr

from . import link
from .modes import MOST
from .pinned import FOLLOWS, SLOTS
from .state import State
from .views import PAGES, AbstractView

_FIRST = next(iter(PAGES))
_SAME = "same"  # a pin that differs in nothing
_LINKED = {kind.slug(): kind for columns in PAGES.values() for column in columns for kind in column if kind.linked()}


@dataclass(frozen=True)
class Bookmark:
    """Page, scrubber, mode and views' options that differ from their defaults.

    `options` has for each kind of view the values of its Params by name; `pins` are the pinned experiments; `others`
    are the names and values in the address that are not ours.
    """

    page: str = _FIRST
    scrub: float = cast(float, State.param.scrub.default)
    mode: int = 0
    options: Mapping[type[AbstractView], Mapping[str, Any]] = field(default_factory=dict)
    others: tuple[tuple[str, str], ...] = ()
    pins: tuple[lr.Experiment, ...] = ()


NOTHING = Bookmark()


def decode(query: str) -> tuple[lr.Experiment, Bookmark, list[str]]:
    """Return the experiment and the bookmark of a query string, and a sentence for each part that was left out."""
    experiment, notices = link.decode(query)
    if len(query) > link.MOST_CHARACTERS:
        return experiment, Bookmark(), notices
    read: dict[str, Any] = {"options": {}}
    others, pins = [], []
    for name, text in parse_qsl(query.lstrip("?")):
        slug, _, option = name.partition(".")
        try:
            if name == "page":
                read["page"] = _one_of(text, name, {page: page for page in PAGES})
            elif name == "scrub":
                read["scrub"] = _number(text, name, (0, 1))
            elif name == "mode":
                read["mode"] = _whole(text, name, MOST)
            elif name == "pin":
                pins.append(_pinned(text, experiment, len(pins)))
            elif slug in _LINKED and option in _LINKED[slug].linked():
                value = _value(text, name, _LINKED[slug].param[option])
                read["options"].setdefault(_LINKED[slug], {})[option] = value
            elif not link.is_field(name):
                others.append((name, text))
        except ValueError as error:
            notices.append(f"{error}{link.LEFT_OUT}")
    return experiment, Bookmark(**read, others=tuple(others), pins=tuple(pins)), notices


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
    if bookmark.mode != Bookmark.mode:
        values["mode"] = bookmark.mode
    for kind, options in bookmark.options.items():
        values |= {f"{kind.slug()}.{name}": _text(value) for name, value in options.items()}
    query = "&".join(filter(None, [link.encode(experiment), urlencode(values)]))
    if len(query) >= link.MOST_CHARACTERS:  # one is the question mark's
        raise ValueError(
            f"A link must have at most {link.MOST_CHARACTERS} characters; this one would have {len(query) + 1}. "
            "Copy the Python script instead."
        )
    for other in (*bookmark.others, *(("pin", _as_pin(pin, experiment)) for pin in bookmark.pins)):
        longer = f"{query}&{urlencode([other])}"
        query = longer if len(longer) < link.MOST_CHARACTERS else query
    return query


def _as_pin(pinned: lr.Experiment, experiment: lr.Experiment) -> str:
    """Return what a pinned experiment has that the one on screen has not."""
    changes = link.changes(pinned, experiment)
    return urlencode({name: value for name, value in changes.items() if name not in FOLLOWS}) or _SAME


def pins_left_out(query: str, bookmark: Bookmark) -> int:
    """Return how many pinned runs the query string of a screen has not had the room for."""
    return len(bookmark.pins) - sum(name == "pin" for name, _ in parse_qsl(query))


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


def _whole(text: str, name: str, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 9 and int(text) <= most):
        raise ValueError(f"{name} must be a whole number from 0 to {most}; got {text!r}. Correct it.")
    return int(text)


def _pinned(text: str, experiment: lr.Experiment, count: int) -> lr.Experiment:
    """Return the experiment that a pin says, in what it differs from the one on screen."""
    if count == SLOTS:
        raise ValueError(f"pin must not stand more than {SLOTS} times; got another. Take one out.")
    pinned, notices = link.decode(text, experiment)
    if notices:
        raise ValueError(f"pin: {notices[0].removesuffix(link.LEFT_OUT)}")
    return pinned


def _value(text: str, name: str, option: param.Parameter) -> Any:
    """Return the value of an option: a number within its bounds, or one of its choices."""
    if isinstance(option, param.Number):
        return _number(text, name, cast(tuple[float, float], option.get_soft_bounds()))
    return _one_of(text, name, _choices(option))


def _number(text: str, name: str, ends: tuple[float, float]) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not ends[0] <= value <= ends[1]:
        raise ValueError(f"{name} must be a number from {ends[0]:g} to {ends[1]:g}; got {text!r}. Correct it.")
    return value
