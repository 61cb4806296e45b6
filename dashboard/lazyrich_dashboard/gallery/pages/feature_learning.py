"""Yang & Hu: a parametrization with a limit of infinite width learns features or is a kernel method, never both."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import param
import xarray as xr

import lazyrich as lr

from ...marks import Axis, Part
from ...views import abc_plane
from ...views.abc_plane import HIDDENS, OUTPUTS, READOUTS, Choice
from ...views.base import Range, mean_with_error, nothing
from ..base import GalleryPage, Panel, Picture, measured
from ..checks import Check

_WIDTHS = (64, 128, 256, 512, 1024)
_ALL_WIDTHS = (64, 256, 1024)
_SEEDS = 16
_STEPS = 3
_RATE = 0.3
_DEPTH = 2
# A few steps and finite widths leave the slopes this far from -r.
_ALLOWED = 0.1
_CHECKED = {
    "mup": Choice(1, 0, 1),
    "ntk": Choice(0.5, 1, 1),
    "halfway": Choice(0.75, 0.5, 1),
    "slow": Choice(1, 0.5, 1),
}


def _check(choice: Choice, widths: tuple[int, ...]) -> xr.Dataset:
    """Return the coordinate check of networks in a parametrization."""
    net = lr.Network(_DEPTH, widths[0], "tanh", 1.0, 0.0, choice.exponents(_DEPTH))
    data = lr.load_data("sphere", n_train=16, n_test=1)
    return lr.coordinate_check(net, data, widths=widths, steps=_STEPS, learning_rate=_RATE, seeds=_SEEDS)


class FeatureLearning(GalleryPage):
    """The map of parametrizations, and how far the features of one move at several widths."""

    title = "Feature learning in infinite-width networks"
    paper = "Yang & Hu, Tensor Programs IV, ICML 2021"
    year = 2020
    url = "https://arxiv.org/abs/2011.14522"
    claim = (
        "As the width grows every stable parametrization that learns at all either learns features or is a kernel "
        "method: features move as N to the power of -r, with r from its exponents, and r = 0 alone learns them."
    )
    look_for = (
        "* Drag the diamond, or move the sliders. Below the shaded region training explodes; inside it r > 0 and the "
        "kernel stands still; features are learned on the thick edge alone.\n"
        "* From **ntk** along the lower edge to **mup** the slope of the coordinate check goes from -1/2 to 0.\n"
        "* Give the readout another exponent than 1: above, the output hardly moves (trivial); below, it explodes."
    )
    topics = ("feature learning", "kernel regime", "parametrization", "infinite width", "muP")
    panels = (
        Panel("map", "The map of parametrizations", abc_plane.PARTS, abc_plane.X, abc_plane.Y),
        Panel(
            "check",
            "Coordinate check: do features move at every width?",
            (
                Part("networks: error", "segments", "trained", legend=False),
                Part("theory, N to the power of -r", "line", "theory"),
                Part("fitted slope", "dashes", "trained"),
                Part("networks", "points", "trained"),
            ),
            Axis("width N", log=True),
            Axis(f"features' movement in {_STEPS} steps, over that at N = {_WIDTHS[0]}", log=True),
        ),
    )
    draggable = ("map", abc_plane.POINT)
    output = param.Number(1.0, bounds=OUTPUTS, step=abc_plane.STEP, label="Output: readout's a + b",
                          doc="The output is of the size N^(1/2 - this) at the start.")  # fmt: skip
    hidden = param.Number(0.0, bounds=HIDDENS, step=abc_plane.STEP, label="Hidden: c + min(2a₁ + 1, 2a₂)",
                          doc="The larger, the less hidden layers are trained.")  # fmt: skip
    readout = param.Number(1.0, bounds=READOUTS, step=0.1, label="Readout: 2a + c",
                           doc="At 1 training the readout alone moves the output.")  # fmt: skip
    experiment = lr.Experiment(
        data=lr.DataSpec("digits", n_train=128, n_test=256),
        network=lr.Network(depth=2, width=256, activation="relu", weight_var=2.0, bias_var=0.0, parametrization="mup"),
        training=lr.TrainingSpec(time=100.0, seeds=3, checkpoints=24, ntk_points=128),
    )

    def dragged(self, x: float, y: float) -> dict[str, float]:
        """Return the nearest values that the sliders take."""
        return {"output": abc_plane.snapped(x, OUTPUTS), "hidden": abc_plane.snapped(y, HIDDENS)}

    @property
    def choice(self) -> Choice:
        """The parametrization on screen, on the grid that its boundaries lie on."""
        return Choice(*(round(value, 9) for value in (self.output, self.hidden, self.readout)))

    def predict(self) -> Picture:
        """Return the map, the choice on it, and the law of its movement."""
        verdict = self.choice.verdict
        law: dict[str, Any] = nothing()
        if verdict.stable:
            x = np.array([_WIDTHS[0], _WIDTHS[-1]], np.float64)
            law = {"x": x, "y": (x / x[0]) ** -verdict.r}
        columns = {
            "map": {**abc_plane.plane(self.choice.readout), abc_plane.POINT: self.choice.columns},
            "check": {"theory, N to the power of -r": law},
        }
        return Picture(columns, {"r": verdict.r})

    def measure(self) -> Iterator[Picture]:
        """Yield the coordinate check."""
        run = _check(self.choice, _WIDTHS)
        moved = run.movement.isel(layer=-1).values
        mean, error = mean_with_error((moved / moved[0].mean()).T)
        x = np.array(_WIDTHS, np.float64)
        slope, stderr = float(run.slope[-1]), float(run.slope_stderr[-1])
        line = np.exp(np.log(mean).mean() + slope * (np.log(x) - np.log(x).mean()))
        columns = {**measured("networks", x, mean, error, 0.1 * mean), "fitted slope": {"x": x, "y": line}}
        yield Picture({"check": columns}, {"slope": slope, "slope error": stderr})

    def ranges(self, panel: Panel, columns: Any) -> tuple[Range, Range]:
        """Return all of the map, and of the check at least a factor of 2 in movement."""
        if panel.name == "map":
            return OUTPUTS, HIDDENS
        x, (low, high) = super().ranges(panel, columns)
        return x, (min(low, 0.7), max(high, 1.4))

    def summary(self, picture: Picture) -> str:
        """Say what becomes of the choice, and what its networks do."""
        words = self.choice.sentence
        if "slope" not in picture.numbers:
            return f"{words[:-1]}; networks are trained when the controls rest."
        slope, error, r = (picture.numbers[name] for name in ("slope", "slope error", "r"))
        expected = f"; expected {-r + 0.0:.2g}" if self.choice.verdict.stable else ""
        return (
            f"{words[:-1]}. {_SEEDS} networks at each width: slope {round(slope, 2) + 0.0:.2f} ± {error:.2f}{expected}."
        )

    @classmethod
    def check(cls) -> Check:
        """Compare the slopes of four parametrizations over widths from 64 to 1024 with -r."""
        found, words, holds = {}, [], True
        for name, choice in _CHECKED.items():
            run, r = _check(choice, _ALL_WIDTHS), choice.verdict.r
            slope, stderr = float(run.slope[-1]), float(run.slope_stderr[-1])
            found |= {f"slope_{name}": slope, f"slope_{name}_stderr": stderr}
            words.append(f"{round(slope, 2) + 0.0:.2f} ± {stderr:.2f} ({name}, expected {-r + 0.0:g})")
            holds &= abs(slope + r) < _ALLOWED and stderr < _ALLOWED / 2
            holds &= run.attrs["verdict"] == choice.verdict.regime.replace(" regime", "")
        return Check(
            holds, f"Features move with the slopes {', '.join(words)} over widths from 64 to {_ALL_WIDTHS[-1]}.", found
        )
