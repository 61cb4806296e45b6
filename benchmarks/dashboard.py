"""Dashboard: an update of all views beside a HoloViews redraw, the theory beside its eigendecomposition, and time that
plays in a real Chromium beside the interval of 30 frames a second.
"""

from collections.abc import Iterator

import holoviews as hv
import numpy as np
from playwright.sync_api import Page, sync_playwright

import lazyrich as lr
from benchmarks.timing import Row, compare
from lazyrich_dashboard.results import Snapshot, _compute_theory, frames, theory
from lazyrich_dashboard.state import PRESET
from lazyrich_dashboard.timeline import timeline
from lazyrich_dashboard.views import KernelMovementView, SpectrumView, TrainingView
from lazyrich_dashboard.views.function_space import ModesView
from tests.browser.chromium import find_chromium
from tests.browser.server import serve

_INTERVAL = 1e3 / 30
_PLAYS = 5
# Milliseconds between paints of the figure whose curve moves with every frame, while time plays from start to end; and
# from the click on pause to the last of them.
_PAINTS = """async () => {
  const models = Array.from(Bokeh.documents[0]._all_models.values());
  const figure = models.find(model => model.type == 'Figure' && model.name == 'Function');
  const view = Bokeh.index.find_one(figure), paint = view.paint, painted = [];
  view.paint = (...mode) => { paint.apply(view, mode); painted.push(performance.now()); };
  const source = figure.renderers.find(renderer => renderer.name == 'theory').data_source;
  let changed = 0;
  source.properties.data.change.connect(() => changed = performance.now());
  const find = (root, name) => [...root.querySelectorAll('*')].reduce((found, element) => found
    ?? (element.ariaLabel == name ? element : element.shadowRoot && find(element.shadowRoot, name)), null);
  const wait = seconds => new Promise(end => setTimeout(end, 1e3 * seconds));
  find(document, 'Jump to the first step').click();
  await wait(1);
  painted.length = 0;
  find(document, 'Play').click();
  await wait(3);
  const paused = performance.now();
  find(document, 'Pause').click();
  await wait(0.04);  // the server is told later
  const stopped = Math.max(changed, painted.at(-1)) - paused;
  await wait(1);
  view.paint = paint;
  return [painted.filter(at => at < paused), stopped];
}"""


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
    snapshot = Snapshot(result, tuple(frames(PRESET)), 1.0)
    shown = (*views, ModesView())
    yield compare(
        "timelines of four views, off the event loop",
        lambda: [timeline(view, snapshot) for view in shown],
        "one update of them",
        lambda: [view.update(snapshot) for view in shown],
    )
    yield from _playing()


def _playing() -> Iterator[Row]:
    with serve() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(find_chromium()), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.goto(address)
        page.get_by_text("trained", exact=False).first.wait_for(timeout=120_000)
        plays = [_play(page) for _ in range(_PLAYS)]
        browser.close()
    intervals = np.concatenate([np.diff(painted) for painted, _ in plays])
    yield Row("between two paints while time plays, mean", float(intervals.mean()), "30 a second", _INTERVAL)
    yield Row("the same, 95th percentile", float(np.quantile(intervals, 0.95)), "30 a second", _INTERVAL)
    stops = [max(stopped, 0.0) for _, stopped in plays]
    yield Row("from pause to the last paint, largest", max(stops), "one frame", _INTERVAL)


def _play(page: Page) -> tuple[list[float], float]:
    page.wait_for_timeout(2_000)  # the server and the networks' timelines come to rest
    painted, stopped = page.evaluate(_PAINTS)
    return painted, stopped
