"""The command `lazyrich gallery check`: run the pages' checks, print what they found, and keep it if asked."""

import argparse
import logging
import sys

from . import checks, page_classes
from .badge import verdict

_log = logging.getLogger(__name__)


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add `gallery` to the subcommands of a parser."""
    gallery = commands.add_parser("gallery", help="run the checks of the papers in the gallery")
    actions = gallery.add_subparsers(required=True)
    command = actions.add_parser("check", help="check whether each paper's claim holds here, in numbers")
    command.add_argument("pages", nargs="*", help="pages to check, all by default")
    command.add_argument("--write", action="store_true", help="keep what is found as the pages' badges")
    command.set_defaults(run=check)


def check(arguments: argparse.Namespace) -> int:
    """Run the checks and return 0, or 1 where one could not run: a claim that does not hold is a result."""
    known = page_classes()
    if unknown := [name for name in arguments.pages if name not in known]:
        print(f"The pages are {', '.join(known)}; got {', '.join(unknown)}. Name some of these.", file=sys.stderr)
        return 2
    failed = 0
    for name in arguments.pages or known:
        try:
            record = checks.run(known[name].check)
        except Exception as error:
            # Whatever one page meets, the others are checked.
            _log.debug("A check failed", exc_info=True)
            failed += 1
            kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
            print(f"{name:<28} ! cannot run  {kind}{error}", flush=True)
            continue
        if arguments.write:
            checks.write(name, record)
        print(f"{name:<28} {verdict(record)}  {record.seconds:5.1f} s of CPU  {record.check.sentence}", flush=True)
    print(f"{len(arguments.pages or known) - failed} checks were run, {failed} could not be.")
    return 1 if failed else 0
