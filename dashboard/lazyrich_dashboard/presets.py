"""Presets: named phenomena, each a link with two sentences and a question.

They stand in `assets/presets.toml`, which says how to write one. A file that breaks its rules is refused in a sentence
that names the entry; the page goes on without presets then.
"""

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

PATH = Path(__file__).parent / "assets" / "presets.toml"


@dataclass(frozen=True)
class Preset:
    """A phenomenon: its `name` in links and tests, its title, what is seen, what to ask, and the link that shows it."""

    name: str
    title: str
    text: str
    question: str
    link: str


def load_presets(path: Path = PATH) -> tuple[Preset, ...]:
    """Return the presets of a file, in its order.

    Raises:
        ValueError: the file is missing, or is not as it should be.
    """
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("preset", [])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"Presets must be a TOML file; got an error in {path.name}: {error}. Correct it.") from None
    if not isinstance(entries, list):
        raise ValueError(f"Presets must be [[preset]] tables; got one [preset] in {path.name}. Double the brackets.")
    presets = tuple(_preset(entry, f"preset {number} of {path.name}") for number, entry in enumerate(entries, 1))
    names = [preset.name for preset in presets]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"The names of presets must differ; got {name!r} twice in {path.name}. Rename one.")
    return presets


def _preset(entry: dict, place: str) -> Preset:
    expected = [field.name for field in fields(Preset)]
    if not isinstance(entry, dict) or sorted(entry) != sorted(expected):
        got = ", ".join(entry) if isinstance(entry, dict) else repr(entry)
        raise ValueError(f"A preset must have {', '.join(expected)} and no more; got {got} in {place}. Correct it.")
    for name, value in entry.items():
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"The {name} of a preset must be a text; got {value!r} in {place}. Write one in quotes.")
    return Preset(**entry)
