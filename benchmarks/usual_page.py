"""The default page's four plots written the usual way: `pn.bind`, and HoloViews objects made anew at each move.

`python -m benchmarks.usual_page PORT` serves them at /usual, beside our own page at /lazyrich, in one process that is
set up as that of `lazyrich serve` is.
"""

import dataclasses
import sys

import panel as pn

from lazyrich_dashboard import create_app, housekeeping, link
from lazyrich_dashboard.commands.serve import share_the_cores
from lazyrich_dashboard.results import Snapshot, theory
from lazyrich_dashboard.views import KernelMovementView, SpectrumView, TrainingView
from lazyrich_dashboard.views.function_space import ModesView
from lazyrich_dashboard.warm import warm_preset


def create_usual_page() -> pn.Column:
    """Return a slider of the depth above the four plots."""
    pn.extension()
    experiment, _ = link.decode(pn.state.location.search if pn.state.location else "")
    depth = pn.widgets.IntSlider(name="Depth L", start=1, end=12, value=experiment.network.depth)
    views = SpectrumView(), TrainingView(), ModesView(), KernelMovementView()

    def snapshot(depth: int) -> Snapshot:
        network = dataclasses.replace(experiment.network, depth=depth)
        return Snapshot(theory(dataclasses.replace(experiment, network=network)), (), 1.0)

    plots = [pn.bind(lambda depth, view=view: view.plot(snapshot(depth)), depth) for view in views]
    panes = [pn.panel(plot, width=500, height=260) for plot in plots]
    return pn.Column(depth, pn.Row(*panes[:2]), pn.Row(*panes[2:]))


if __name__ == "__main__":
    share_the_cores()
    warm_preset()
    housekeeping.start(lambda: None)
    pages = {"lazyrich": create_app, "usual": create_usual_page}
    port = int(sys.argv[1])
    pn.serve(pages, port=port, show=False, websocket_origin=[f"localhost:{port}"])
