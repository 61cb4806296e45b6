"""Command `serve`: the page for oneself, for a network, or for a class."""

import argparse
import errno
import logging
import os
import sys
import webbrowser
from functools import partial
from pathlib import Path
from typing import Any

import panel as pn
import threadpoolctl
from panel.io.resources import LOCAL_DIST
from tornado.websocket import WebSocketClosedError

from .. import housekeeping, jobs, precedence
from ..app import TITLE, create_app
from ..classroom import invitation, lan_address, limited, qr_for_terminal
from ..gallery.app import NAME as GALLERY
from ..gallery.app import create_gallery
from ..processes import Processes
from ..warm import keep_compiled_programs, warm_preset, warm_usual

JOIN = "join"  # the page with the QR code

# What the environment says unless the user has said it.
_ENVIRONMENT = {
    # JAX would take three quarters of a GPU's memory at its start (docs.jax.dev, "GPU memory allocation"), and every
    # process of a server would want them. It is read when JAX first computes.
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    # Looking each new page over for mistakes of layout takes a tenth of the time in which it is made.
    "BOKEH_VALIDATE_DOC": "false",
}


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
    add("--num-procs", type=_positive, metavar="N", help="processes that share the visitors: 1 by default, 2 with "
        "--classroom. Each takes a core and up to 2.5 GB; not on Windows")  # fmt: skip
    add("--max-sessions", type=_positive, metavar="N", help="pages open at a time in each process; those beyond get a "
        "sentence. No limit by default")  # fmt: skip
    add("--cold", action="store_true", help="start at once; what visitors ask for is compiled while they wait")
    command.set_defaults(run=serve)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1; got {number}")
    return number


def serve(arguments: argparse.Namespace) -> int:
    """Serve until interrupted, and return the exit code."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    host, origins = _hosts(arguments)
    address = f"http://{host}:{arguments.port}/{TITLE}"
    count = _processes(arguments)
    if not arguments.cold:
        print("Warming up ...", flush=True)
    try:
        if count == 1:
            _serve_here(arguments, address, origins)
        else:
            listens_on = arguments.address or "localhost"
            processes = Processes(count, partial(_serve_here, arguments, address, origins))
            processes.run(arguments.port, listens_on, lambda: _announce(arguments, address))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        print(f"The port must be free; {arguments.port} is in use. Choose another with --port.", file=sys.stderr)
        return 2
    return 0


def _processes(arguments: argparse.Namespace) -> int:
    """Return how many processes serve."""
    can_be_many = sys.platform != "win32"
    count = arguments.num_procs or (2 if arguments.classroom and can_be_many else 1)
    if count > 1 and not can_be_many:
        raise ValueError(
            f"--num-procs must be 1 on Windows, which lacks what ties processes; got {count}. Leave it out."
        )
    return count


def _serve_here(arguments: argparse.Namespace, address: str, origins: list[str], path: Path | None = None) -> None:
    """Serve in this process until interrupted: on the port, or behind it on the Unix socket at a path."""
    logging.getLogger("asyncio").addFilter(_is_worth_a_line)
    housekeeping.keep_heaps_few()
    share_the_cores()
    keep_compiled_programs()
    if path is not None:
        precedence.share(path.parent / "haste", _processes(arguments), int(path.name))
    if not arguments.cold:
        warm_preset()
    housekeeping.start((lambda: None) if arguments.cold else warm_usual)
    try:
        server = _server(arguments, address, origins, path)
        if path is None:
            _announce(arguments, address)
        server.run_until_shutdown()
    finally:
        jobs.end()


def share_the_cores() -> None:
    """Keep OpenBLAS to one thread, unless the user has said how many.

    Its threads spin while they wait for a core that another session has: where two sessions computed, the
    eigendecomposition of 128 points took 49 ms of the processor's time, and takes 1.3 ms with one thread.
    """
    if "OPENBLAS_NUM_THREADS" not in os.environ:
        threadpoolctl.threadpool_limits(1, user_api="blas")


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


def _server(arguments: argparse.Namespace, address: str, origins: list[str], path: Path | None) -> Any:
    """Return a server that listens."""
    pages: dict[str, Any] = limited({TITLE: create_app, GALLERY: create_gallery}, arguments.max_sessions)
    if arguments.classroom:
        pages[JOIN] = lambda: invitation(address)
    pn.state.on_session_created(take_files_from_here)
    where: dict[str, Any] = {"port": arguments.port, "address": arguments.address or "localhost"}
    if path is not None:
        where = {"unix_socket": str(path)}
    return pn.io.server.get_server(
        pages,
        **where,
        websocket_origin=origins,
        title=TITLE,
        liveness=True,
        unused_session_lifetime_milliseconds=120_000,
        session_token_expiration=3600,
    )


def take_files_from_here(_context: object) -> None:
    """Let a session's style sheets come from this server.

    Panel says so when it writes a page's HTML. A session that was made by its messages alone, since the page is from
    another process or from before a restart, would have its browser ask a CDN.
    """
    if pn.state.curdoc is not None:
        pn.state.curdoc.template_variables["dist_url"] = LOCAL_DIST


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    """Leave out what Tornado says when a page is closed while it is being sent something."""
    return not (record.exc_info and isinstance(record.exc_info[1], WebSocketClosedError))
