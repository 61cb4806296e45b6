"""Draws the pictures of the index: `python -m lazyrich_dashboard.gallery.thumbnails ADDRESS CHROMIUM [PAGE ...]`.

ADDRESS is that of a running server's gallery. Each page is opened in a browser, light and dark, once it has measured.
It needs Playwright, which the tests bring; the gallery itself does not.
"""

import io
import sys

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from . import checks, page_classes

_SIZE = (420, 184)


def draw(browser: Browser, address: str, slug: str) -> None:
    """Write both pictures of a page."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.goto(f"{address}?page={slug}", timeout=120_000)
    page.wait_for_function("() => window.Bokeh?.documents[0]?.is_idle", timeout=120_000)
    page.get_by_text("measured", exact=True).first.wait_for(timeout=300_000)
    for theme in ("light", "dark"):
        page.mouse.move(640, 5)
        page.wait_for_timeout(1000)  # the last patch is painted
        shot = page.locator(".lr-panels").screenshot()
        small = Image.open(io.BytesIO(shot)).convert("RGB").resize(_SIZE, Image.Resampling.LANCZOS)
        small.save(checks.FOLDER / f"{slug}-{theme}.png", optimize=True)
        page.get_by_role("button", name="theme").click()
    page.close()


def main(address: str, chromium: str, *slugs: str) -> None:
    """Draw the pictures of some pages, or of all."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for slug in slugs or page_classes():
            draw(browser, address, slug)
            print(slug, flush=True)
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
