"""Layout: the page around a session's `Explorer`: its header, its looks, and what a link hides."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import panel as pn

from . import lean, widgets
from .data_controls import DataControls
from .explorer import Explorer
from .guide import Guide
from .page_options import PageOptions
from .screen import Navigator

TITLE = "lazyrich"
_STILL = {"@media (prefers-reduced-motion: reduce)": {"transition": "none !important", "animation": "none !important"}}
_FOCUS = {"&.Mui-focusVisible": {"outline": "3px solid currentColor", "outlineOffset": "1px"}}
_MOVING = ("MuiDrawer", "MuiPaper", "MuiSlider", "MuiLinearProgress")
_THEME: dict[str, Any] = {
    "components": {
        **{name: {"styleOverrides": {"root": _STILL}} for name in _MOVING},
        "MuiButtonBase": {"styleOverrides": {"root": {**_STILL, **_FOCUS}}},
    }
}
_LARGE = {"fontSize": "20px"}
_PROJECTED = {
    **_THEME,
    "typography": {"fontSize": 20, **{variant: _LARGE for variant in ("body1", "body2", "caption", "button")}},
}
_SX = {
    "& .MuiToolbar-root": {"height": "44px !important", "minHeight": "44px !important"},
    "& .main": {"@media (prefers-reduced-motion: reduce)": {"transition": "none !important"}},
}
_NO_HEADER = {"& .MuiAppBar-root, & .main .MuiToolbar-root": {"display": "none !important"}}


class Layout:
    """The page of one session.

    Args:
        navigator: what the session shows, and the way to other screens.
        options: what the link says of the page itself.
    """

    def __init__(self, navigator: Navigator, options: PageOptions):
        """Lay the page out."""
        explorer = navigator.explorer
        self._explorer = explorer
        self._minimal = options.ui == "minimal"
        self.guide = Guide(navigator)
        self.notices = hide(explorer, options.hide)
        if self._minimal:
            explorer.pages.tabs.visible = False
        self._projected = options.theme == "projector"
        self.page = lean.page(
            title=TITLE,
            header=[] if self._minimal else self._header(navigator),
            sidebar=[] if self._minimal else list(explorer.controls),
            main=[pn.Row(explorer.main, self.guide, sizing_mode="stretch_both", margin=0, **widgets.styled("lr-main"))],
            sidebar_width=300,
            busy_indicator=None,
            dark_theme=options.theme == "dark",
        )
        self.page.param.watch(lambda _: self._apply_theme(), "dark_theme")
        # A screen is too narrow for both and four plots between them.
        self.guide.panel.param.watch(lambda event: self.page.param.update(sidebar_open=not event.new), "visible")
        self._apply_theme()

    def _header(self, navigator: Navigator) -> list[pn.viewable.Viewable]:
        actions = {
            "Phenomena and lessons": self.guide.toggle,
            "Reset": navigator.reset,
            "New seed": navigator.new_seed,
            "Projector": self._project,
        }
        buttons = []
        for label, act in actions.items():
            # Without a tooltip, which would take the place of the label as the button's accessible name.
            buttons.append(widgets.button(label, variant="text", margin=0))
            buttons[-1].on_click(lambda _, act=act: act())
        gallery = widgets.links({"Gallery of papers": "gallery"})
        return [pn.Spacer(sizing_mode="stretch_width", height=1), *buttons, gallery]

    def _project(self) -> None:
        """Change between the sizes of a screen and of a projector."""
        self._projected = not self._projected
        with pn.io.hold():
            self._apply_theme()

    def _apply_theme(self) -> None:
        projected = self._projected
        sizes = {"--lr-font": "20px", "--lr-view": "400px", "--lr-question": "none"} if projected else {}
        self.page.param.update(
            theme_config=_PROJECTED if projected else _THEME,
            sx={**_SX, **sizes, **(_NO_HEADER if self._minimal else {})},
        )
        self._explorer.recolour(self.page.dark_theme, projected)


def hide(explorer: Explorer, names: tuple[str, ...]) -> list[str]:
    """Hide controls or groups of them by name, and return a sentence for each name that is none."""
    places = dict(_named([*explorer.controls, explorer.main]))
    for name in names:
        if name in places:
            places[name]()
    rule = f"hide must name some of {', '.join(places)}"
    return [
        f"{rule}; got {name!r}. Pick from these. (In the link; it was left out.)"
        for name in names
        if name not in places
    ]


def _named(items: Any) -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield what hides controls and groups with the names that `hide=` knows them by."""
    for item in items:
        if isinstance(item, DataControls):
            yield from ((name, partial(item.hide, name)) for name in item.NAMES)
            continue
        for css_class in getattr(item, "css_classes", ()):
            if css_class.startswith(widgets.CONTROL):
                yield css_class.removeprefix(widgets.CONTROL), partial(item.param.update, visible=False)
        yield from _named(getattr(item, "objects", ()))
