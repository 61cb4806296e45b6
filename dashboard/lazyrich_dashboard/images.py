r"""Images of kernel modes: what a mode of a kernel on images looks at.

Mode i is an eigenvector $v_i$ over the training points. Its picture is $\sum_j v_{ij} x_j$, the image whose inner
product with a digit comes closest to the mode among linear functions up to the data's covariance.
"""

import math
from typing import Any, cast

import holoviews as hv
import numpy as np
import panel as pn
from bokeh.models import ColumnDataSource
from bokeh.plotting import figure as Figure

from .figure_pane import FigurePane
from .figures import drawn_once, named_renderers, rendered, slim
from .labels import USUAL, resize_labels
from .results import Theory
from .theme import Tokens

MODES = 3
_GAP = 3
# Of an image on screen, and where the words below it are larger.
_PIXEL, _LARGE_PIXEL = 6, 7


def are_images(theory: Theory) -> bool:
    """Return whether the data are images, and enough for first and last modes."""
    return theory.data.name == "digits" and theory.n >= 2 * MODES


def mode_images(theory: Theory) -> np.ndarray:
    """Return pictures of the first and last `MODES` modes, (2, MODES, side, side)."""
    side = math.isqrt(theory.data.in_dim)
    vectors = theory.spectrum.vectors
    chosen = np.stack([vectors[:, :MODES].T, vectors[:, -MODES:].T])
    images = (chosen @ theory.data.x_train).reshape(2, MODES, side, side)
    return images / np.abs(images).max(axis=(2, 3), keepdims=True)


def learned_words(theory: Theory, time: float) -> dict[str, Any]:
    """Return how much of those modes has been learned by a time, as columns of labels under their pictures."""
    side, decay = math.isqrt(theory.data.in_dim), np.asarray(theory.flow.decay(time))
    learned = 1 - np.concatenate([decay[:MODES], decay[-MODES:]])
    return {
        "x": np.tile(np.arange(MODES) * (side + _GAP) + side / 2, 2),
        "y": np.repeat([float(side + _GAP), 0.0], MODES),
        "text": [f"{100 * value:.0f} %" for value in learned],
    }


def mosaic(images: np.ndarray) -> np.ndarray:
    """Return the pictures in rows and columns with gaps of NaN; the first row on top when drawn upwards."""
    rows, columns, side, _ = images.shape
    step = side + _GAP
    result = np.full((rows * step - _GAP, columns * step - _GAP), np.nan)
    for r in range(rows):
        for c in range(columns):
            top = (rows - 1 - r) * step
            result[top : top + side, c * step : c * step + side] = images[r, c, ::-1]
    return result


@drawn_once
def _empty_mosaic() -> Figure:
    """Return a figure whose parts are called image and words."""
    example = mosaic(np.zeros((2, MODES, 8, 8)))
    height, width = example.shape
    labels = hv.Labels(([0.0], [0.0], [""]), ["x", "y"], "text")
    image = hv.Image(example, bounds=(0, 0, width, height)).opts(
        cmap="RdBu_r", clim=(-1, 1), clipping_colors={"NaN": "transparent"}
    )
    labels = labels.opts(text_font_size=f"{USUAL}px", text_color="#808080", text_baseline="top")
    overlay = hv.Overlay([image, labels]).opts(
        xaxis=None,
        yaxis=None,
        toolbar=None,
        show_frame=False,
        frame_width=_PIXEL * width,
        frame_height=_PIXEL * (height + 4),
        xlim=(-1, width + 1),
        ylim=(-3.5, height + 0.5),
    )
    plot = rendered(cast(hv.Overlay, overlay))
    # Axes that are not shown are left out, and with them their grids.
    plot.state.update(outline_line_width=0, sizing_mode=None, output_backend="canvas", left=[], below=[], center=[])
    for name, part in zip(("image", "words"), plot.subplots.values(), strict=True):
        part.handles["glyph_renderer"].name = name
    slim(plot.state)
    return plot.state


class ModeImages:
    """The mosaic on screen, with the learned fraction under each picture."""

    def __init__(self):
        """Start with an empty mosaic."""
        self.figure = _empty_mosaic()
        parts = named_renderers(self.figure)
        self._image, self.words = (cast(ColumnDataSource, parts[name].data_source) for name in ("image", "words"))
        # Hidden by a layout around it: the figure's own visibility would override the pane's.
        self.pane = pn.Column(FigurePane(self.figure), visible=False)

    def resize(self, tokens: Tokens) -> None:
        """Write the words in the size of the tokens, and give them the room they need."""
        resize_labels(self.figure, tokens)
        pixel = _LARGE_PIXEL if tokens.font else _PIXEL
        height, width = mosaic(np.zeros((2, MODES, 8, 8))).shape
        self.figure.update(frame_width=pixel * width, frame_height=pixel * (height + 4))

    def show(self, images: np.ndarray, words: dict[str, Any]) -> None:
        """Show the pictures and how much of each mode has been learned."""
        self._image.data = {**cast(dict[str, Any], self._image.data), "image": [mosaic(images).astype(np.float32)]}
        self.words.data = words
