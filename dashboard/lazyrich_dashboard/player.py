"""Player: buttons, a slider and keys that move all plots through time, in the browser.

With tracks (`timeline.tracks`) the browser shows any time on its own, and tells the server where it stands once it
rests. Without them, while the controls move, each position is asked of the server, one at a time.
"""

from pathlib import Path
from typing import Any, ClassVar

import panel as pn
import param

from .timeline import SCRIPT, STEPS

_ASSETS = Path(__file__).parent / "assets"


class Player(pn.custom.JSComponent):
    """The player of one session; what its buttons and keys do is in `assets/player.js`."""

    position = param.Integer(default=STEPS, bounds=(0, STEPS), doc="The grid time asked for.", label="Time t")
    steps = param.Integer(default=STEPS, constant=True, doc="The number of the last grid time.")
    # A list: a notebook's page sends it back, and has no tuples.
    ends = param.List(default=[1.0, 1.0], item_type=float, doc="The first and the last grid time; they are log-spaced.")
    tracks = param.Parameter(default=None, doc="The plots at all times; None while the browser has to ask the server.")
    drawn = param.List(default=[0, STEPS], item_type=int, doc="How often the server has drawn, and at which grid time.")
    takes_page_keys = param.Boolean(default=False, doc="Whether keys pressed anywhere on the page are the player's.")

    _esm = SCRIPT + (_ASSETS / "player.js").read_text()

    _stylesheets: ClassVar[list[str]] = [(_ASSETS / "player.css").read_text()]

    def note_drawn(self, at: int, **changed: Any) -> None:
        """Tell the browser that the server has drawn at a grid time, and what else has changed with that."""
        self.param.update(drawn=[self.drawn[0] + 1, at], **changed)
