"""From a key that moves a slider to the plots painted anew, in a real Chromium, beside the page written the usual way.

Both pages show the same four plots of the same experiment, from one server process. Every move is to an experiment that
has not been computed before: each pass over the slider has a seed of its own.
"""

import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Locator, Page, sync_playwright

from benchmarks.timing import Note, Row
from tests.browser.chromium import find_chromium
from tests.browser.reading import wait_until_open
from tests.browser.server import free_port, is_up

_PASSES = 3
_MOVES = 10  # from depth 2 on, a layer each
_FIGURES = 4
# Sums of all that the figures show: after a move all are new. Replaced figures stay among the models for a while.
_WATCH = """() => {
  const figures = () => [...Bokeh.documents[0]._all_models.values()].filter(model => model.type == 'Figure');
  const sum = values => Array.from(values ?? []).reduce((sum, v) => sum + (Number.isFinite(v) ? v : 0), 0);
  const shown = figure => figure.renderers.map(({data_source: {data}}) => sum(data?.x) + sum(data?.y)).join();
  window.moved = () => {
    const before = new Set(figures().map(shown)), start = performance.now();
    return new Promise(done => {
      const look = () => figures().filter(figure => !before.has(shown(figure))).length >= FIGURES
        ? requestAnimationFrame(() => done(performance.now() - start)) : requestAnimationFrame(look);
      look();
    });
  };
}""".replace("FIGURES", str(_FIGURES))


@contextmanager
def _served() -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.usual_page", str(port)], stdout=subprocess.DEVNULL)
    try:
        assert is_up(process, port)
        yield f"http://localhost:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)


def _open(browser: Browser, address: str) -> Page:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.goto(address)
    wait_until_open(page)
    page.wait_for_timeout(1000)
    page.evaluate(_WATCH)
    return page


def _moves(page: Page, thumb: Locator) -> list[float]:
    """Return the milliseconds of each move by the right arrow key."""
    thumb.focus()
    times = []
    for _ in range(_MOVES):
        page.evaluate("() => { window.answer = window.moved(); }")
        page.keyboard.press("ArrowRight")
        times.append(page.evaluate("() => window.answer"))
    page.close()
    return times


def _ours(browser: Browser, address: str, seed: int) -> list[float]:
    page = _open(browser, f"{address}/lazyrich?seed={seed}")
    return _moves(page, page.get_by_role("slider", name="Depth L", exact=True))


def _usual(browser: Browser, address: str, seed: int) -> list[float]:
    page = _open(browser, f"{address}/usual?seed={seed}")
    return _moves(page, page.locator(".noUi-handle"))


def rows() -> Iterator[Row | Note]:
    with _served() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(find_chromium()), args=["--no-sandbox"])
        ours, usual = [], []
        for seed in range(_PASSES + 1):
            both = _ours(browser, address, 2 * seed), _usual(browser, address, 2 * seed + 1)
            if seed:  # the first pass compiles, and is not counted
                ours += both[0]
                usual += both[1]
        browser.close()
    moves = f"slider to painted, four plots, {len(ours)} moves"
    yield Row(f"{moves}: median", statistics.median(ours), "pn.bind and HoloViews", statistics.median(usual))
    slowest = statistics.quantiles(ours, n=20)[-1]
    yield Note(f"{moves}: 95th percentile / median {slowest / statistics.median(ours):.2f} (aim: at most 2)")
