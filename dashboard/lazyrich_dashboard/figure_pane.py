"""The pane of a figure, which does not look through the figure's models where nothing is to be done to them."""

from typing import Any

import panel as pn
from bokeh.model import Model


class FigurePane(pn.pane.Bokeh):
    """Bokeh's pane without its two searches of all models, 12 ms a figure.

    One is for JavaScript that names the figure itself, of which ours has none; the other gives each model the theme's
    colours, which it is given again as it comes into the page's document.
    """

    def _get_model(self, doc: Any, root: Model | None = None, parent: Model | None = None, comm: Any = None) -> Model:
        if comm or root is None or self.object is None or self.object.document not in (None, doc):
            return super()._get_model(doc, root, parent, comm)
        self._models[root.ref["id"]] = (self.object, parent)
        return self.object
