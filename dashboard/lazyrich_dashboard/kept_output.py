"""Kept output: an output of a cell as the notebook keeps it, and all that has changed since.

A page that is loaded anew builds an output as it was when its cell ran, whatever has been sent to other pages.
"""

from collections.abc import Iterator
from typing import Any

from bokeh.core.property.vectorization import Field, Value
from bokeh.core.serialization import Serializer
from bokeh.document import Document
from bokeh.document.events import ColumnDataChangedEvent, DocumentPatchedEvent, ModelChangedEvent, RootAddedEvent
from bokeh.document.json import PatchJson
from bokeh.model import Model
from bokeh.models import ColumnDataSource
from bokeh.protocol.message import Message
from bokeh.protocol.messages.patch_doc import patch_doc


class KeptOutput:
    """What the models of an output were when it was written.

    Args:
        document: the output's own.
        root: the id of the model that holds all others.
    """

    def __init__(self, document: Document, root: str):
        """Wait for the output to be written: Panel adds its root to the document right before."""
        self._document, self._root = document, root
        self._values: dict[Model, dict[str, Any]] = {}
        document.on_change(self._note)

    def _note(self, event: Any) -> None:
        if isinstance(event, RootAddedEvent) and event.model.id == self._root:
            self._values = {model: _set_values(model) for model in self._document.models}

    def catch_up(self) -> Message[Any]:
        """Return the message that brings a page which has the output as it was kept to what it is now."""
        events = list(self._changes())
        known = self._values.keys() & set(self._document.models)
        serializer = Serializer(references=known, deferred=True)
        patch = PatchJson(events=serializer.encode(events))
        message = patch_doc(patch_doc.create_header(), {"use_buffers": True}, patch)
        for buffer in serializer.buffers:
            message.add_buffer(buffer)
        self._document.models.flush_synced(lambda model: not serializer.has_ref(model))
        return message

    def _changes(self) -> Iterator[DocumentPatchedEvent]:
        for model, kept in self._values.items():
            if model.document is not self._document:
                continue
            now = _set_values(model)
            for name in {**kept, **now}:
                is_same = name in now and name in kept and _are_same(now[name], kept[name])
                if is_same or model.lookup(name).readonly:  # such as sizes, which the browser sets
                    continue
                if isinstance(model, ColumnDataSource) and name == "data":
                    yield ColumnDataChangedEvent(self._document, model, name)
                else:
                    # A field of a data source stays one: read as an attribute it is a bare name.
                    value = model.lookup(name).get_value(model)
                    yield ModelChangedEvent(self._document, model, name, value)


def _set_values(model: Model) -> dict[str, Any]:
    """Return what has been set of a model."""
    return {name: _copied(value) for name, value in model.properties_with_values(include_defaults=False).items()}


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return dict(value)
    return list(value) if isinstance(value, list) else value


def _are_same(new: Any, old: Any) -> bool:
    """Return whether a value is certain to be the old one; arrays are replaced as a whole."""
    if new is old:
        return True
    if isinstance(new, dict) and isinstance(old, dict):
        return new.keys() == old.keys() and all(_are_same(new[name], old[name]) for name in new)
    if isinstance(new, list | tuple) and type(new) is type(old):
        return len(new) == len(old) and all(map(_are_same, new, old))
    return isinstance(new, str | int | float | Field | Value) and type(new) is type(old) and new == old
