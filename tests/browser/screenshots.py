"""Draw the pictures in `assets/`: `make screenshots`."""

from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser.chromium import find_chromium
from tests.browser.reading import wait_until_open
from tests.browser.server import serve

ASSETS = Path(__file__).parents[2] / "assets"


def wait_until_trained(page: Page) -> None:
    page.get_by_text("trained", exact=False).first.wait_for(timeout=120_000)
    page.wait_for_timeout(500)  # the last patch is painted


def main() -> None:
    with serve() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.goto(address)
        wait_until_open(page)
        wait_until_trained(page)
        page.screenshot(path=ASSETS / "light.png")

        # The rich regime on the circle, where the function itself can be seen.
        page.get_by_role("button", name="theme").click()
        page.get_by_role("combobox", name="Data set").click()
        page.get_by_role("menuitem", name="circle").click()
        page.get_by_role("combobox", name="Parametrization").click()
        page.get_by_role("menuitem", name="mup").click()
        page.get_by_text("networks start", exact=False).first.wait_for()
        wait_until_trained(page)
        page.mouse.move(640, 20)
        page.screenshot(path=ASSETS / "dark.png")
        browser.close()


if __name__ == "__main__":
    main()
