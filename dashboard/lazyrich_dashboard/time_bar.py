"""Time bar: the row below the plots, with the player of time and what is being computed."""

from collections.abc import Callable

import panel as pn

from . import widgets
from .player import Player
from .state import State
from .timeline import STEPS, nearest


class TimeBar(pn.viewable.Viewer):
    """The player, tied to the state's place in time, and progress with a button that cancels.

    Args:
        state: whose `scrub` the player moves, and which moves the player.
        on_cancel: called when the button is pressed.
    """

    def __init__(self, state: State, on_cancel: Callable[[], None], **params):
        """Lay out the row."""
        super().__init__(**params)
        self._state = state
        self.player = Player(
            position=nearest(state.scrub),
            sizing_mode="stretch_width",
            height=40,
            margin=(0, 8),
            css_classes=["lr-player"],
        )
        self.player.param.watch(self._scrub, "position")
        state.param.watch(lambda event: self.player.param.update(position=nearest(event.new)), "scrub")
        self.progress = widgets.progress()
        self.status = widgets.text("", "lr-status", margin=0)
        self.cancel_button = widgets.button("Cancel", variant="outlined")
        self.cancel_button.on_click(lambda _: on_cancel())
        # Of one size whatever is in it, so that nothing moves when progress appears.
        report = pn.Column(self.status, self.progress, width=210, height=44, sizing_mode="fixed", margin=(0, 4))
        row = (self.player, report, self.cancel_button)
        for item in row:
            item.align = "center"
        styled = widgets.styled("lr-time") | widgets.named("time_bar")
        self._layout = pn.Row(*row, sizing_mode="stretch_width", height=48, **styled)

    @property
    def scrub(self) -> float:
        """Where the player stands, from 0 to 1."""
        return self.player.position / STEPS

    def _scrub(self, _event: object) -> None:
        if nearest(self._state.scrub) != self.player.position:
            self._state.scrub = self.scrub

    def report(self, words: str, *, running: bool, done: float = 0.0) -> None:
        """Say what is being computed, and how many per cent of it are done."""
        self.status.object = words
        self.progress.value = int(max(1, min(done, 100))) if running else 0
        self.cancel_button.disabled = not running

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the row."""
        return self._layout
