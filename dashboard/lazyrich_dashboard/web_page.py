"""Web page: views as one file that needs no server and no network, with a player of time.

The figures are as drawn, in the colours of the page they were on. Where a view depends on time its timeline goes with
it, and a slider and a button move all of them as on the page of the laboratory.
"""

import html
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

from bokeh.document import Document
from bokeh.embed import components
from bokeh.layouts import row
from bokeh.models import Button, CustomJS, Div, GlyphRenderer, Slider
from bokeh.plotting import figure
from bokeh.resources import Resources

from .exports import File, Picture, file_name
from .theme import LIGHT
from .timeline import SCRIPT, STEPS, ends, nearest, time_label, timeline

# Not Bokeh's `file_html`, which adds the scripts that Panel's components take from the server.
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title><style>
html {{ color-scheme: {scheme}; background: {background}; color: {colour}; }}
body {{ margin: 0 16px; font: {font}px/1.4 sans-serif; }}
main {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 520px), 1fr)); gap: 4px 16px; }}
section {{ min-width: 0; }}
h1 {{ font-size: 1.2em; margin: 8px 0 0; }}
p {{ margin: 2px 0; }}
.figures {{ display: flex; align-items: start; height: clamp(300px, 100vh - 190px, 640px); }}
main :not(:only-child) .figures {{ height: clamp(260px, 50vh - 140px, 460px); }}
.figures > :first-child {{ flex: 1; min-width: 0; height: 100%; }}
@media (max-width: 560px) {{
  .figures {{ flex-wrap: wrap; height: auto !important; }}
  .figures > :first-child {{ flex: 1 0 100%; height: 300px; }}
}}
.moved .summary {{ opacity: 0.4; }}
footer {{ position: sticky; bottom: 0; padding: 4px 0; background: {background}; z-index: 1; }}
</style><script>{bokeh}</script></head>
<body><main>{sections}</main><footer>{player}</footer><details><summary>The experiment</summary><pre>{experiment}</pre>
</details>{script}</body>
</html>
"""
_SECTION = """<section><h1>{title}</h1><p>{question}</p><div class="figures">{places}</div>
<p class="summary">{summary}</p></section>"""
_PLACE = "<div>{}</div>"
_FONT = 14  # of a page that is not projected
# The sentences are of the time `now`, and dimmed at others, as on the page of the laboratory.
_SHOW = f"""{SCRIPT}
showSlice(slider.document, tracks, slider.value);
label.text = timeLabel(ends, slider.value / slider.end);
document.body.classList.toggle("moved", slider.value != now);
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
    drawn = [picture.view.copies() for picture in shown]
    return lambda: _made(shown, drawn)


def _made(shown: Sequence[Picture], drawn: list[list[figure]]) -> File:
    for plot, *_beside in drawn:
        plot.sizing_mode = "stretch_both"
    figures = list(itertools.chain(*drawn))
    # Of its own: Bokeh would ask for the current one, which on a worker is another session's, or one just closed.
    document = Document()
    for root in [*figures, *_player(shown, figures)]:
        document.add_root(root)
    script, places = components(document.roots)
    rest, experiment, tokens = iter(places), shown[0].snapshot.experiment, shown[0].view.tokens
    page = _PAGE.format(
        title=html.escape(", ".join(picture.view.title for picture in shown)),
        scheme="light" if tokens.page == LIGHT.page else "dark",
        background=tokens.page,
        colour=tokens.theory,
        font=tokens.font or _FONT,
        sections="\n".join(_section(*one, rest) for one in zip(shown, drawn, strict=True)),
        player="".join(rest),
        experiment=html.escape(json.dumps(experiment.to_dict(), indent=1) if experiment else ""),
        bokeh="\n".join(Resources(mode="inline", components=["bokeh", "bokeh-widgets"]).js_raw),
        script=script,
    )
    return File(f"{file_name(list(shown))}.html", "text/html", page.encode())


def _section(picture: Picture, figures: list[figure], places: Iterator[str]) -> str:
    view = picture.view
    title, question, summary = map(html.escape, (view.title, view.question, view.summary(picture.snapshot)))
    own = "".join(_PLACE.format(place) for place in itertools.islice(places, len(figures)))
    return _SECTION.format(title=title, question=question, places=own, summary=summary)


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
    label = Div(text=time_label(theory, now), width=110, align="center")
    slider = Slider(
        start=0, end=STEPS, value=now, title="", show_value=False, sizing_mode="stretch_width", align="center"
    )
    args = {"slider": slider, "label": label, "tracks": moving, "ends": ends(theory), "now": now}
    slider.js_on_change("value", CustomJS(args=args, code=_SHOW))
    button = Button(label="Play", width=90)
    button.js_on_click(CustomJS(args={"slider": slider, "button": button}, code=_PLAY))
    return [row(button, slider, label, sizing_mode="stretch_width")]
