"""Chosen: one of several views in one place, with a list in its heading to choose from."""

import dataclasses
from typing import Any, ClassVar, cast

import panel as pn
import param

import lazyrich as lr

from .. import widgets
from ..cache import SharedStream
from ..results import Refusal, Snapshot
from ..theme import LIGHT, Tokens
from .alignment import AlignmentView, StartAlignmentView
from .base import AbstractView, View
from .lazy_rich import KernelMovementView
from .sharpness import SharpnessView
from .sweep import AgainstRichnessView, AgainstWidthView


class ChosenView(AbstractView):
    """The view that the only option names among `kinds`; each is rendered at its first use."""

    kinds: ClassVar[dict[str, type[View]]]

    def __init__(self, **params):
        """Render the view that is chosen."""
        super().__init__(**params)
        self._views: dict[type[View], View] = {}
        self._tokens = LIGHT
        self._shown: View | None = None
        self._layout = pn.Column(sizing_mode="stretch_both", margin=0)
        self.param.watch(lambda _: self._choose(), list(self.options))
        self._choose()

    def _choose(self) -> None:
        """Take the view that is chosen; it comes up when what it predicts has come."""
        (option,) = self.options
        kind, select = self.kinds[getattr(self, option)], cast(param.Selector, self.param[option])
        if kind not in self._views:
            self._views[kind] = kind(chooser=(widgets.small_select(select),))
            self._views[kind].recolour(self._tokens)
        self._chosen = self._views[kind]

    def predict(self, experiment: lr.Experiment) -> tuple[View, Any]:
        """Return the view that is chosen, and what it predicts."""
        chosen = self._chosen
        return chosen, chosen.predict(experiment)

    def measure(self, experiment: lr.Experiment) -> SharedStream | None:
        """Return what the view that is chosen measures."""
        return self._chosen.measure(experiment)

    def update(self, snapshot: Snapshot) -> None:
        """Show a snapshot in the view that it was made for, or in the one chosen why there is nothing to show."""
        refused = isinstance(snapshot.predicted, Refusal)
        shown, prediction = (self._chosen, snapshot.predicted) if refused else snapshot.predicted
        shown.update(dataclasses.replace(snapshot, predicted=prediction))
        if shown is not self._shown:
            self._shown = shown
            self._layout[:] = [shown]

    @property
    def shown(self) -> View | None:
        """The view on screen; None before the first update."""
        return self._shown

    def recolour(self, tokens: Tokens) -> None:
        """Draw in the colours of the page's theme."""
        self._tokens = tokens
        for view in self._views.values():
            view.recolour(tokens)

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the layout."""
        return self._layout


class OverTimeView(ChosenView):
    """What tells lazy from rich while networks train."""

    kinds = {  # noqa: RUF012
        "alignment": AlignmentView,
        "alignment with start": StartAlignmentView,
        "sharpness": SharpnessView,
        "kernel movement": KernelMovementView,
    }
    options = ("quantity",)
    quantity = param.Selector(objects=list(kinds), doc="What is shown against time.", label="Shown")


class SweepView(ChosenView):
    """How far kernels have moved in the end."""

    kinds = {"richness": AgainstRichnessView, "width": AgainstWidthView}  # noqa: RUF012
    options = ("against",)
    against = param.Selector(objects=list(kinds), doc="What kernel movement is shown against.", label="Against")
    needs_training = False
