"""The widgets used, wrapped once: each is made from a Param of the state and follows it both ways.

panel-material-ui changes often; a change of its API is a change in this file.
"""

import html
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, cast

import numpy as np
import panel as pn
import panel_material_ui as pmui
import param

from .lean import attentive, uncounted

CSS = (Path(__file__).parent / "assets" / "lazyrich.css").read_text()
# What the classes of controls begin with that `hide=` in a link can name.
CONTROL = "lr-control-"
_COMMON: dict[str, Any] = {"size": "small", "sizing_mode": "stretch_width", "margin": (1, 10)}


def text(content: str, css_class: str, **options: Any) -> pn.pane.HTML:
    """Return a piece of text in one of the styles of `assets/lazyrich.css`.

    The style sheet goes with the pane: a page's own does not reach into Panel's shadow roots.
    """
    options = {"sizing_mode": "stretch_width", **options}
    return Text(content, **styled(css_class), **options)


class Text(pn.pane.HTML):
    """HTML that sends its text alone when that changes.

    Panel sends the style sheets again, in a notebook as links to elsewhere (seen in 1.9.4).
    """

    def _update(self, ref: str, model: Any) -> None:
        model.update(**self._process_param_change({"object": self.object}))


def links(addresses: dict[str, str]) -> pn.pane.HTML:
    """Return links to other pages of this server, by their words."""
    anchors = (f"<a href='{html.escape(address)}'>{html.escape(words)}</a>" for words, address in addresses.items())
    return text(" ".join(anchors), "lr-links", sizing_mode=None, margin=(4, 12))


def named(name: str | None) -> dict[str, Any]:
    """Return the option by which a control, or a group of them, is known to `hide=` in a link."""
    return {"css_classes": [f"{CONTROL}{name}"]}


def styled(css_class: str) -> dict[str, Any]:
    """Return the options of a layout in one of the styles of `assets/lazyrich.css`."""
    return {"css_classes": [css_class], "stylesheets": [CSS]}


def select(parameter: param.Selector, label: str, **options: Any) -> pmui.Select:
    """Return a drop-down list."""
    return attentive(pmui.Select.from_param(parameter, label=label, **{**_COMMON, **named(parameter.name), **options}))


def slider(parameter: param.Number) -> Any:
    """Return a slider between the bounds; a value from elsewhere may lie beyond soft ones, and moves the end."""
    kind = pmui.IntSlider if isinstance(parameter, param.Integer) else pmui.FloatSlider
    low, high = cast(tuple[float, float], parameter.get_soft_bounds())
    state, name = cast(param.Parameterized, parameter.owner), cast(str, parameter.name)
    made: list[Any] = []

    def widen(event: param.parameterized.Event) -> None:
        for widget in made:
            put(widget, start=min(low, event.new), end=max(high, event.new))

    # Watched before the widget is made, so that a new value is within the ends by the time the widget takes it.
    state.param.watch(widen, name)
    value = getattr(state, name)
    ends = {"start": min(low, value), "end": max(high, value)}
    made.append(
        kind.from_param(parameter, label=parameter.label, step=parameter.step or 1, **ends, **_COMMON, **named(name))
    )
    return attentive(uncounted(made[0]))


def switch(parameter: param.Boolean) -> pmui.Switch:
    """Return a switch."""
    place = {**_COMMON, "margin": (1, 10, 1, 18)}  # its knob stands out to the left
    return attentive(pmui.Switch.from_param(parameter, label=parameter.label, **place, **named(parameter.name)))


def steps(parameter: param.Number, values: Iterable[float]) -> pmui.DiscreteSlider:
    """Return a slider over given values; a value from elsewhere (a link, a notebook) is added to them.

    It is tied to the parameter by hand: `from_param` would take the parameter's bounds for the slider's ends.
    """
    state, name = cast(param.Parameterized, parameter.owner), cast(str, parameter.name)
    value = getattr(state, name)
    widget = pmui.DiscreteSlider(
        label=parameter.label,
        options=_with(values, value),
        value=value,
        formatter="%.10g",  # Panel's own, %.3g, writes 1e+03
        description=parameter.doc,
        **_COMMON,
        **named(name),
    )

    def show(event: param.parameterized.Event) -> None:
        if event.new not in widget.options:
            widget.options = _with(values, event.new)
        widget.value = event.new

    state.param.watch(show, name)
    widget.param.watch(lambda event: state.param.update({name: event.new}), "value")
    return attentive(uncounted(widget))


def _with(values: Iterable[float], value: float) -> list[float]:
    return sorted({*values, value})


def field(parameter: param.Number, **options: Any) -> pmui.TextInput:
    """Return a field for a number; what is no number changes nothing but the state's `complaint`.

    It is made of a text field, since panel-material-ui's number fields do not take what is typed after Enter was
    pressed until they have been left and entered again (seen in 0.16.6).
    """
    kind = int if isinstance(parameter, param.Integer) else float
    name = cast(str, parameter.name)

    def read(written: str) -> float:
        try:
            return kind(written)
        except ValueError:
            rule = "a whole number" if kind is int else "a number"
            raise ValueError(f"{parameter.label} must be {rule}; got {written!r}. Type digits.") from None

    widget = pmui.TextInput(label=parameter.label, **{**_COMMON, **named(name), **options})
    return _typed(widget, parameter, read, _shortest)


def _shortest(number: float) -> str:
    """Return the shortest text that is read as the same number."""
    text = f"{number:g}"
    return text if isinstance(number, float) and float(text) == number else str(number)


def lines(parameter: param.Parameter, read: Callable[[str], Any], write: Callable[[Any], str]) -> pmui.TextAreaInput:
    """Return a field for lines of text; what `read` refuses changes nothing but the state's `complaint`."""
    widget = pmui.TextAreaInput(label=cast(str, parameter.label), rows=6, max_length=2000, **_COMMON)
    return _typed(widget, parameter, read, write)


def _typed(widget: Any, parameter: param.Parameter, read: Callable[[str], Any], write: Callable[[Any], str]) -> Any:
    """Return a text widget tied to a parameter both ways."""
    state, name = cast(param.Parameterized, parameter.owner), cast(str, parameter.name)
    widget.value = write(getattr(state, name))

    def take(event: param.parameterized.Event) -> None:
        try:
            values = {name: read(event.new), "complaint": ""}
        except ValueError as error:
            values = {"complaint": str(error)}
        widget.error_state = bool(values["complaint"])
        state.param.update(**values)

    def show(event: param.parameterized.Event) -> None:
        widget.param.update(value=write(event.new), error_state=False)

    widget.param.watch(take, "value")
    state.param.watch(show, name)
    return attentive(widget)


def several(parameter: param.ListSelector) -> pmui.CheckButtonGroup:
    """Return a row of small buttons, of which any may be pressed."""
    compact = {"& button": {"padding": "1px 0", "minWidth": "27px"}}
    return attentive(pmui.CheckButtonGroup.from_param(parameter, label=parameter.label, sx=compact, **_COMMON))


class Upload(pmui.FileInput):
    """A button that takes one file of at most `most` bytes; what comes beyond them is dropped as it comes."""

    most = param.Integer(default=1_000_000, doc="The most bytes that are kept.")

    def _process_chunk(self, msg: dict) -> None:
        # The browser says no to larger files; who does without it must not fill the server's memory.
        chunks = (chunk for file in self._file_buffer.values() for chunk in file["chunks"].values())
        waiting = sum(len(file["value"]) for file in self._buffer) + sum(map(len, chunks))
        if waiting + len(msg["data"]) > self.most:
            raise ValueError(f"A file can be up to {self.most:,} bytes; got more.")
        super()._process_chunk(msg)


def upload(label: str, accept: str, most: int) -> Upload:
    """Return a button for a file of at most `most` bytes."""
    return Upload(label=label, accept=accept, max_file_size=most, most=most, variant="outlined", **_COMMON)


def small_select(parameter: param.Selector) -> pmui.Select:
    """Return a drop-down list for the heading of a view."""
    # As high as its text, which a projector's page makes larger.
    height = {"height": "max(36px, var(--lr-font, 0px) * 2.6)"}
    return pmui.Select.from_param(
        parameter, label=parameter.label, size="small", width=180, margin=(2, 8, 0, 0), sizing_mode=None, styles=height
    )


def tabs(parameter: param.Selector) -> pmui.RadioButtonGroup:
    """Return a row of buttons of which one is pressed: the page on screen."""
    compact = {
        "& button": {"whiteSpace": "nowrap", "padding": "2px 14px", "textTransform": "none"},
        "@container (max-width: 800px)": {"& button": {"padding": "2px 4px"}},
    }
    return attentive(pmui.RadioButtonGroup.from_param(
        parameter, label="", description="", size="small", margin=(2, 12), height=32, sizing_mode="stretch_width",
        max_width=640, sx=compact, **named("tabs"),
    ))  # fmt: skip


def button(label: str, **options: Any) -> pmui.Button:
    """Return a small button."""
    return attentive(pmui.Button(label=label, size="small", **{"margin": (4, 4), **options}))


def choice(label: str) -> pmui.Button:
    """Return an answer to choose, as wide as there is room, with its text from the left."""
    left = {"justifyContent": "flex-start", "textAlign": "left"}
    return button(label, variant="outlined", sizing_mode="stretch_width", margin=(2, 10), sx=left)


def menu(label: str, items: list[dict[str, str]], on_choice: Callable[[str], None]) -> pmui.MenuButton:
    """Return a button that opens a menu; `on_choice` gets the label of the entry chosen."""
    result = pmui.MenuButton(label=label, items=items, size="small", variant="text", margin=(4, 8, 4, 4))
    result.on_click(lambda item: on_choice(cast(dict[str, str], item)["label"]))
    return attentive(result)


def progress() -> pmui.LinearProgress:
    """Return a progress bar from 1 to 100, which is not seen at 0.

    Its `visible` would have Bokeh lay the whole page out anew, at the first move of a slider that rested.
    """
    unseen = {"&[aria-valuenow='0']": {"visibility": "hidden"}}
    bar = {"value": 0, "max": 100, "variant": "determinate", "sx": unseen}
    return attentive(pmui.LinearProgress(**bar, sizing_mode="stretch_width", margin=(6, 0)))


def alert() -> pmui.Alert:
    """Return the place where a sentence stands when the controls make no experiment."""
    # Sentences without end leave room for the plots.
    compact = {"padding": "0 12px", "maxHeight": "140px", "overflowY": "auto", "& p": {"margin": "4px 0"}}
    return attentive(pmui.Alert(severity="warning", visible=False, sizing_mode="stretch_width", margin=8, sx=compact))


def say(place: pmui.Alert, sentences: list[str]) -> None:
    """Show sentences in an `alert`, or none."""
    put(place, object="\n\n".join(map(plain, sentences)), visible=bool(sentences))


def put(target: param.Parameterized, **values: Any) -> None:
    """Set parameters at once, if one of them changes: `param.update` takes 0.2 ms where none does, too."""
    if any(getattr(target, name) != value for name, value in values.items()):
        target.param.update(**values)


def plain(sentence: str) -> str:
    """Return a sentence for `alert`, whose text is Markdown with HTML in it, so that it is shown as it is."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", sentence)


def log_values(first: int, last: int, digits: Iterable[int] = (1, 2, 5)) -> list[float]:
    """Return 1, 2, 5 (times powers of ten) from 10**first to 10**last."""
    values = [float(np.round(d * 10.0**k, 12)) for k in range(first, last + 1) for d in digits]
    return [value for value in values if value <= 10.0**last]


def search(label: str) -> pmui.TextInput:
    """Return a field for words to look for; `value_input` follows what is typed."""
    return pmui.TextInput(label=label, size="small", width=340, margin=(4, 10))
