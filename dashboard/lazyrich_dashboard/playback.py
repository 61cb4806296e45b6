"""Playback: gives the browser the plots on screen at all times, and with each mode marked, once the controls rest.

Until they have come the browser asks the server for each time it wants to show, and a mode is marked when it is chosen.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .deliver import Deliver
from .jobs import ASIDE, Latest
from .mode_probe import ModeProbe
from .player import Player
from .results import Snapshot, Theory
from .timeline import Timeline, by_mode, ends, shares, timeline, tracks
from .views.base import View

Pictures = Iterable[tuple[View, Snapshot]]

_REST_SECONDS = 0.3
_log = logging.getLogger(__name__)


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
        self._lane = Latest(ASIDE, deliver)
        self._is_old = False  # what is being computed
        self._has_modes = False  # whether the browser has them; the networks' progress does not change them

    def restart(self, at: int, theory: Theory) -> None:
        """Drop the timelines, which were of another experiment or page than what has been drawn at a grid time."""
        self._player.note_drawn(at, tracks=None, ends=ends(theory))
        if self._has_modes:
            self._has_modes = False
            for view, _ in self._pictures():
                if view.probe is not None:
                    view.probe.forget()
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
        pictures, with_modes = list(self._pictures()), not self._has_modes
        self._lane.submit(
            lambda: iter([_computed(pictures, with_modes)]),
            self._send,
            self._end,
            # The browser goes on asking the server; who runs it should know.
            lambda sentence: _log.error("The plots on screen have no timelines: %s", sentence),
            delay=_REST_SECONDS,
        )

    def _send(self, results: list["_Computed"]) -> None:
        computed = results[-1]
        if computed.probe is not None:
            computed.probe.take(_tracks(computed.modes), computed.shares)
            self._has_modes = True
        self._player.note_drawn(self._player.drawn[1], tracks=_tracks(computed.times))

    def _end(self) -> None:
        if self._is_old:
            self._submit()


class _Computed(NamedTuple):
    """The timelines of views; if there is a `probe` to give them to, also the marks of each mode and their shares."""

    times: list[tuple[View, Timeline]]
    probe: ModeProbe | None = None
    modes: Sequence[tuple[View, Timeline]] = ()
    shares: np.ndarray | None = None


def _computed(pictures: list[tuple[View, Snapshot]], with_modes: bool) -> _Computed:
    times = [(view, timeline(view, snapshot)) for view, snapshot in pictures]
    probes = [view.probe for view, _ in pictures if view.probe is not None]
    if not (with_modes and probes):
        return _Computed(times)
    modes = [(view, by_mode(view, snapshot)) for view, snapshot in pictures]
    return _Computed(times, probes[0], modes, shares(pictures[0][1].theory))


def _tracks(timelines: Iterable[tuple[View, Timeline]]) -> list[dict[str, Any]]:
    return [track for view, moving in timelines for track in tracks(view, moving)]
