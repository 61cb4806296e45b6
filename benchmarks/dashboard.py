"""Dashboard: an update of all views beside a HoloViews redraw, and the theory beside its eigendecomposition."""

from collections.abc import Iterator

import holoviews as hv
import numpy as np

import lazyrich as lr
from benchmarks.timing import Row, compare
from lazyrich_dashboard.results import Snapshot, _compute_theory, theory
from lazyrich_dashboard.state import PRESET
from lazyrich_dashboard.views import KernelMovementView, SpectrumView, TrainingView


def rows() -> Iterator[Row]:
    result = theory(PRESET)
    snapshot = Snapshot(result, (), 1.0)
    views = (SpectrumView(), TrainingView(), KernelMovementView())
    renderer = hv.renderer("bokeh")
    yield compare(
        "update of three views, patched",
        lambda: [view.update(snapshot) for view in views],
        "drawn anew by HoloViews",
        lambda: [renderer.get_plot(view.plot(snapshot)) for view in views],
    )
    kernel = np.asarray(lr.ntk(PRESET.network, result.data.x_train))
    yield compare(
        f"theory of a move, n = {result.n}, not cached",
        lambda: _compute_theory(PRESET).test_loss,
        "its eigendecomposition alone",
        lambda: lr.eigensystem(kernel).values,
    )
