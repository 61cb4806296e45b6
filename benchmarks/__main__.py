"""Run the benchmarks: `make bench`, or some of them: `make bench ARGS="kernels peer"`.

Each row sets one of our times beside another measured in the same run, a peer's or the machine's own limit: the ratio
is what to compare between machines, the milliseconds are not. Beside a limit the ratio is the fraction of it reached.
`endurance` takes 40 minutes, of which `--minutes` are counted, and runs only when it is named.
"""

import argparse
import sys
from functools import partial

from benchmarks import (
    against_peer,
    dashboard,
    dynamics,
    endurance,
    kernels,
    large,
    learning_curves,
    limits,
    mean_field,
    page,
    sessions,
    sliders,
    training,
)
from benchmarks.timing import Note, Row

SUITES = {
    "kernels": kernels.rows,
    "peer": against_peer.rows,
    "limits": limits.rows,
    "large": large.rows,
    "dynamics": dynamics.rows,
    "learning_curves": learning_curves.rows,
    "training": training.rows,
    "mean_field": mean_field.rows,
    "dashboard": dashboard.rows,
    "page": page.rows,
    "sliders": sliders.rows,
    "sessions": sessions.rows,
}


def _line(row: Row | Note) -> str:
    if isinstance(row, Note):
        return f"| {row.text} | | | | |"
    return f"| {row.what} | {row.ours:.2f} | {row.beside} | {row.other:.2f} | {row.ratio:.2f} |"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks")
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=", ".join([*SUITES, "endurance"]))
    parser.add_argument("--minutes", type=float, default=30.0, help="how long endurance lasts; 30 by default")
    asked = parser.parse_args(arguments)
    suites = SUITES | {"endurance": partial(endurance.rows, asked.minutes)}
    if unknown := set(asked.suites) - set(suites):
        parser.error(f"The suites are {', '.join(suites)}; got {', '.join(unknown)}.")
    print("| what | ours, ms | beside it | its ms | its / ours |")
    print("|---|---:|---|---:|---:|")
    for name in asked.suites or SUITES:
        for row in suites[name]():
            print(_line(row), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
