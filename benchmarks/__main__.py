"""Run the benchmarks: `make bench`.

Each row sets one of our times beside another measured in the same run, a peer's or the machine's own limit: the ratio
is what to compare between machines, the milliseconds are not. Beside a limit the ratio is the fraction of it reached.
"""

import sys

from benchmarks import (
    against_peer,
    dashboard,
    dynamics,
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


def main(names: list[str]) -> int:
    unknown = set(names) - set(SUITES)
    if unknown:
        print(f"The suites are {', '.join(SUITES)}; got {', '.join(unknown)}.", file=sys.stderr)
        return 2
    print("| what | ours, ms | beside it | its ms | its / ours |")
    print("|---|---:|---|---:|---:|")
    for name in names or SUITES:
        for row in SUITES[name]():
            print(_line(row), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
