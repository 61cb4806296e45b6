"""Notebook: what a cell needs before it can show anything, and the channel to the page that shows it."""

import sys
from pathlib import Path
from typing import Any

import panel as pn
import param
from bokeh.document import Document
from bokeh.model import Model
from panel.custom import JSComponent
from panel.io.notebook import load_notebook, send
from panel.models.comm_manager import CommManager
from pyviz_comms import JupyterComm, JupyterCommManager

from .deliver import session_deliverer
from .kept_output import KeptOutput

_SCRIPT = (Path(__file__).parent / "assets" / "handshake.js").read_text()
# The cell that brought Panel into the notebook, and at which of the kernel's executions it did so last.
_BROUGHT: dict[str | None, int] = {}


def load_notebook_extension() -> None:
    """Load Panel into a notebook that has not done so, from this machine: a notebook may be offline.

    A page that is loaded anew finds Panel among the outputs that are kept, so the cell that brought it brings it again
    when it runs again.
    """
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    kernel = getattr(shell, "kernel", None)
    if shell is None or kernel is None:
        return
    cell, execution = kernel.get_parent("shell").get("metadata", {}).get("cellId"), shell.execution_count
    if not pn.extension._loaded:
        pn.extension(inline=True)
        _BROUGHT[cell] = execution
    elif cell and _BROUGHT.get(cell, execution) != execution:
        load_notebook(inline=True)
        _BROUGHT[cell] = execution


def cell(controls: list[Any], main: pn.viewable.Viewable) -> pn.Column:
    """Return controls and plots side by side, as the output of a cell."""
    side = pn.Column(*controls, width=290, height=640, scroll=True)
    output = pn.Row(side, main, height=660, sizing_mode="stretch_width")
    return pn.Column(Handshake(), output, sizing_mode="stretch_width")


class Handshake(JSComponent):
    """Says when the output of a cell is on the page, which opens the channel for its changes.

    Panel opens it as soon as the page begins to build the output, and the page drops what comes before it has: half a
    message dropped puts all later ones out of step. Before the channel is open every message waits for itself, and they
    overtake one another (both seen in Panel 1.9.4). A page that is loaded anew has the output as it was kept in the
    notebook, and gets what has changed since.
    """

    has_kernel = param.Boolean(default=False, doc="Whether the output is a notebook's, where a kernel is to answer.")

    _esm = _SCRIPT

    def __init__(self):
        """Take no room, but for the sentence that no kernel has answered."""
        super().__init__(sizing_mode="stretch_width", margin=0)
        self._channels: dict[str, _Channel] = {}  # by output

    def _get_model(self, doc: Document, root: Any = None, parent: Any = None, comm: Any = None) -> Model:
        if isinstance(comm, JupyterComm) and root is not None:
            self.has_kernel = True
            self._channels[root.ref["id"]] = _Channel(doc, root.ref["id"], comm)
        return super()._get_model(doc, root, parent, comm)

    def _cleanup(self, root: Model | None = None) -> None:
        if root is not None:
            self._channels.pop(root.ref["id"], None)
        super()._cleanup(root)

    def _handle_msg(self, data: Any) -> None:
        if data["output"] in self._channels:
            self._channels[data["output"]].open(data["page"])
            self._send_msg(data["page"])


class _Channel:
    """Stands in for an output's channel until the page is there, which then gets what has changed by then."""

    def __init__(self, document: Document, root: str, comm: JupyterComm):
        self._document, self._deliver = document, session_deliverer()
        self._kept = KeptOutput(document, root)
        self._page = ""
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

    def open(self, page: str) -> None:
        """Open the channel to a page, which calls until it is answered."""
        if page == self._page:
            return
        self._page = page
        JupyterComm.init(self._comm)
        send(self._comm, self._kept.catch_up())

    def send(self, *_: Any, **__: Any) -> None:
        """Drop a message: the page gets what has changed when it is there."""

    def close(self) -> None:
        """Do nothing: the output is gone."""
