"""Link: an experiment as a query string and back.

Only what differs from the page's opening preset is written, under the experiment's own field names, so that a link can
be read and edited by hand: `?depth=5&parametrization=mup`. Reading goes field by field: one bad value costs that field
alone, and is reported.
"""

import copy
import dataclasses
import json
import re
from typing import Any
from urllib.parse import parse_qsl, urlencode

import lazyrich as lr
from lazyrich.data import as_text

from .state import PRESET

VERSION = 1
MOST_CHARACTERS = 500
LEFT_OUT = " (In the link; it was left out.)"
# Fields that may be None, which a link writes as auto and an experiment leaves out.
_OPTIONAL = {
    field.name: part
    for part, spec in (("data", lr.DataSpec), ("training", lr.TrainingSpec))
    for field in dataclasses.fields(spec)
    if field.default is None
}
_ACTIVATION = re.compile(r"(\w+)\((.*)\)")


def encode(experiment: lr.Experiment) -> str:
    """Return the query string, without the question mark; it is `v=1` for the preset itself."""
    return urlencode({"v": VERSION, **changes(experiment, PRESET)})


def changes(experiment: lr.Experiment, start: lr.Experiment) -> dict[str, Any]:
    """Return the fields of an experiment that differ from those of another, by the names that a link gives them."""
    before = flat(start)
    return {name: value for name, value in flat(experiment).items() if value != before.get(name)}


def decode(query: str, start: lr.Experiment = PRESET) -> tuple[lr.Experiment, list[str]]:
    """Return the experiment of a query string, and a sentence for each part of it that was left out.

    Names that are no fields are not ours and are passed over: a link may carry other things too.
    """
    if is_too_long(query):
        return start, [f"A link must have at most {MOST_CHARACTERS} characters; got {len(query)}. It was left out."]
    places = _places(start)
    experiment, notices = start, []
    # The data set first, wherever it stands: the others may be its options.
    for name, text in sorted(parse_qsl(query.lstrip("?")), key=lambda pair: pair[0] != "data"):
        if name not in places:
            continue
        spec = copy.deepcopy(experiment.to_dict())
        part, field = places[name]
        target = spec[part] if part else spec
        target[field] = _value(text)
        if name == "data":  # another data set has other options
            spec["data"] = {key: value for key, value in target.items() if _OPTIONAL.get(key) != "data"}
        if target[field] is None:
            del target[field]
        try:
            experiment = lr.Experiment.from_dict(spec)
        except ValueError as error:
            notices.append(f"{error}{LEFT_OUT}")
    return experiment, notices


def is_field(name: str) -> bool:
    """Say whether a name in a link is the version or a field of an experiment."""
    return name == "v" or name in _places(PRESET)


def is_too_long(query: str) -> bool:
    """Say whether a query string is longer than a link may be; nothing of it is read then."""
    return len(query) > MOST_CHARACTERS


def _places(experiment: lr.Experiment) -> dict[str, tuple[str, str]]:
    """Return where each name of a link stands in an experiment: the part's name and the field's."""
    places = {"data": ("data", "name"), "seed": ("", "seed")} | {name: (part, name) for name, part in _OPTIONAL.items()}
    for part, fields in experiment.to_dict().items():
        if isinstance(fields, dict):
            places |= {field: (part, field) for field in fields if field != "name"}
    return places


def flat(experiment: lr.Experiment) -> dict[str, Any]:
    """Return the fields of an experiment by the names that a link gives them."""
    spec = experiment.to_dict()
    spec["network"]["activation"] = str(experiment.network.phi)
    spec["network"]["parametrization"] = str(experiment.network.parametrization)
    for name, part in _OPTIONAL.items():
        spec[part].setdefault(name, "auto")
    if experiment.data.points is not None:
        spec["data"]["points"] = as_text(experiment.data.points)
    values = {name: (spec[part] if part else spec)[field] for name, (part, field) in _places(experiment).items()}
    return {name: json.dumps(value) if isinstance(value, bool) else value for name, value in values.items()}


def _value(text: str) -> Any:
    """Return the value that a text stands for: a number, true or false, an activation with parameters, or a word."""
    if text == "auto":
        return None
    if match := _ACTIVATION.fullmatch(text):
        name, inside = match.groups()
        pairs = (part.partition("=") for part in re.split(r",(?![^()]*\))", inside))
        return {"name": name, **{key.strip(): _value(value) for key, _, value in pairs}}
    if text.startswith("(") and text.endswith(")"):
        return tuple(_value(entry) for entry in text[1:-1].split(","))
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return text
    return value if isinstance(value, (bool, int, float)) else text
