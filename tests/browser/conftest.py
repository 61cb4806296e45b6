"""A served page, a real Chromium, and what every visit must leave behind: no error, no request to elsewhere."""

from urllib.parse import urljoin, urlsplit

import pytest
from playwright.sync_api import sync_playwright

from tests.browser.chromium import find_chromium
from tests.browser.reading import wait_until_open
from tests.browser.server import serve


@pytest.fixture(scope="session")
def address():
    with serve() as address:
        yield address


# Not for the whole run: while Playwright is active, the tests of other folders would find its event loop running.
@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(find_chromium()), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, address):
    """Open the page with a query and wait until it has loaded; at the end nothing may have gone wrong."""
    pages, wrong = [], []

    def note_request(request):
        url = urlsplit(request.url)
        if url.scheme not in ("data", "blob") and url.hostname != "localhost":
            wrong.append(f"request to {request.url}")

    def open_page(query="", place="lazyrich", prepare=lambda page: None):
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.set_default_timeout(120_000)  # a loaded machine takes its time
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", note_request)
        prepare(page)
        page.goto(f"{urljoin(address, place)}{query}")
        wait_until_open(page)
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        page.close()
    assert wrong == []
