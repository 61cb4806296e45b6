"""Courier: hands files and texts to the visitor of a session, and keeps the browser's address up to date.

It has no looks of its own but a line that says what it has done. The clipboard needs a secure page in most browsers,
which one served over http to a classroom is not: the courier then takes the old way, and shows the text as the last.
"""

from pathlib import Path
from typing import Any

import param
from panel.custom import JSComponent

from .exports import File

_ASSETS = Path(__file__).parent / "assets"


class Courier(JSComponent):
    """The messenger of one session."""

    query = param.String(doc="The query string of what is on screen; the browser's address follows it.")
    address = param.String(doc="Where links lead, if not to the page itself; its own address is then left alone.")

    _esm = (_ASSETS / "deliver.js").read_text() + (_ASSETS / "courier.js").read_text()
    _stylesheets = [(_ASSETS / "courier.css").read_text()]  # noqa: RUF012  as Panel has it

    def file(self, file: File) -> None:
        """Save a file."""
        self._send_msg({**file.message, "words": f"{file.name} is among your downloads"})

    def text(self, text: str, words: str) -> None:
        """Copy a text, and say so in words."""
        self._send_msg({"text": text, "words": words})

    def link(self, query: str, words: str) -> None:
        """Copy the link with a query string, and say so in words."""
        self._send_msg({"query": query, "words": words})

    def say(self, words: str) -> None:
        """Say something in passing."""
        self._send_msg({"words": words})

    def _handle_msg(self, data: Any) -> None:
        """Nothing comes back."""
