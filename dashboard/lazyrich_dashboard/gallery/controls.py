"""The controls of a gallery page, made from its Params."""

from typing import cast

import panel as pn
import param

from .. import widgets
from .base import GalleryPage


def build_controls(page: GalleryPage) -> list[pn.viewable.Viewable]:
    """Return a widget for each of the page's Params, in their order."""
    return [_widget(page, name) for name in page.controls()]


def _widget(page: GalleryPage, name: str) -> pn.viewable.Viewable:
    parameter = page.param[name]
    if isinstance(parameter, param.Selector):
        return widgets.select(parameter, parameter.label or name)
    if isinstance(parameter, param.Boolean):
        return widgets.switch(parameter)
    number = cast(param.Number, parameter)
    return widgets.steps(number, page.steps[name]) if name in page.steps else widgets.slider(number)
