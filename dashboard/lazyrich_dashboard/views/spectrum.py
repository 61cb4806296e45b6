"""Spectrum: how fast do the eigenvalues of the kernel decay, and do finite networks share them?"""

from functools import cached_property

import numpy as np
import panel as pn

import lazyrich as lr

from ..live import padded
from ..marks import Axis, Columns, Part
from ..mode_probe import ModeProbe
from ..numerals import numeral
from ..results import Frame, Snapshot
from ..widgets import put
from .base import Range, View, nothing


class SpectrumView(View):
    r"""Eigenvalues of Theta/n against their rank: infinite width, and finite networks before and during training."""

    title = "Spectrum"
    question = "How fast do the kernel's eigenvalues decay?"
    x = Axis("rank i", log=True)
    y = Axis("eigenvalue of Θ/n  (1/time)", log=True)
    parts = (
        Part("nets, t = 0", "points", "initial"),
        Part("nets, now", "rings", "trained"),
        Part("theory", "line", "theory"),
        Part("power law", "dashes", "guide"),
        Part("mode", "diamonds", "mode", legend=False),
    )
    pinnable = ("theory",)

    @cached_property
    def probe(self) -> ModeProbe:
        """What chooses a mode."""
        probe = ModeProbe(self.live.figure)
        probe.param.watch(lambda event: self.param.update(wish={"mode": event.new}), "mode")
        return probe

    def _contents(self) -> list[pn.viewable.Viewable]:
        return [*super()._contents(), self.probe]

    def update(self, snapshot: Snapshot) -> None:
        """Show a snapshot."""
        put(self.probe, count=snapshot.theory.modes.count, mode=snapshot.mode)
        super().update(snapshot)

    def columns(self, snapshot: Snapshot) -> Columns:
        """Return ranks and eigenvalues; those at the level of rounding are left out."""
        theory, spectrum = snapshot.theory, snapshot.theory.spectrum
        values = spectrum.values[spectrum.values > spectrum.resolution]
        fit = nothing()
        if isinstance(theory.fit, lr.PowerLaw):
            ends = np.array([theory.fit.first, theory.fit.last], dtype=float)
            fit = {"x": ends, "y": theory.fit(ends) / theory.n}
        frames = {
            "nets, t = 0": snapshot.frames[0] if snapshot.frames else None,
            "nets, now": snapshot.frame,
        }
        return {
            "theory": {"x": np.arange(1.0, len(values) + 1), "y": values / theory.n},
            "power law": fit,
            **self.of_mode(snapshot),
            **{label: nothing() if frame is None else _mean_spectrum(frame) for label, frame in frames.items()},
        }

    def of_mode(self, snapshot: Snapshot) -> Columns:
        """Return the place of the mode on the line of the theory."""
        modes, number = snapshot.theory.modes, snapshot.mode
        if not 1 <= number <= modes.count:
            return {"mode": nothing()}
        return {"mode": {"x": np.array([float(number)]), "y": modes.rates[[number - 1]]}}

    def clock(self, snapshot: Snapshot) -> Frame | None:
        """Return the checkpoint: only the networks' eigenvalues change with time."""
        return snapshot.frame

    def ranges(self, snapshot: Snapshot, columns: Columns) -> tuple[Range, Range]:
        """Return all ranks, and the eigenvalues of theory and networks."""
        fixed = [columns[label]["y"] for label in ("theory", "power law")]
        networks = [_mean_spectrum(frame)["y"] for frame in snapshot.frames if frame.is_finite]
        y = padded([*fixed, *networks], log=True)
        return padded([np.array([1.0, snapshot.theory.n])], log=True), y

    def summary(self, snapshot: Snapshot) -> str:
        """Say the exponent, its window and the conditioning; of a mode that is chosen, what it has of the loss."""
        if 1 <= snapshot.mode <= snapshot.theory.modes.count:
            return _words_of(snapshot)
        theory, spectrum = snapshot.theory, snapshot.theory.spectrum
        fit = theory.fit
        decay = (
            f"Eigenvalues fall as i^-α with α = {fit.exponent:.2f} ± {fit.stderr:.2f} (ranks {fit.first} to {fit.last})"
            if isinstance(fit, lr.PowerLaw)
            else f"No exponent: {fit.partition('. ')[0]}"
        )
        condition = numeral(spectrum.condition, 2) if np.isfinite(spectrum.condition) else "infinite (to rounding)"
        return f"{decay}; condition number {condition}; effective rank {spectrum.effective_rank:.1f} of {theory.n}."


def _words_of(snapshot: Snapshot) -> str:
    modes, number, t = snapshot.theory.modes, snapshot.mode, snapshot.time
    rate = modes.rates[number - 1]
    learned = 100 * (1 - snapshot.theory.flow.decay(t)[number - 1])
    share = 100 * modes.shares(np.array([t]))[0, number - 1]
    of_loss = "under 0.1" if share < 0.1 else numeral(share, 2) if share < 9.95 else f"{share:.0f}"
    return (
        f"Mode {number} has the eigenvalue {numeral(rate)} and the time scale {numeral(1 / rate)}. "
        f"At t = {numeral(t)}, {numeral(learned)} % of it has been learned, and {of_loss} % of the train loss "
        "that is left is its own."
    )


def _mean_spectrum(frame: Frame) -> dict[str, np.ndarray]:
    mean = frame.spectrum.mean(axis=0)
    ranks = np.arange(1.0, len(mean) + 1)
    # Single precision resolves a finite network's eigenvalues to about this fraction of the largest.
    kept = mean > 1e-6 * mean[0]
    return {"x": ranks[kept], "y": mean[kept]}
