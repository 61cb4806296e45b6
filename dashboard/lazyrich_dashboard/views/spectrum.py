"""Spectrum: how fast do the eigenvalues of the kernel decay, and do finite networks share them?"""

import numpy as np

import lazyrich as lr

from ..live import padded
from ..marks import Axis, Columns, Part
from ..results import Frame, Snapshot
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
    )
    pinnable = ("theory",)

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
            **{label: nothing() if frame is None else _mean_spectrum(frame) for label, frame in frames.items()},
        }

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
        """Say the exponent, its window and the conditioning."""
        theory, spectrum = snapshot.theory, snapshot.theory.spectrum
        fit = theory.fit
        decay = (
            f"Eigenvalues fall as i^-α with α = {fit.exponent:.2f} ± {fit.stderr:.2f} (ranks {fit.first} to {fit.last})"
            if isinstance(fit, lr.PowerLaw)
            else f"No exponent: {fit.partition('. ')[0]}"
        )
        condition = f"{spectrum.condition:.2g}" if np.isfinite(spectrum.condition) else "infinite (to rounding)"
        return f"{decay}; condition number {condition}; effective rank {spectrum.effective_rank:.1f} of {theory.n}."


def _mean_spectrum(frame: Frame) -> dict[str, np.ndarray]:
    mean = frame.spectrum.mean(axis=0)
    ranks = np.arange(1.0, len(mean) + 1)
    # Single precision resolves a finite network's eigenvalues to about this fraction of the largest.
    kept = mean > 1e-6 * mean[0]
    return {"x": ranks[kept], "y": mean[kept]}
