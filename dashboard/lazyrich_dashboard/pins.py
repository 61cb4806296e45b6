"""Pins: up to four runs of a session that stay on its plots while the controls go on."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import param
from panel.custom import JSComponent

import lazyrich as lr

from .pinned import DASHES, MARKERS, SLOTS, Pin, difference
from .results import PinnedCurves, Snapshot
from .views import AbstractView
from .widgets import put

_ASSETS = Path(__file__).parent / "assets"


class Pins(JSComponent):
    """The pinned runs, as a row above the plots that is there when there are any.

    Args:
        on_change: called when a run has been pinned or let go.
    """

    pins = param.List(default=[], doc="Of each run its slot, dashes, marker and words.")

    _esm = (_ASSETS / "pins.js").read_text()
    _stylesheets = [(_ASSETS / "pins.css").read_text()]  # noqa: RUF012  as Panel has it

    def __init__(self, on_change: Callable[[], None]):
        """Start with none."""
        self._kept: list[Pin] = []
        self._on_change = on_change
        super().__init__(visible=False, sizing_mode="stretch_width", margin=0)

    def pin(self, experiment: lr.Experiment, views: Mapping[type[AbstractView], AbstractView]) -> str:
        """Keep what views show of an experiment; return a sentence that says what has become of it."""
        taken = {kept.slot for kept in self._kept}
        if len(taken) == SLOTS:
            return f"At most {SLOTS} runs can be pinned. Unpin one first."
        slot = min(set(range(SLOTS)) - taken)
        self._kept.append(Pin(slot, experiment, {kind: curves(view) for kind, view in views.items()}))
        self._on_change()
        return "Pinned: move a control to compare"

    @property
    def experiments(self) -> tuple[lr.Experiment, ...]:
        """The pinned runs, in the order of their slots."""
        return tuple(kept.experiment for kept in sorted(self._kept, key=lambda kept: kept.slot))

    def put(self, pin: Pin) -> None:
        """Keep a run in its slot, if that is free."""
        if pin.slot not in {kept.slot for kept in self._kept}:
            self._kept.append(pin)
            self._on_change()

    def renew(self, pin: Pin) -> None:
        """Show more of a run, unless it has been let go since."""
        same = [kept for kept in self._kept if (kept.slot, kept.experiment) == (pin.slot, pin.experiment)]
        if same:
            self._kept = [pin if kept in same else kept for kept in self._kept]
            self._on_change()

    def unpin(self, slot: int) -> None:
        """Let the run in a slot go."""
        self._kept = [kept for kept in self._kept if kept.slot != slot]
        self._on_change()

    def of(self, kind: type[AbstractView]) -> tuple[PinnedCurves, ...]:
        """Return the pinned curves of a kind of view."""
        return tuple(PinnedCurves(kept.slot, kept.curves[kind]) for kept in self._kept if kept.curves.get(kind))

    def compare(self, now: lr.Experiment) -> None:
        """Say in what each run differs from the one on screen."""
        pins = [
            {
                "slot": kept.slot,
                "dash": DASHES[kept.slot],
                "marker": MARKERS[kept.slot],
                "words": difference(kept.experiment, now),
            }
            for kept in sorted(self._kept, key=lambda kept: kept.slot)
        ]
        put(self, visible=bool(pins), pins=pins)

    def _handle_msg(self, data: Any) -> None:
        """Let go what a button says."""
        self.unpin(data.get("unpin"))


def curves(view: AbstractView, snapshot: Snapshot | None = None) -> dict[str, Any]:
    """Return the columns of a view that a pin keeps: of what it shows, or of another snapshot."""
    shown = view.shown
    if shown is None or shown.snapshot is None or not shown.pinnable:
        return {}
    columns = shown.columns(snapshot or shown.snapshot)
    return {label: columns[label] for label in shown.pinnable}
