"""Points that are dragged with the mouse; whatever follows from where they are let go comes back from Python."""

from collections.abc import Callable
from typing import Any

import numpy as np
from bokeh.events import MouseEnter
from bokeh.models import CustomJS, PointDrawTool
from bokeh.plotting import figure

from .live import Live

# Bokeh takes a button that rests for 0.3 s for a long press, and ignores the drag that follows: people who talk while
# they point rest longer, and a busy browser sees a quick hand late. Nothing here listens to long presses.
_NO_LONG_PRESS = 'Bokeh.require("core/ui_gestures").UIGestures.press_threshold = 2 ** 31 - 1'


def add_point_tool(plot: figure, tool: PointDrawTool) -> None:
    """Let points of a plot be edited with the mouse.

    The tool for panning would move the plot along with the point, and is put aside; the wheel still zooms.
    """
    plot.add_tools(tool)
    plot.toolbar.update(active_drag=None, active_multi=tool)
    plot.js_on_event(MouseEnter, CustomJS(code=_NO_LONG_PRESS))


def let_drag(live: Live, label: str, on_move: Callable[[float, float], Any]) -> None:
    """Let the one point of a part be dragged, and call `on_move` with where it was let go."""
    renderer = live.renderer(label)
    add_point_tool(live.figure, PointDrawTool(renderers=[renderer], add=False, description=f"Drag: {label}"))
    source = live.source(label)

    def moved(_attribute: str, _before: Any, after: dict[str, Any]) -> None:
        x, y = (np.ravel(after[name]) for name in "xy")
        if len(x) == 1 and not live.is_patching and np.isfinite([x[0], y[0]]).all():
            on_move(float(x[0]), float(y[0]))

    source.on_change("data", moved)
