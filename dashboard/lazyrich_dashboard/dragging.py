"""Points that are dragged with the mouse; whatever follows from where they are let go comes back from Python."""

from collections.abc import Callable
from typing import Any

import numpy as np
from bokeh.models import PointDrawTool

from .live import Live


def let_drag(live: Live, label: str, on_move: Callable[[float, float], Any]) -> None:
    """Let the one point of a part be dragged, and call `on_move` with where it was let go.

    The tool for panning would move the plot along with the point, and is put aside; the wheel still zooms.
    """
    renderer = live.renderer(label)
    tool = PointDrawTool(renderers=[renderer], add=False, description=f"Drag: {label}")
    live.figure.add_tools(tool)
    live.figure.toolbar.update(active_drag=None, active_multi=tool)
    source = live.source(label)

    def moved(_attribute: str, _before: Any, after: dict[str, Any]) -> None:
        x, y = (np.ravel(after[name]) for name in "xy")
        if len(x) == 1 and not live.is_patching and np.isfinite([x[0], y[0]]).all():
            on_move(float(x[0]), float(y[0]))

    source.on_change("data", moved)
