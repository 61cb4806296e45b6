"""Lean: widgets and pages without what Panel does for each and nobody needs here, found by profile.

All of it uses methods that Panel and panel-material-ui (seen in 1.9.4 and 0.16.6) call their own. Should they go by
other names one day, a page would take as long as it did, and the tests of widgets would say so.
"""

from collections.abc import Iterable
from typing import Any

import panel_material_ui as pmui

# What a visitor changes of a widget.
_CHANGED = frozenset({"value", "value_input", "value_throttled", "active"})


def attentive(widget: Any) -> Any:
    """Return a widget that listens to what a visitor changes of it.

    Panel would listen to all properties, up to thirty of each widget and 750 on a page, and Bokeh looks every listener
    over: a fifteenth of the time that a page takes.
    """
    link = widget._link_props

    def link_changed(model: Any, properties: Iterable[str], *where: Any) -> None:
        link(model, [name for name in properties if name in _CHANGED], *where)

    widget._link_props = link_changed
    return widget


def uncounted(widget: Any) -> Any:
    """Return a slider whose moves are not counted as work under way.

    No page shows that count, and to keep it took Panel 1.6 ms a move, a twentieth of all that a server does for it.
    """
    widget._busy__ignore = ["value", "value_throttled"]
    return widget


def page(**options: Any) -> pmui.Page:
    """Return a page that notes its root on its own data alone.

    Panel would search all models of the page for data, a fifteenth of the time that a page takes; but its parts have
    noted the root on theirs as they were made.
    """
    result = pmui.Page(**options)

    def note(props: Any, ref: Any) -> None:
        props.tags.append(f"__ref:{ref}")

    result._patch_datamodel_ref = note
    return result
