"""Lessons: Markdown files in `assets/lessons` that lead through an idea in the manner "predict, then move".

A lesson is a title, a sentence or two, and steps. At each step the reader commits to an answer, then the screen moves
and shows who was right, and the reason is given. The README in that folder says how to write one.
"""

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "assets" / "lessons"
_SECTIONS = ("Predict", "Move", "Look", "Answer")
_LINK = re.compile(r"`\?([^`]*)`")
_CHOICE = re.compile(r"^- \[([ x])\] (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Step:
    """One prediction: what is on screen at the `start`, the question with its choices, and what comes of the `move`.

    `start` and `move` are links; `right` is the index of the choice that the move bears out. The others are Markdown.
    """

    title: str
    text: str
    start: str
    question: str
    choices: tuple[str, ...]
    right: int
    doing: str
    move: str
    look: str
    answer: str


@dataclass(frozen=True)
class Lesson:
    """A title, an introduction in Markdown, and steps; `name` is the file's and stands in links."""

    name: str
    title: str
    text: str
    steps: tuple[Step, ...]


def lesson_names(folder: Path = FOLDER) -> list[str]:
    """Return the names of the lessons in a folder."""
    return sorted(path.stem for path in folder.glob("*.md") if path.stem != "README")


def load_lesson(name: str, folder: Path = FOLDER) -> Lesson:
    """Return a lesson by its name.

    Raises:
        ValueError: there is none of that name, or its file is not as it should be.
    """
    names = lesson_names(folder)
    if name not in names:
        raise ValueError(f"lesson must be one of {', '.join(names) or 'none'}; got {name!r}. Pick one of these.")
    try:
        return parse(name, (folder / f"{name}.md").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"The lesson {name} cannot be read: {error}") from None


def parse(name: str, text: str) -> Lesson:
    """Return the lesson that a Markdown text says; raises ValueError with the place of what is wrong."""
    head, *steps = re.split(r"^## ", text, flags=re.MULTILINE)
    match = re.match(r"\s*# (.+)\n", head)
    if not match or not steps:
        raise ValueError("A lesson must begin with a line '# Title' and have steps '## Title'. Add what is missing.")
    read: list[Step] = []
    for number, part in enumerate(steps, 1):
        try:
            read.append(_step(part, read[-1].move if read else None))
        except ValueError as error:
            raise ValueError(f"step {number}: {error}") from None
    return Lesson(name, match[1].strip(), head[match.end() :].strip(), tuple(read))


def _step(part: str, before: str | None) -> Step:
    title, _, body = part.partition("\n")
    text, *sections = re.split(r"^### ", body, flags=re.MULTILINE)
    named = {heading.strip(): content.strip() for heading, _, content in (s.partition("\n") for s in sections)}
    if tuple(named) != _SECTIONS or not all(named.values()):
        raise ValueError(f"The sections must be {', '.join(_SECTIONS)}, none empty; got {', '.join(named) or 'none'}.")
    start = _LINK.search(text)
    if before is None and start is None:
        raise ValueError("The first step's text must name the screen it starts on, as in `?depth=2`. Add a line.")
    move = _LINK.search(named["Move"])
    if move is None:
        raise ValueError("Move must name the screen that it leads to, as in `?depth=2`. Add it.")
    choices = _CHOICE.findall(named["Predict"])
    marks = [mark for mark, _ in choices]
    if len(choices) < 2 or marks.count("x") != 1 or len({words for _, words in choices}) < len(choices):
        raise ValueError("Predict must have two or more different choices '- [ ] ...', one of them '- [x] ...'.")
    return Step(
        title=title.strip(),
        text=_without_link(text),
        start=start[1] if start else before or "",
        question=_CHOICE.sub("", named["Predict"]).strip(),
        choices=tuple(words for _, words in choices),
        right=marks.index("x"),
        doing=_without_link(named["Move"]),
        move=move[1],
        look=named["Look"],
        answer=named["Answer"],
    )


def _without_link(text: str) -> str:
    """Return a text without the line that names a screen, which is for the page and not for the reader."""
    return re.sub(r"^`\?[^`]*`\s*$", "", text, flags=re.MULTILINE).strip()
