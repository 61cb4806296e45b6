"""Playback: gives the browser the timelines of the plots on screen, once the controls rest.

Until they have come the browser asks the server for each time it wants to show.
"""

from collections.abc import Callable, Iterable
from typing import Any

from .jobs import THEORY, Deliver, Latest
from .player import Player
from .results import Snapshot
from .timeline import timeline, tracks
from .views.base import View

Pictures = Iterable[tuple[View, Snapshot]]

_REST_SECONDS = 0.3


class Playback:
    """The timelines of one session.

    Args:
        player: what they are for.
        deliver: runs a callback on the session's event loop.
        pictures: returns the views on screen, each with what it shows.
    """

    def __init__(self, player: Player, deliver: Deliver, pictures: Callable[[], Pictures]):
        """Start with none."""
        self._player, self._pictures = player, pictures
        self._lane = Latest(THEORY, deliver)
        self._is_old = False  # what is being computed

    def restart(self, at: int) -> None:
        """Drop the timelines, which were of another experiment or page than what has been drawn at a grid time."""
        self._player.note_drawn(at, tracks=None)
        self._submit()

    def refresh(self, at: int) -> None:
        """Bring the timelines up to date with what has been drawn at a grid time; the ones there go on until then."""
        self._player.note_drawn(at)
        if self._lane.idle.is_set():
            self._submit()
        else:
            self._is_old = True

    def cancel(self) -> None:
        """Stop computing."""
        self._lane.cancel()

    def _submit(self) -> None:
        self._is_old = False
        pictures = list(self._pictures())
        self._lane.submit(
            lambda: iter([[(view, timeline(view, snapshot)) for view, snapshot in pictures]]),
            self._send,
            self._end,
            lambda _: None,  # the browser goes on asking the server
            delay=_REST_SECONDS,
        )

    def _send(self, results: list[list[tuple[View, Any]]]) -> None:
        sent = [track for view, moving in results[-1] for track in tracks(view, moving)]
        self._player.note_drawn(self._player.drawn[1], tracks=sent)

    def _end(self) -> None:
        if self._is_old:
            self._submit()
