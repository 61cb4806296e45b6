"""Web page: a view as one file that needs no server and no network, with its player of time.

The figure is as drawn, in the colours of a light page. Where the view depends on time its timeline goes with it, and a
slider and a button move through it as on the page of the laboratory.
"""

import html
import json
from collections.abc import Callable
from typing import Any, cast

from bokeh.embed import components
from bokeh.layouts import column, row
from bokeh.models import Button, CustomJS, GlyphRenderer, Slider
from bokeh.plotting import figure
from bokeh.resources import Resources

from .exports import File, Picture, file_name
from .theme import LIGHT
from .timeline import SCRIPT, STEPS, nearest, time_labels, timeline

# Not Bokeh's `file_html`, which adds the scripts that Panel's components take from the server.
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title><style>body {{ margin: 1em; font-family: sans-serif; }}</style>
<script>{bokeh}</script></head>
<body><h1>{title}</h1><p>{question}</p>{place}<p>{summary}</p><pre>{experiment}</pre>
{script}</body>
</html>
"""
_SHOW = SCRIPT + "showSlice(slider.document, tracks, slider.value); slider.title = labels[slider.value];"
_PLAY = """
const stop = () => { clearInterval(window.playing); window.playing = null; button.label = "Play"; };
if (window.playing) {
  stop();
} else {
  if (slider.value == slider.end) slider.value = 0;
  button.label = "Pause";
  window.playing = setInterval(() => slider.value < slider.end ? slider.value += 1 : stop(), 50);
}
"""


def web_page(picture: Picture) -> Callable[[], File]:
    """Return what makes the page; that takes long and may be called off the event loop, this may not."""
    drawn = picture.view.live.copy(LIGHT)
    return lambda: _made(picture, drawn)


def _made(picture: Picture, drawn: figure) -> File:
    view, snapshot = picture.view, picture.snapshot
    drawn.update(sizing_mode="stretch_width", height=520)
    script, place = components(column(drawn, *_player(picture, drawn), sizing_mode="stretch_width"))
    experiment = snapshot.experiment
    page = _PAGE.format(
        title=html.escape(view.title),
        question=html.escape(view.question),
        summary=html.escape(view.summary(snapshot)),
        experiment=html.escape(json.dumps(experiment.to_dict(), indent=1) if experiment else ""),
        bokeh="\n".join(Resources(mode="inline", components=["bokeh", "bokeh-widgets"]).js_raw),
        place=place,
        script=script,
    )
    return File(f"{file_name([picture])}.html", "text/html", page.encode())


def _player(picture: Picture, drawn: figure) -> list[Any]:
    """Return slider and button, or nothing where the figure is the same at all times."""
    renderers = cast(list[GlyphRenderer], drawn.renderers)
    own = {renderer.data_source.id for renderer in renderers}  # the copies have their originals' ids
    moving = [
        {"source": picture.view.source(label).id, "columns": {name: vars(slices) for name, slices in columns.items()}}
        for label, columns in timeline(picture.view, picture.snapshot).items()
    ]
    moving = [track for track in moving if track["source"] in own]
    if not moving:
        return []
    labels = time_labels(picture.snapshot.theory)
    now = nearest(picture.snapshot.scrub)
    slider = Slider(start=0, end=STEPS, value=now, title=labels[now], show_value=False, sizing_mode="stretch_width")
    slider.js_on_change("value", CustomJS(args={"slider": slider, "tracks": moving, "labels": labels}, code=_SHOW))
    button = Button(label="Play", width=90)
    button.js_on_click(CustomJS(args={"slider": slider, "button": button}, code=_PLAY))
    return [row(button, slider, sizing_mode="stretch_width")]
