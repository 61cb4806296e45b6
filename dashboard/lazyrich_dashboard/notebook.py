"""Notebook: what a cell needs before it can show anything, and the channel to the page that shows it."""

import sys
from typing import Any

import panel as pn
from bokeh.document import Document
from bokeh.model import Model
from panel.custom import JSComponent
from panel.models.comm_manager import CommManager
from pyviz_comms import JupyterComm, JupyterCommManager

from .jobs import session_deliverer


def load_notebook_extension() -> None:
    """Load Panel into a notebook that has not done so, from this machine: a notebook may be offline."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if getattr(shell, "kernel", None) is not None and not pn.extension._loaded:
        pn.extension(inline=True)


def cell(controls: list[Any], main: pn.viewable.Viewable) -> pn.Row:
    """Return controls and plots side by side, as the output of a cell."""
    side = pn.Column(*controls, width=290, height=640, scroll=True)
    return pn.Row(side, main, Handshake(), height=660, sizing_mode="stretch_width")


class Handshake(JSComponent):
    """Says when the output of a cell is on the page, which opens the channel for its changes.

    Panel opens it as soon as the page begins to build the output, and the page drops what comes before it has: half a
    message dropped puts all later ones out of step. Before the channel is open every message waits for itself, and they
    overtake one another (both seen in Panel 1.9.4).
    """

    _esm = "export function render({model, view}) { model.send_msg(view.root.model.id) }"

    def __init__(self):
        """Take no room."""
        super().__init__(width=0, height=0, margin=0)
        self._channels: dict[str, _Channel] = {}  # by output

    def _get_model(self, doc: Document, root: Any = None, parent: Any = None, comm: Any = None) -> Model:
        if isinstance(comm, JupyterComm) and root is not None:
            self._channels[root.ref["id"]] = _Channel(doc, comm)
        return super()._get_model(doc, root, parent, comm)

    def _handle_msg(self, data: Any) -> None:
        if data in self._channels:
            self._channels[data].open()


class _Channel:
    """Stands in for an output's channel until the page is there, and then hands over what was sent, in order."""

    def __init__(self, document: Document, comm: JupyterComm):
        self._document, self._deliver = document, session_deliverer()
        self._messages: list[tuple[tuple, dict[str, Any]]] = []
        self._comm: Any = comm
        self._comm._comm = self
        self._comm.init = self.begin

    def begin(self) -> None:
        """Wait for a page that begins to build the output, for the first time or loaded anew.

        What it sends is handled where cells run: JupyterLab has a thread of its own for it (jupyterlab#19719), and
        neither Panel nor Bokeh can be changed from two at once.
        """
        self._comm._comm = self
        (manager,) = (root for root in self._document.roots if isinstance(root, CommManager))
        page = JupyterCommManager._comms[manager.client_comm_id]
        page.comm.on_msg(lambda message: self._deliver(lambda: page._handle_msg(message)))

    def open(self) -> None:
        """Open the channel."""
        JupyterComm.init(self._comm)
        messages, self._messages = self._messages, []
        for positional, named in messages:
            self._comm.send(*positional, **named)

    def send(self, *positional: Any, **named: Any) -> None:
        """Keep a message."""
        self._messages.append((positional, named))

    def close(self) -> None:
        """Drop what was kept: the output is gone."""
        self._messages.clear()
