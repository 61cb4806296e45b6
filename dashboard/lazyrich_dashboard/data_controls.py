"""Data controls: what the chosen data set can be asked for, and nothing else.

Files are read, and images fetched, off the event loop.
"""

from collections.abc import Callable
from typing import Any

import panel as pn
import param

from lazyrich.data import FETCHED, MOST_BYTES, OPTIONS, DataSpec, download, hold, largest_sizes, pairs_of

from . import widgets
from .deliver import session_deliverer
from .jobs import ASIDE, Latest
from .state import State


class DataControls(pn.Column):
    """The controls of the data set that a state has chosen; each is made at its first use."""

    NAMES = tuple(dict.fromkeys([option for options in OPTIONS.values() for option in options] + ["n_train", "noise"]))

    def __init__(self, state: State):
        """Show those of the data set that the state starts with."""
        super().__init__(sizing_mode="stretch_width", margin=0)
        self._state, self._deliver = state, session_deliverer()
        self._reading = Latest(ASIDE, self._deliver)
        self._made: dict[str, pn.viewable.Viewable] = {}
        self._hidden: set[str] = set()
        self._turn()
        state.param.watch(self._chosen, "data")

    def hide(self, name: str) -> None:
        """Never show the control of this name, whatever data set is chosen."""
        self._hidden.add(name)
        self._show()

    def _chosen(self, event: param.parameterized.Event) -> None:
        if event.new != event.old:  # else it was triggered, by what has arrived
            self._turn()

    def _show(self) -> None:
        name = self._state.data
        sizes = [] if name == "points" else ["n_train", "noise"]
        shown = {*OPTIONS[name], *sizes} - self._hidden
        self[:] = [self._control(option) for option in self.NAMES if option in shown]

    def _turn(self) -> None:
        name = self._state.data
        self._show()
        if name in FETCHED:
            download(name).add_done_callback(lambda _: self._deliver(self._arrived))

    def _arrived(self) -> None:
        """Draw what was fetched, or say why it could not be."""
        if self._state.data in FETCHED:
            self._state.param.trigger("data")

    def _control(self, name: str) -> pn.viewable.Viewable:
        if name not in self._made:
            makers: dict[str, Callable[[Any], pn.viewable.Viewable]] = {
                "classes": widgets.several,
                "points": lambda parameter: widgets.lines(parameter, pairs_of, _as_lines),
                "file": lambda _: self._upload(),
            }
            self._made[name] = makers.get(name, widgets.slider)(self._state.param[name])
        return self._made[name]

    def _upload(self) -> pn.viewable.Viewable:
        button = widgets.upload("Choose a CSV or NPZ file", ".csv,.npz", MOST_BYTES)
        button.param.watch(lambda _: self._read(button), "value")
        rule = "CSV: the last column is the target, or those called y, target, label. NPZ: x and y. Up to 10 MB."
        return pn.Column(button, widgets.text(rule, "lr-hint", margin=(0, 10)), sizing_mode="stretch_width", margin=0)

    def _read(self, button: widgets.Upload) -> None:
        """Read a file off the event loop; the last one chosen counts."""
        name, contents = button.filename, button.value
        if isinstance(name, str) and isinstance(contents, bytes):
            button.value = None  # so that the same file can be chosen again, and its bytes are not kept
            self._state.complaint = ""
            self._reading.submit(lambda: iter([hold(name, contents)]), self._take, lambda: None, self._complain)

    def _take(self, keys: list[str]) -> None:
        """Train on the file that was read: as on the one before, but on two thirds of its points at most."""
        most = largest_sizes(DataSpec("file", file=keys[-1]))
        n_train = max(1, int(min(self._state.n_train, most.n_train, 2 * most.both / 3)))
        self._state.param.update(file=keys[-1], n_train=n_train)

    def _complain(self, sentence: str) -> None:
        self._state.complaint = sentence


def _as_lines(points: tuple[tuple[float, float], ...]) -> str:
    return "\n".join(f"{x:g}, {y:g}" for x, y in points)
