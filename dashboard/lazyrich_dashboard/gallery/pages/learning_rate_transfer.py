"""Noci et al.: learning rates transfer over widths where the sharpness does: in muP, not in the NTK parametrization."""

import dataclasses
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import param

import lazyrich as lr

from ...marks import Axis, Part
from ...numerals import numeral
from ...views.base import Range, mean_with_error
from ..base import GalleryPage, Panel, Picture, at, measured
from ..checks import Check
from ..experiments.learning_rate_transfer import (
    RATE_STEPS,
    RATES,
    STEPS,
    best_rate,
    check,
    experiment_of,
    losses,
    rises_of,
)

_WIDTHS = {32: "initial", 96: "train", 256: "test"}


def _parts(kind: str) -> tuple[Part, ...]:
    return tuple(
        part
        for width, role in _WIDTHS.items()
        for part in (
            Part(f"N = {width}: error", "segments", role, legend=False),
            Part(f"N = {width}: {kind}", "line", role, legend=False),
            Part(f"N = {width}", "points", role),
        )
    )


class LearningRateTransfer(GalleryPage):
    """Sharpness against step, and loss against learning rate, at three widths."""

    title = "Why do learning rates transfer?"
    paper = "Noci, Meterez, Hofmann & Orvieto, Super consistency of neural network landscapes, NeurIPS 2024"
    year = 2024
    url = "https://arxiv.org/abs/2402.17457"
    claim = (
        "In muP the sharpness follows one curve at every width, and the best learning rate is that of a narrow "
        "network; in the NTK parametrization the sharpening dies with the width, and the best learning rate moves."
    )
    look_for = (
        "* Left: in **mup** the curves of all widths lie on one another and rise; in **ntk** the wide network's "
        "stays at the value of the infinitely wide kernel.\n"
        "* Right: in **mup** the minima stand above one another; in **ntk** the wide network takes larger steps.\n"
        "* Raise η to 2 or 4: the sharpness climbs to the edge 2/η and stays about it.\n"
        "* Raise γ₀ in **ntk**: more sharpening, at small widths first."
    )
    topics = ("learning rate transfer", "sharpness", "edge of stability", "muP", "parametrization")
    panels = (
        Panel(
            "sharpness",
            "Sharpness while training",
            (
                *_parts("curve"),
                Part("N = ∞: λ₁(Θ)/n", "dashes", "theory"),
                Part("edge 2/η", "line", "guide"),
            ),
            Axis("step + 1", log=True),
            Axis("sharpness: largest eigenvalue of the Hessian", log=True),
        ),
        Panel(
            "rates",
            f"Training loss after {RATE_STEPS} steps",
            (*_parts("curve"), Part("2n/λ₁(Θ)", "rule", "theory")),
            Axis("learning rate η", log=True),
            Axis("training loss (geometric mean over networks)", log=True),
        ),
    )
    parametrization = param.Selector(default="mup", objects=["mup", "ntk"], label="Parametrization",
                                     doc="How the output scales with width: rich (mup) or lazy (ntk).")  # fmt: skip
    rate = param.Number(1.0, bounds=(0.25, 4), label="Step η (left)", doc="Learning rate of the sharpness on the left.")
    richness = param.Number(1.0, bounds=(0.25, 2), label="Richness γ₀", doc="Small is lazy, large is rich.")
    steps: ClassVar = {"rate": [0.25, 0.5, 1.0, 2.0, 4.0], "richness": [0.25, 0.5, 1.0, 2.0]}
    experiment = dataclasses.replace(
        experiment_of("mup", 1.0, 1.0), training=lr.TrainingSpec(time=300.0, learning_rate=1.0, seeds=3)
    )

    @property
    def _spec(self) -> lr.Experiment:
        return experiment_of(str(self.parametrization), self.rate, self.richness)

    def predict(self) -> Picture:
        """Return the top eigenvalue of the infinitely wide network's kernel at the start, and what follows from it."""
        spec = self._spec
        kernel = np.asarray(lr.ntk(spec.network, spec.load_data().x_train))
        top = float(np.linalg.eigvalsh(kernel)[-1]) / len(kernel)
        x = np.array([1.0, STEPS + 1.0])
        sharpness = {
            "N = ∞: λ₁(Θ)/n": {"x": x, "y": np.full(2, top)},
            "edge 2/η": {"x": x, "y": np.full(2, 2 / self.rate)},
        }
        return Picture({"sharpness": sharpness, "rates": {"2n/λ₁(Θ)": at(2 / top)}}, {"top": top})

    def measure(self) -> Iterator[Picture]:
        """Yield the sharpness of one width after the other, then the losses."""
        spec = self._spec
        for width in _WIDTHS:
            run, rises = rises_of(spec, width, spec.training.checkpoints)
            values = run.sharpness.isel(width=0).transpose("network", "step").values
            kept = np.isfinite(values).all(axis=0)  # what has diverged has none
            rise, error = mean_with_error(rises)
            numbers = {f"rise {width}": float(rise), f"rise error {width}": float(error)} if kept.all() else {}
            columns = self._curve(width, run.step.values[kept] + 1.0, *mean_with_error(values[:, kept]))
            yield Picture({"sharpness": columns}, numbers)
        for width in _WIDTHS:
            run = losses(spec, width)
            values = run.final_loss.isel(width=0).transpose("network", "learning_rate").values
            kept = (np.nan_to_num(values, nan=np.inf) < 1.0).all(axis=0)  # the loss of a constant is about 1/2
            mean, error = mean_with_error(np.log(values[:, kept]))
            best, best_error = best_rate(run)
            columns = self._curve(width, run.learning_rate.values[kept], np.exp(mean), np.exp(mean) * error)
            yield Picture({"rates": columns}, {f"best {width}": best, f"best error {width}": best_error})

    @staticmethod
    def _curve(width: int, x: np.ndarray, mean: np.ndarray, error: np.ndarray) -> dict[str, Any]:
        points = measured(f"N = {width}", x, mean, error, 0.5 * mean)
        return {**points, f"N = {width}: curve": {"x": x, "y": mean}}

    def ranges(self, panel: Panel, columns: Any) -> tuple[Range, Range]:
        """Return all learning rates, whether or not they have been measured."""
        x, y = super().ranges(panel, columns)
        return ((0.9 * RATES[0], 1.1 * RATES[-1]), y) if panel.name == "rates" else (x, y)

    def summary(self, picture: Picture) -> str:
        """Compare the widths there are."""
        numbers = picture.numbers
        words = f"In {self.parametrization} with γ₀ = {self.richness:g}"
        rises = [
            f"{numbers[f'rise {width}']:.3f} ± {numbers[f'rise error {width}']:.3f} (N = {width})"
            for width in _WIDTHS
            if f"rise {width}" in numbers
        ]
        if not rises:
            return f"{words}, the infinitely wide kernel has a sharpness of {numeral(numbers['top'])} at the start."
        words += f" and η = {self.rate:g} the sharpness rises by {', '.join(rises)} in {STEPS} steps"
        best = [
            f"{2 ** numbers[f'best {width}']:.2g} ×÷ {2 ** numbers[f'best error {width}']:.2g} (N = {width})"
            for width in _WIDTHS
            if f"best {width}" in numbers
        ]
        return f"{words}; best learning rates: {', '.join(best)}." if best else f"{words}."

    @classmethod
    def check(cls) -> Check:
        """Fit the sharpness's rise against the width, and compare best learning rates, in both parametrizations."""
        return check()
