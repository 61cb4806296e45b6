"""Bahri et al.: test errors fall as powers of points and of features, with exponents that one of four regimes sets."""

from collections.abc import Iterator

import numpy as np
import param

from ...marks import Axis, Columns, Part
from ...views.base import mean_with_error
from ..base import GalleryPage, Panel, Picture, measured
from ..checks import Check
from ..experiments.scaling_laws import (
    FEW,
    LIMITS,
    POINTS,
    POOL_SIZES,
    SIZES,
    Spectrum,
    check,
    fitted_exponent,
    measure,
    measure_on_points,
    spectrum_of,
    theory,
)

_GRIDS = {name: np.geomspace(sizes[0], sizes[-1], 13) for name, sizes in SIZES.items()}


def _parts(more: tuple[Part, ...] = ()) -> tuple[Part, ...]:
    parts = tuple(
        part
        for limit, role in zip(LIMITS, ("train", "test"), strict=True)
        for part in (
            Part(f"{limit}: error", "segments", role, legend=False),
            Part(f"{limit}: theory", "line", role, legend=False),
            Part(limit, "points", role),
        )
    )
    return (*parts, Part("law", "dashes", "guide"), *more)


class ScalingLaws(GalleryPage):
    """Test error against points and features: where their number resolves the spectrum, where it sets a variance."""

    title = "Explaining neural scaling laws"
    paper = "Bahri, Dyer, Kaplan, Lee & Sharma, PNAS 121 (2024); arXiv 2021"
    year = 2021
    url = "https://arxiv.org/abs/2102.06701"
    claim = (
        "With plenty of one, the test error falls with the other of points and features as the power of the kernel's "
        "spectrum, alike in both; with little of one, what is left over its limit falls as one over the other."
    )
    look_for = (
        "* Left, resolution-limited: both curves have the spectrum's exponent α; move it, and both slopes follow.\n"
        "* Right, variance-limited: the slope is -1 whatever the spectrum.\n"
        "* **digits**: the exponent is fitted to the kernel's eigenvalues, and the learning curve on the images "
        "themselves has it, too.\n"
        "* The lines are exact predictions for these sizes; dashes are the laws they tend to."
    )
    topics = ("scaling laws", "learning curves", "random features", "spectrum")
    panels = (
        Panel(
            "resolution",
            "Resolution-limited: plenty of the other",
            _parts((
                Part(f"{POINTS}: error", "segments", "trained", legend=False),
                Part(POINTS, "diamonds", "trained"),
            )),
            Axis("points n, or features k", log=True),
            Axis("test error", log=True),
        ),
        Panel(
            "variance",
            f"Variance-limited: {FEW} of the other",
            _parts(),
            Axis("points n, or features k", log=True),
            Axis("test error beyond its limit", log=True),
        ),
    )  # fmt: skip
    spectrum = param.Selector(default="power law", objects=["power law", "digits"], label="Spectrum",
                              doc="Eigenvalues that are a power law, or those of the kernel of digits.")  # fmt: skip
    exponent = param.Number(1.0, bounds=(0.4, 2), step=0.1, label="Exponent α of the power law",
                            doc="Eigenvalues are i^-(1 + α).")  # fmt: skip

    @property
    def _chosen(self) -> Spectrum:
        return spectrum_of(str(self.spectrum), round(self.exponent, 6) if self.spectrum == "power law" else 0.0)

    def predict(self) -> Picture:
        """Return the exact curves and their laws."""
        known, columns = self._chosen, {}
        for regime, x in _GRIDS.items():
            curves = {f"{limit}: theory": {"x": x, "y": theory(known, regime, limit, x)} for limit in LIMITS}
            start = 1.5 * max(curve["y"][0] for curve in curves.values())
            power = known.exponent if regime == "resolution" else 1.0
            columns[regime] = {**curves, "law": {"x": x, "y": start * (x / x[0]) ** -power}}
        return Picture(columns, {"exponent": known.exponent})

    def measure(self) -> Iterator[Picture]:
        """Yield one regime after the other."""
        known = self._chosen
        for regime, sizes in SIZES.items():
            runs = {limit: measure(known, regime, limit) for limit in LIMITS}
            if regime == "resolution" and known.kernel is not None:
                runs[POINTS] = measure_on_points(known)
            for limit, errors in runs.items():
                yield _picture(regime, limit, POOL_SIZES if limit == POINTS else sizes, errors)

    def summary(self, picture: Picture) -> str:
        """Compare the fitted exponents with the expected ones."""
        numbers = picture.numbers
        told = {"resolution": [], "variance": []}
        for name in numbers:
            regime, _, limit = name.partition(" ")
            if regime in told and not limit.endswith("stderr"):
                told[regime].append(f"{numbers[name]:.2f} ± {numbers[f'{name}_stderr']:.2f} in {limit}")
        words = f"The spectrum's exponent is α = {numbers['exponent']:.2f}"
        if not told["resolution"]:
            return f"{words}; errors are measured when the controls rest."
        words += f"; resolution-limited errors have slopes of {', '.join(told['resolution'])} (expected -α)"
        if told["variance"]:
            words += f", variance-limited ones of {', '.join(told['variance'])} (expected -1)"
        return f"{words}."

    @classmethod
    def check(cls) -> Check:
        """Fit the exponents of the four regimes on a power law, and of the learning curve on digits."""
        return check()


def _picture(regime: str, limit: str, sizes: tuple[int, ...], errors: np.ndarray) -> Picture:
    """Return the mean errors with their standard errors, and their slope."""
    mean, error = mean_with_error(errors.T)
    drawn = mean > 0
    slope, stderr = fitted_exponent(sizes, errors)
    points: Columns = measured(limit, np.array(sizes)[drawn], mean[drawn], error[drawn], 0.3 * mean[drawn])
    return Picture({regime: points}, {f"{regime} {limit}": slope, f"{regime} {limit}_stderr": stderr})
