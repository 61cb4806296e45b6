"""Own points: training points that are added, moved and deleted with the mouse.

Bokeh's tool edits the data source in the browser, and sends it when a drag ends. What stands there while the drag goes
on comes through a second source, at most every 60 ms, so that theory follows the pointer.
"""

from typing import Any

from bokeh.models import ColumnDataSource, CustomJS, PointDrawTool

from lazyrich.data import X_RANGE, Y_RANGE, pairs_of

from ..dragging import add_point_tool
from ..marks import Axis, Columns
from ..results import Snapshot
from .base import Range
from .function import FunctionView

_POINTS = "training points"
# An edit changes the columns in place; columns that are new come from the server, and are not sent back.
_SEND = """
if (echo.last_seen !== undefined && echo.last_seen !== source.data) { echo.last_seen = source.data; return; }
echo.last_seen = source.data;
const send = () => { echo.sent_at = Date.now();
                     echo.data = {x: Array.from(source.data.x), y: Array.from(source.data.y)}; };
clearTimeout(echo.later);
const wait = (echo.sent_at ?? 0) + 60 - Date.now();
if (wait <= 0) send(); else echo.later = setTimeout(send, wait);
"""


class OwnPointsView(FunctionView):
    """Functions of one coordinate through points that can be edited in the plot."""

    x = Axis("x")
    question = "Which function goes through your points?"
    hint = "Click: add a point. Drag: move it. Click one, then Backspace: delete it."

    def __init__(self, **params):
        """Render the plot, empty, and let its points be edited."""
        super().__init__(**params)
        self._sent: list[Any] = []  # points that came from the plot, oldest first
        self._shown: Any = ()  # those of the last snapshot
        figure, source = self.live.figure, self.live.source(_POINTS)
        renderer = self.live.renderer(_POINTS)
        renderer.nonselection_glyph = renderer.glyph  # a point that is chosen does not make the others fade
        renderer.glyph.size = 9
        add_point_tool(figure, PointDrawTool(renderers=[renderer], description="Edit the training points"))
        figure.toolbar.active_tap = None
        echo = ColumnDataSource(data={"x": [], "y": []})
        echo.on_change("data", lambda _name, _old, new: self._edited(new))
        send = CustomJS(args={"source": source, "echo": echo}, code=_SEND)
        source.js_on_change("change", send)
        source.js_on_change("data", send)

    def _edited(self, columns: Any) -> None:
        """Ask for the points that stand in the plot, or put back those before."""
        try:
            pairs = zip(columns["x"], columns["y"], strict=True)
            points = pairs_of([(_clipped(x, X_RANGE), _clipped(y, Y_RANGE)) for x, y in pairs])
        except (KeyError, TypeError, ValueError) as error:
            self._sent.clear()
            for shown in ((), self._shown):  # putting them back must be a change to be sent
                self.live.source(_POINTS).data = {"x": [x for x, _ in shown], "y": [y for _, y in shown]}
            self.wish = {"complaint": str(error)}
            return
        self._sent.append(points)
        self.wish = {"points": points, "complaint": ""}

    def update(self, snapshot: Snapshot) -> None:
        """Show a snapshot; points that the plot itself has sent stand there already, or further on."""
        data = snapshot.theory.data
        points = pairs_of(list(zip(data.x_train[:, 0].tolist(), data.y_train[:, 0].tolist(), strict=True)))
        if points in self._sent:
            self._sent = self._sent[self._sent.index(points) :]
        elif points != self._shown:  # they come from elsewhere
            self._sent.clear()
        self._shown = points
        self.live.ahead = {_POINTS} if self._sent else set()
        super().update(snapshot)

    def ranges(self, snapshot: Snapshot, columns: Columns) -> tuple[Range, Range]:
        """Return ranges that stay while a point is moved within them."""
        _, (low, high) = super().ranges(snapshot, columns)
        return (-2.1, 2.1), (min(low, -2.0), max(high, 2.0))


def _clipped(value: Any, ends: Range) -> float:
    return min(max(float(value), ends[0]), ends[1])
