"""A visitor who does at random whatever the page offers, in a real Chromium.

What an action is about may not be on screen: then it does nothing. What goes wrong is written down, not raised.
"""

import re
from collections import Counter
from collections.abc import Callable
from urllib.parse import urlsplit

import numpy as np
from playwright.sync_api import Browser, Locator, Page
from playwright.sync_api import TimeoutError as TooLate

from lazyrich.data import FETCHED
from lazyrich_dashboard.gallery import page_classes
from lazyrich_dashboard.lessons import FOLDER, lesson_names
from lazyrich_dashboard.presets import load_presets
from lazyrich_dashboard.views import PAGES
from tests.browser.reading import wait_until_open

_TABS = 3
_PATIENCE = 5_000  # milliseconds for one step of an action
_SMALL = "?n_train=32&width=32&time=2&seeds=2"
_LINKS = [
    "", _SMALL, "?data=circle&time=20", "?data=points&bias_var=0.1&time=20", "?depth=banana&seed=-1&color=%3Cb%3E",
    "?data=file&file=none", "?weight_var=1e300", "?lesson=none&theme=pink", "?theme=dark&ui=minimal",
    *(f"?{preset.link}" for preset in load_presets()),
    *(f"?lesson={name}" for name in lesson_names(FOLDER)),
]  # fmt: skip
_GALLERY = ["", "?page=none", "?page=questions", *(f"?page={name}" for name in page_classes())]
_KEYS = ("ArrowLeft", "ArrowRight", "PageUp", "PageDown")
_TYPED = ("0", "1", "2", "7", "0.05", "-3", "banana", "")
_BUTTONS = (
    "Reset", "New seed", "Projector", "Toggle theme", "Pin", "Cancel", "Play", "Pause", "Step back", "Step forward",
    "Jump to the first step", "Jump to the end", "Phenomena and lessons", "All phenomena and lessons", "Next", "Back",
    "Close drawer", "Open drawer", *PAGES, *(preset.title for preset in load_presets()),
)  # fmt: skip
_TOOLS = re.compile(": (Data and files|Why\\?|This view alone|make [xy] axis)|^Unpin|^Save as")


class Visitor:
    """One person with up to three tabs.

    Args:
        address: the server's, without a page.
        seed: of all that is done.
    """

    def __init__(self, browser: Browser, address: str, seed: int):
        """Start with no tab."""
        self._browser, self._address, self._rng = browser, address, np.random.default_rng(seed)
        self._tabs: list[Page] = []
        self.done: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._actions: list[Callable[[Page], None]] = [
            self._move, self._move, self._move, self._choose, self._type, self._press, self._press, self._press,
            self._use_a_tool, self._share, self._upload, self._key,
        ]  # fmt: skip

    def act(self) -> None:
        """Do one thing in one of the tabs, or open or close one."""
        if not self._tabs or self._rng.random() < 0.08:
            self._open()
            return
        page = self._any(self._tabs)
        if self._rng.random() < 0.04:
            self._tabs.remove(page)
            page.close()
            return
        action = self._any(self._actions)
        try:
            action(page)
            self.done[action.__name__] += 1
        except TooLate:  # what it needed went off the screen
            self.done["nothing"] += 1
        page.wait_for_timeout(float(self._rng.choice([50, 300, 1500])))

    def leave(self) -> None:
        """Close all tabs."""
        while self._tabs:
            self._tabs.pop().close()

    def _any(self, things):
        return things[self._rng.integers(len(things))]

    def _shown(self, found: Locator) -> Locator | None:
        """Return one of the elements found that are on screen."""
        shown = [one for one in found.all() if one.is_visible() and one.is_enabled()]
        return self._any(shown) if shown else None

    def _open(self) -> None:
        if len(self._tabs) == _TABS:
            self._tabs.pop(0).close()
        page = self._browser.new_page(viewport={"width": 1280, "height": 720})
        page.set_default_timeout(_PATIENCE)
        page.on("console", lambda message: self.wrong.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("request", self._look_at)
        query = f"gallery{self._any(_GALLERY)}" if self._rng.random() < 0.15 else f"lazyrich{self._any(_LINKS)}"
        page.goto(f"{self._address}/{query}", timeout=120_000)
        wait_until_open(page)
        self._tabs.append(page)
        self.done["_open"] += 1

    def _look_at(self, request) -> None:
        url = urlsplit(request.url)
        if url.scheme not in ("data", "blob") and url.hostname != "localhost":
            self.wrong.append(f"request to {request.url}")

    def _move(self, page: Page) -> None:
        if slider := self._shown(page.get_by_role("slider")):
            for _ in range(self._rng.integers(1, 4)):
                slider.press(self._any(_KEYS))

    def _choose(self, page: Page) -> None:
        if box := self._shown(page.get_by_role("combobox")):
            box.click()
            options = [one for one in page.get_by_role("menuitem").all() if one.inner_text() not in FETCHED]
            if options:
                self._any(options).click()
            else:  # the browser's own list, as that of the player's speeds
                box.press("ArrowDown")

    def _type(self, page: Page) -> None:
        if field := self._shown(page.get_by_role("textbox")):
            field.fill(self._any(_TYPED))
            field.press("Enter")

    def _press(self, page: Page) -> None:
        if button := self._shown(page.get_by_role("button", name=self._any(_BUTTONS), exact=True)):
            button.click()

    def _use_a_tool(self, page: Page) -> None:
        if tool := self._shown(page.get_by_role("button", name=_TOOLS)):
            tool.click()

    def _share(self, page: Page) -> None:
        if menu := self._shown(page.get_by_role("button", name="Share", exact=True)):
            menu.click()
            if item := self._shown(page.get_by_role("menuitem")):
                item.click()

    def _upload(self, page: Page) -> None:
        page.get_by_role("combobox").first.click()
        page.get_by_role("menuitem", name="file", exact=True).click()
        rows = [
            f"{x:.3f},{y:.3f},{x * y > 0:d}" for x, y in self._rng.normal(size=(int(self._rng.integers(9, 200)), 2))
        ]
        contents = "\n".join(["a,b,label", *rows]) if self._rng.random() < 0.8 else "a,b\n1,rubbish"
        file = {"name": "mine.csv", "mimeType": "text/csv", "buffer": contents.encode()}
        page.locator("input[type=file]").set_input_files(file)  # pyright: ignore[reportArgumentType]

    def _key(self, page: Page) -> None:
        page.keyboard.press(self._any((" ", "Escape", "Home", "End", "ArrowLeft", "ArrowRight", "Tab")))
