"""The served page in a real Chromium: how long after loading the first plot is painted."""

import statistics
import time
from collections.abc import Iterator

from playwright.sync_api import Browser, sync_playwright

from benchmarks.timing import Row
from tests.browser.chromium import find_chromium
from tests.browser.server import serve

TARGET = 2_000.0  # milliseconds from the load event
_VISITS = 5
# Bokeh's canvases lie in shadow roots.
_PAINTED = """() => {
  const painted = root => [...root.querySelectorAll('*')].some(element =>
    (element.tagName == 'CANVAS' && element.width > 100) || (element.shadowRoot && painted(element.shadowRoot)));
  return painted(document);
}"""


def _first_picture(browser: Browser, address: str) -> float:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.goto(address)
    start = time.perf_counter()
    page.wait_for_function(_PAINTED)
    seconds = time.perf_counter() - start
    page.close()
    return 1e3 * seconds


def rows() -> Iterator[Row]:
    with serve() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(find_chromium()), args=["--no-sandbox"])
        times = [_first_picture(browser, address) for _ in range(_VISITS)]
        browser.close()
    yield Row("first picture after the page's load event", statistics.median(times), "the target", TARGET)
