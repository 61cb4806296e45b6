"""Command `serve`: the page for oneself, for a network, or for a class."""

import argparse
import errno
import logging
import os
import sys
import threading
import webbrowser
from typing import Any

import panel as pn
from tornado.websocket import WebSocketClosedError

from ..app import TITLE, create_app
from ..classroom import invitation, lan_address, limited, qr_for_terminal
from ..gallery.app import NAME as GALLERY
from ..gallery.app import create_gallery
from ..warm import keep_compiled_programs, warm_activations, warm_preset

JOIN = "join"  # the page with the QR code

# JAX would take three quarters of a GPU's memory at its start (docs.jax.dev, "GPU memory allocation"), whoever
# else computes there. It is read when JAX first computes; what the user has set stands.
_MEMORY = ("XLA_PYTHON_CLIENT_PREALLOCATE", "false")


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command to a parser."""
    command = commands.add_parser(
        "serve",
        help="serve the page",
        description="Serve the page until interrupted. For yourself: lazyrich serve --show. For a class in one room: "
        "lazyrich serve --classroom, which prints the address and a QR code that students scan.",
    )
    add = command.add_argument
    add("--port", type=int, default=5006, help="port, 5006 by default")
    add("--address", help="address to listen on; localhost by default, 0.0.0.0 for a whole network")
    add("--show", action="store_true", help="open the page in a browser; with --classroom, the QR code")
    add("--allow-origin", action="append", metavar="HOST:PORT", help="what visitors type, behind a proxy or a name of "
        "your own; repeat for more")  # fmt: skip
    add("--classroom", action="store_true", help="listen on the whole network and show its address as a QR code, here "
        "and at /join")  # fmt: skip
    add("--max-sessions", type=_positive, metavar="N", help="pages open at a time; those beyond get a "
        "sentence. No limit by default")  # fmt: skip
    command.set_defaults(run=serve)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1; got {number}")
    return number


def serve(arguments: argparse.Namespace) -> int:
    """Serve until interrupted, and return the exit code."""
    os.environ.setdefault(*_MEMORY)
    logging.getLogger("asyncio").addFilter(_is_worth_a_line)
    host, origins = _hosts(arguments)
    address = f"http://{host}:{arguments.port}/{TITLE}"
    print("Warming up ...", flush=True)
    warm()
    try:
        server = _server(arguments, address, origins)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        print(f"The port must be free; {arguments.port} is in use. Choose another with --port.", file=sys.stderr)
        return 2
    _announce(arguments, address)
    server.run_until_shutdown()
    return 0


def warm() -> None:
    """Compile ahead what the first visitors will move: what the page opens on at once, the rest beside serving."""
    keep_compiled_programs()
    warm_preset()
    threading.Thread(target=warm_activations, name="warm", daemon=True).start()


def _announce(arguments: argparse.Namespace, address: str) -> None:
    """Print the address, with a QR code for a class, and open it if asked for."""
    print(f"{TITLE} is at {address}  (stop with Ctrl-C)", flush=True)
    shown = address
    if arguments.classroom:
        shown = address.removesuffix(TITLE) + JOIN
        print(f"{qr_for_terminal(address)}The same code to put on the wall: {shown}", flush=True)
    if arguments.show:
        webbrowser.open(shown)


def _hosts(arguments: argparse.Namespace) -> tuple[str, list[str]]:
    """Return the host that visitors type, and the origins from which the page takes messages."""
    if arguments.classroom:
        arguments.address = arguments.address or "0.0.0.0"
    host = arguments.address or "localhost"
    if host == "0.0.0.0":
        host = lan_address() if arguments.classroom else "localhost"
    names = dict.fromkeys([host, "localhost", "127.0.0.1"])
    own = [f"{name}:{arguments.port}" for name in names]
    return host, [*own, *(arguments.allow_origin or [])]


def _server(arguments: argparse.Namespace, address: str, origins: list[str]) -> Any:
    """Return a server that listens."""
    pages: dict[str, Any] = limited({TITLE: create_app, GALLERY: create_gallery}, arguments.max_sessions)
    if arguments.classroom:
        pages[JOIN] = lambda: invitation(address)
    return pn.io.server.get_server(
        pages,
        port=arguments.port,
        address=arguments.address or "localhost",
        websocket_origin=origins,
        title=TITLE,
        liveness=True,
        unused_session_lifetime_milliseconds=120_000,
        session_token_expiration=3600,
    )


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    """Leave out what Tornado says when a page is closed while it is being sent something."""
    return not (record.exc_info and isinstance(record.exc_info[1], WebSocketClosedError))
