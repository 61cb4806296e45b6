"""Command `export`: an experiment in another form, to be read, run or opened elsewhere."""

import argparse
from collections.abc import Callable
from pathlib import Path

import lazyrich as lr

from .experiment_file import read_experiment


def _link(experiment: lr.Experiment) -> str:
    from ..link import encode  # panel takes seconds to import, which the other forms need not wait for

    return f"?{encode(experiment)}\n"


def _notebook(experiment: lr.Experiment) -> str:
    from ..exports import notebook

    return notebook(experiment).content.decode()


WRITERS: dict[str, Callable[[lr.Experiment], str]] = {
    ".toml": lr.Experiment.to_toml,
    ".json": lambda experiment: experiment.to_json() + "\n",
    ".py": lr.Experiment.to_python,
    ".ipynb": _notebook,
    ".link": _link,
}


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command to a parser."""
    command = commands.add_parser(
        "export",
        help="write an experiment as a script, notebook, TOML, JSON or a link",
        description="Write an experiment in another form. The ending of --out says which: .py is a script and .ipynb a "
        "notebook that compute theory and networks again, .toml and .json are experiments for `lazyrich run`, .link is "
        "what stands behind the page's address.",
    )
    command.add_argument("experiment", type=Path, help="a TOML or JSON file, as Experiment.to_toml writes it")
    command.add_argument("--out", type=Path, required=True, metavar="FILE", help=f"one of {', '.join(WRITERS)}")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the file and return the exit code."""
    out: Path = arguments.out
    if out.suffix not in WRITERS:
        raise ValueError(f"--out must end in {', '.join(WRITERS)}; got {out}. Choose one of these.")
    out.write_text(WRITERS[out.suffix](read_experiment(arguments.experiment)), encoding="utf-8")
    print(out)
    return 0
