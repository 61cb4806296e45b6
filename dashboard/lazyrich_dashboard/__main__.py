"""Command line: `python -m lazyrich_dashboard serve`."""

import argparse
import errno
import logging
import sys
import threading

import panel as pn
from tornado.websocket import WebSocketClosedError

from .app import TITLE, create_app
from .gallery.app import NAME as GALLERY
from .gallery.app import create_gallery
from .gallery.command import add_command as add_gallery
from .warm import keep_compiled_programs, warm_activations, warm_preset


def serve(arguments: argparse.Namespace) -> int:
    """Warm up, serve until interrupted, and return the exit code."""
    logging.getLogger("asyncio").addFilter(_is_worth_a_line)
    print("Warming up ...", flush=True)
    keep_compiled_programs()
    warm_preset()
    threading.Thread(target=warm_activations, name="warm", daemon=True).start()
    host = "localhost" if arguments.address in (None, "0.0.0.0") else arguments.address
    print(f"{TITLE} is at http://{host}:{arguments.port}/{TITLE}  (stop with Ctrl-C)", flush=True)
    try:
        pn.serve(
            {TITLE: create_app, GALLERY: create_gallery},
            port=arguments.port,
            address=arguments.address,
            websocket_origin=arguments.allow_origin or [f"{host}:{arguments.port}", f"127.0.0.1:{arguments.port}"],
            show=arguments.show,
            title=TITLE,
            liveness=True,
            unused_session_lifetime_milliseconds=120_000,
            session_token_expiration=3600,
        )
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        print(
            f"The port must be free; {arguments.port} is in use. Choose another with --port.",
            file=sys.stderr,
        )
        return 2
    return 0


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    """Leave out what Tornado says when a page is closed while it is being sent something."""
    return not (record.exc_info and isinstance(record.exc_info[1], WebSocketClosedError))


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    result = argparse.ArgumentParser(prog="lazyrich", description="An interactive laboratory for wide neural networks.")
    commands = result.add_subparsers(required=True)
    command = commands.add_parser("serve", help="serve the page")
    command.add_argument("--port", type=int, default=5006, help="port, 5006 by default")
    command.add_argument("--address", default="localhost", help="address to listen on; 0.0.0.0 for a whole network")
    command.add_argument("--show", action="store_true", help="open the page in a browser")
    command.add_argument("--allow-origin", action="append", help="HOST:PORT that visitors type; repeat for more")
    command.set_defaults(run=serve)
    add_gallery(commands)
    return result


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    parsed = parser().parse_args(arguments)
    return parsed.run(parsed)


if __name__ == "__main__":
    sys.exit(main())
