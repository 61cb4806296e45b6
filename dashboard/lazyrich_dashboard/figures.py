"""Figures: drawn by HoloViews once in a process, and copied for every view of every session.

HoloViews takes a tenth of a second for a figure and more, and a class that opens the page together waits for the sum. A
copy has models of its own, with ids of their own, and its parts are found by their names.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache, wraps
from typing import Any, ParamSpec, cast

import holoviews as hv
import numpy as np
from bokeh.core.has_props import HasProps
from bokeh.core.property.singletons import Intrinsic
from bokeh.document import Document
from bokeh.io.doc import patch_curdoc
from bokeh.model import Model
from bokeh.models import (
    AllIndices,
    AllLabels,
    CDSView,
    ColumnDataSource,
    CustomJS,
    CustomJSTicker,
    CustomJSTickFormatter,
    GlyphRenderer,
    Legend,
    LegendItem,
    UnionRenderers,
)
from bokeh.plotting import figure as Figure
from holoviews.plotting.bokeh.element import ElementPlot

from . import pinned
from .marks import Axis, Part, draw
from .projection import keep_text_sizes

P = ParamSpec("P")

# Bokeh's own ticker for logarithmic axes labels one end of an axis that spans less than two decades.
_LOG_TICKS = """
const [low, high] = [cb_data.start, cb_data.end];
const decades = Math.log10(high / low);
const stride = Math.max(1, Math.ceil(decades / 6));
const digits = decades > 2.5 ? [1] : decades > 1.2 ? [1, 3] : decades > 0.5 ? [1, 2, 3, 5] : [1, 1.5, 2, 3, 4, 5, 6, 8];
const ticks = [];
for (let k = Math.floor(Math.log10(low)); k <= Math.log10(high); k++) {
  if (k % stride == 0) ticks.push(...digits.map(d => d * 10 ** k).filter(t => t >= low && t <= high));
}
if (ticks.length > 2 || decades > 1) return ticks;
// So short an axis is as good as linear.
const span = high - low, size = 10 ** Math.floor(Math.log10(span));
const step = [0.1, 0.2, 0.25, 0.5, 1, 2].map(d => d * size).find(d => span < 6 * d);
const first = Math.ceil(low / step), count = Math.floor(high / step) - first + 1;
return Array.from({length: count}, (_, i) => Number(((first + i) * step).toPrecision(12)));
"""
# Plain numbers, or powers of ten if one of them would be long.
_LOG_LABELS = """
const plain = value => Number(value.toPrecision(6)).toString();
if (ticks.every(value => value >= 0.00999 && value < 9999)) return plain(tick);
const power = Math.floor(Math.log10(tick) + 1e-9), digits = plain(tick / 10 ** power);
const raised = [...String(power)].map(c => c == "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]).join("");
return (digits == "1" ? "" : digits + "·") + "10" + raised;
"""


# A click on the legend mutes its own renderer; this is the one in the plot.
_MUTE = "const shown = renderers[cb_obj.item.label.value]; shown.muted = !shown.muted"

_LEGEND = "legend"  # the name of renderers that only the legend shows


def drawn_once(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Let a function that draws a figure of its arguments, which can be hashed, return copies of what it drew first."""
    blueprint = lru_cache(maxsize=128)(lambda *args, **kwargs: _models(draw(*args, **kwargs)))

    @wraps(draw)
    def copy(*args: P.args, **kwargs: P.kwargs) -> Figure:
        return _built(blueprint(*args, **kwargs))

    return copy


# A model and what has been set of it, of every model of a figure; the figure comes first.
_Models = list[tuple[Model, dict[str, Any]]]


def _models(figure: Figure) -> _Models:
    models = [figure, *(model for model in figure.references() if model is not figure)]
    return [
        (model, {name: getattr(model, name) for name in model.properties_with_values(include_defaults=False)})
        for model in models
    ]


def _built(models: _Models) -> Figure:
    """Return a figure of new models.

    Each is told all it has by Bokeh's general constructor, as a figure's own would make axes that are replaced; and
    that is told of names without values, as it would look up a default for each and check what was checked before.
    """
    new = {model: type(model).__new__(type(model)) for model, _ in models}
    for model, values in models:
        HasProps.__init__(new[model], **dict.fromkeys(values, Intrinsic))
        for name, value in values.items():
            place = new[model].lookup(name)
            place._set_value(new[model], place.property.wrap(_renewed(value, new)))
    return cast(Figure, new[models[0][0]])


def _renewed(value: Any, new: Mapping[Model, Model]) -> Any:
    """Return a value with the new models in place of the old."""
    if isinstance(value, Model):
        return new[value]
    if isinstance(value, list):
        return [_renewed(entry, new) for entry in value]
    if isinstance(value, tuple):
        return tuple(_renewed(entry, new) for entry in value)
    if isinstance(value, dict):
        return {key: _renewed(entry, new) for key, entry in value.items()}
    return value


def rendered(overlay: Any) -> Any:
    """Return HoloViews' plot of an overlay, which belongs to no session's document.

    HoloViews asks Bokeh for the current document, which may be that of a session that has gone: what fails in a
    callback leaves its document behind (bokeh.io.doc.patch_curdoc, seen in 3.9.2).
    """
    document = Document()
    with patch_curdoc(document):
        return hv.renderer("bokeh").get_plot(overlay, doc=document)


@drawn_once
def new_figure(parts: tuple[Part, ...], x: Axis, y: Axis, legend_columns: int) -> Figure:
    """Return the parts as a figure with nothing to show yet; the arguments are those of `live.Live`."""
    plot = rendered(draw(parts, x, y))
    figure = plot.state
    figure.toolbar.autohide = True
    keep_text_sizes(figure, legend_columns)
    # A few thousand points are drawn faster without WebGL, whose start and read-back cost more than they save.
    figure.output_backend = "canvas"
    for axis, dimension in ((x, "x"), (y, "y")):
        if axis.log:
            ticker = CustomJSTicker(major_code=_LOG_TICKS)
            getattr(figure, f"{dimension}axis").update(ticker=ticker, formatter=CustomJSTickFormatter(code=_LOG_LABELS))
            getattr(figure, f"{dimension}grid").ticker = ticker
    for part in plot.traverse(lambda p: p, [ElementPlot]):
        if "glyph_renderer" in part.handles:
            part.handles["glyph_renderer"].name = part.current_frame.label
    _give_the_legend_its_own(figure)
    slim(figure)
    return figure


def slim(figure: Figure) -> None:
    """Share models that have no state, and leave out what is never shown.

    No plot dims what is not selected, and only what the legend names can be muted.
    """
    every, union, labels = AllIndices(), UnionRenderers(), AllLabels()
    items = [cast(Any, item) for legend in figure.legend for item in legend.items]
    in_legend = {item.label.value for item in items}
    for renderer in cast(list[GlyphRenderer], figure.renderers):
        renderer.update(selection_glyph=None, nonselection_glyph=None)
        if renderer.name not in in_legend:
            renderer.muted_glyph = None
        renderer.view.filter = every
        cast(ColumnDataSource, renderer.data_source).selection_policy = union
    for axis in figure.axis:
        axis.major_label_policy = labels
    figure.title = None
    if figure.toolbar_location is None:  # or the mouse would move what has no tools to be seen
        figure.toolbar.update(tools=[], active_drag=None, active_scroll=None)


def named_renderers(figure: Figure) -> dict[str, GlyphRenderer]:
    """Return the renderers of a figure's parts, and of their pinned curves, by their names."""
    renderers = cast(list[GlyphRenderer], figure.renderers)
    return {cast(str, renderer.name): renderer for renderer in renderers if renderer.name != _LEGEND}


def _give_the_legend_its_own(figure: Any) -> None:
    """Let the legend show renderers with one mark that is not drawn.

    Of a part with no marks it would show no symbol, and it would be built anew whenever the data change, which makes it
    flicker while time plays.
    """
    renderers = named_renderers(figure)
    names = {str(name) for shown in renderers.values() for name in cast(ColumnDataSource, shown.data_source).data}
    mark: dict[str, Any] = {
        "data_source": ColumnDataSource({name: [np.nan] for name in sorted(names)}), "view": CDSView(), "name": _LEGEND
    }  # fmt: skip
    for legend in cast(list[Legend], figure.legend):
        for item in cast(list[LegendItem], legend.items):
            item.renderers = [GlyphRenderer(glyph=shown.glyph, muted_glyph=None, **mark) for shown in item.renderers]
            figure.renderers.extend(item.renderers)
        legend.js_on_event("legend_item_click", CustomJS(args={"renderers": renderers}, code=_MUTE))


def add_pinned(figure: Figure, part: Part) -> GlyphRenderer:
    """Add one glyph for the pinned curves of a part; in Bokeh, since HoloViews takes a hundred times as long."""
    name = pinned.name(part.label)
    if part.kind == "line":
        empty = ColumnDataSource({"xs": [], "ys": [], "dash": []})
        style = {"line_dash": "dash", "line_width": 1.25, "line_alpha": 0.8}
        renderer = figure.multi_line("xs", "ys", source=empty, name=name, **style)
    else:
        empty = ColumnDataSource({"x": [], "y": [], "marker": []})
        style = {"marker": "marker", "size": 5, "fill_alpha": 0, "line_alpha": 0.8}
        renderer = figure.scatter("x", "y", source=empty, name=name, **style)
    renderer.update(selection_glyph=None, nonselection_glyph=None, muted_glyph=None)
    return renderer
