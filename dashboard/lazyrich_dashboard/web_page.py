"""Web page: views as one file that needs no server and no network, with a player of time.

The figures are as drawn, in the colours of a light page. Where a view depends on time its timeline goes with it, and a
slider and a button move all of them as on the page of the laboratory.
"""

import html
import json
from collections.abc import Callable, Sequence
from typing import Any, cast

from bokeh.document import Document
from bokeh.embed import components
from bokeh.layouts import row
from bokeh.models import Button, CustomJS, GlyphRenderer, Slider
from bokeh.plotting import figure
from bokeh.resources import Resources

from .exports import File, Picture, file_name
from .theme import LIGHT
from .timeline import SCRIPT, STEPS, ends, nearest, time_label, timeline

# Not Bokeh's `file_html`, which adds the scripts that Panel's components take from the server.
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title><style>
body {{ margin: 1em; font-family: sans-serif; }}
main {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 520px), 1fr)); gap: 1em; }}
section {{ min-width: 0; }}
footer {{ position: sticky; bottom: 0; padding: 4px 0; background: white; z-index: 1; }}
</style><script>{bokeh}</script></head>
<body><main>{sections}</main><footer>{player}</footer><pre>{experiment}</pre>
{script}</body>
</html>
"""
_SECTION = "<section><h1>{title}</h1><p>{question}</p>{place}<p>{summary}</p></section>"
_HEIGHTS = {1: 520}  # of the only figure; of one of several it is this:
_HEIGHT = 380
_SHOW = f"""{SCRIPT}
showSlice(slider.document, tracks, slider.value);
slider.title = timeLabel(ends, slider.value / slider.end);
"""
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


def web_page(*shown: Picture) -> Callable[[], File]:
    """Return what makes the page; that takes long and may be called off the event loop, this may not."""
    drawn = [picture.view.live.copy(LIGHT) for picture in shown]
    return lambda: _made(shown, drawn)


def _made(shown: Sequence[Picture], drawn: list[figure]) -> File:
    for one in drawn:
        one.update(sizing_mode="stretch_width", height=_HEIGHTS.get(len(drawn), _HEIGHT))
    # Of its own: Bokeh would ask for the current one, which on a worker is another session's, or one just closed.
    document = Document()
    for root in [*drawn, *_player(shown, drawn)]:
        document.add_root(root)
    script, places = components(document.roots)
    experiment = shown[0].snapshot.experiment
    page = _PAGE.format(
        title=html.escape(", ".join(picture.view.title for picture in shown)),
        sections="\n".join(map(_section, shown, places)),
        player="".join(places[len(drawn) :]),
        experiment=html.escape(json.dumps(experiment.to_dict(), indent=1) if experiment else ""),
        bokeh="\n".join(Resources(mode="inline", components=["bokeh", "bokeh-widgets"]).js_raw),
        script=script,
    )
    return File(f"{file_name(list(shown))}.html", "text/html", page.encode())


def _section(picture: Picture, place: str) -> str:
    view = picture.view
    title, question, summary = map(html.escape, (view.title, view.question, view.summary(picture.snapshot)))
    return _SECTION.format(title=title, question=question, place=place, summary=summary)


def _player(shown: Sequence[Picture], drawn: list[figure]) -> list[Any]:
    """Return slider and button, or nothing where the figures are the same at all times."""
    renderers = [cast(GlyphRenderer, renderer) for one in drawn for renderer in one.renderers]
    own = {renderer.data_source.id for renderer in renderers}  # the copies have their originals' ids
    moving = [
        {"source": picture.view.source(label).id, "columns": {name: vars(slices) for name, slices in columns.items()}}
        for picture in shown
        for label, columns in timeline(picture.view, picture.snapshot).items()
    ]
    moving = [track for track in moving if track["source"] in own]
    if not moving:
        return []
    theory, now = shown[0].snapshot.theory, nearest(shown[0].snapshot.scrub)
    title = time_label(theory, now)
    slider = Slider(start=0, end=STEPS, value=now, title=title, show_value=False, sizing_mode="stretch_width")
    args = {"slider": slider, "tracks": moving, "ends": ends(theory)}
    slider.js_on_change("value", CustomJS(args=args, code=_SHOW))
    button = Button(label="Play", width=90)
    button.js_on_click(CustomJS(args={"slider": slider, "button": button}, code=_PLAY))
    return [row(button, slider, sizing_mode="stretch_width")]
