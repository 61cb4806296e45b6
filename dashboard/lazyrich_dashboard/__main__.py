"""Command line: `lazyrich serve`, `lazyrich run` and what else `lazyrich --help` lists."""

import argparse
import sys

from .commands import COMMANDS


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    result = argparse.ArgumentParser(
        prog="lazyrich",
        description="An interactive laboratory for the training dynamics of wide neural networks.",
        epilog="Each command explains itself: lazyrich serve --help.",
    )
    commands = result.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_to(commands)
    return result


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code: 0, 1 for what cannot be done, 2 for what makes no sense."""
    parsed = parser().parse_args(arguments)
    try:
        return parsed.run(parsed)
    except (ValueError, OSError) as error:
        print(f"lazyrich: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lazyrich: stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
