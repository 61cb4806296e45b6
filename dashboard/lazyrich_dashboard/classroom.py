"""Classroom: how the people in one room come to the page, by its address and a QR code, and how many it takes."""

import html
import io
import socket
from collections.abc import Callable, Mapping
from functools import partial

import panel as pn
import segno

Maker = Callable[[], pn.viewable.Viewable]


def lan_address() -> str:
    """Return this machine's address on the local network, as others reach it; localhost where there is no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Nothing is sent: this only asks which address a packet would leave from. The other end is one that is
            # reserved for documentation (RFC 5737).
            probe.connect(("192.0.2.1", 9))
            return probe.getsockname()[0]
        except OSError:
            return "localhost"


def qr_for_terminal(address: str) -> str:
    """Return a QR code of an address as text of block characters."""
    written = io.StringIO()
    segno.make(address, micro=False).terminal(written, compact=True, border=2)
    return written.getvalue()


def invitation(address: str) -> pn.pane.HTML:
    """Return what is put on the wall: the address in large letters, and its QR code."""
    code = segno.make(address, micro=False).svg_inline(scale=12, light="white", border=4)
    words = f"<p style='font: 40px sans-serif; margin: 16px'>{html.escape(address)}</p>"
    label = html.escape(f"QR code of {address}", quote=True)
    return pn.pane.HTML(
        f"<main style='text-align: center'>{words}<div role='img' aria-label='{label}'>{code}</div></main>"
    )


def limited(pages: Mapping[str, Maker], most: int | None) -> dict[str, Maker]:
    """Return makers of pages of which at most so many are open at a time; those beyond are a sentence."""
    if most is None:
        return dict(pages)
    taken: set[object] = set()

    def make(page: Maker) -> pn.viewable.Viewable:
        if len(taken) >= most:
            return pn.pane.HTML(f"<p>All {most} places of this server are taken. Try again in a few minutes.</p>")
        place = object()
        taken.add(place)
        pn.state.on_session_destroyed(lambda _: taken.discard(place))
        return page()

    return {name: partial(make, page) for name, page in pages.items()}
