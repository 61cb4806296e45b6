"""Links to a page of the gallery: `?page=grokking&alpha=2`, only controls that differ from the page's own values.

Reading goes control by control: a bad value costs that one alone, and is reported.
"""

import json
from typing import Any
from urllib.parse import parse_qsl, urlencode

import param

from ..link import MOST_CHARACTERS, is_too_long
from .base import GalleryPage


def encode(page: GalleryPage) -> str:
    """Return the query string of a page, without the question mark."""
    own = type(page).param
    changed = {name: value for name, value in page.values.items() if value != own[name].default}
    words = {name: json.dumps(value) if isinstance(value, bool) else value for name, value in changed.items()}
    return urlencode({"page": page.slug(), **words})


def decode(query: str, kind: type[GalleryPage]) -> tuple[GalleryPage, list[str]]:
    """Return a page as a query string has it, and a sentence for each control that was left at its own value."""
    page, notices = kind(), []
    if is_too_long(query):
        return page, [f"A link must have at most {MOST_CHARACTERS} characters; got {len(query)}. It was left out."]
    for name, text in parse_qsl(query.lstrip("?")):
        if name not in kind.controls():
            continue
        value = _value(kind.param[name], text)
        try:
            page.param.update({name: value})
        except ValueError:
            own = kind.param[name].default
            notices.append(f"{rule(kind.param[name])}; got {text!r}. The link was not followed in this: it is {own}.")
    return page, notices


def _value(parameter: param.Parameter, text: str) -> Any:
    """Return what a text stands for: one of the parameter's objects, a number, true or false, or itself."""
    if isinstance(parameter, param.Selector):
        return next((choice for choice in parameter.objects if str(choice) == text), text)
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def rule(parameter: param.Parameter) -> str:
    """Return a sentence that says which values a control takes."""
    name = parameter.label or parameter.name
    if isinstance(parameter, param.Selector):
        return f"{name} must be one of {', '.join(map(str, parameter.objects))}"
    if isinstance(parameter, param.Number) and not isinstance(parameter, param.Boolean) and parameter.bounds:
        kind = "a whole number" if isinstance(parameter, param.Integer) else "a number"
        low, high = parameter.bounds
        return f"{name} must be {kind} from {low:g} to {high:g}"
    return f"{name} must be true or false" if isinstance(parameter, param.Boolean) else f"{name} has other values"
