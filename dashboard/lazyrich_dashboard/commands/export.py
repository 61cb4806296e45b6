"""Command `export`: an experiment in another form, to be read, run or opened elsewhere."""

import argparse
import math
import sys
from collections.abc import Callable
from pathlib import Path

import lazyrich as lr

from ..bookmark import Bookmark
from ..explorer import Explorer
from ..exports import File, Picture, csv, netcdf, notebook, pictures
from ..link import encode
from ..views import PAGES
from ..web_page import web_page
from .experiment_file import read_experiment

# The experiment itself.
TEXTS: dict[str, Callable[[lr.Experiment], str]] = {
    ".toml": lr.Experiment.to_toml,
    ".json": lambda experiment: experiment.to_json() + "\n",
    ".py": lr.Experiment.to_python,
    ".ipynb": lambda experiment: notebook(experiment).content.decode(),
    ".link": lambda experiment: f"?{encode(experiment)}\n",
}
# What a page of the laboratory shows of it.
PICTURES: dict[str, Callable[[list[Picture]], File]] = {
    ".html": lambda shown: web_page(*shown)(),
    ".csv": csv,
    ".nc": netcdf,
}
_ENDINGS = ", ".join([*TEXTS, *PICTURES])


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command to a parser."""
    command = commands.add_parser(
        "export",
        help="write an experiment as a script, notebook, TOML, JSON or a link, or what the page shows of it",
        description="Write an experiment in another form. The ending of --out says which: .py is a script and .ipynb a "
        "notebook that compute theory and networks again, .toml and .json are experiments for `lazyrich run`, .link is "
        "what stands behind the page's address. Three more are computed first, finite networks included: .html is a "
        "page of plots that can be played through time and needs no server, .csv and .nc are their numbers.",
    )
    command.add_argument("experiment", type=Path, help="a TOML or JSON file, as Experiment.to_toml writes it")
    command.add_argument("--out", type=Path, required=True, metavar="FILE", help=f"one of {_ENDINGS}")
    command.add_argument("--page", choices=list(PAGES), default=next(iter(PAGES)), help="which plots .html, .csv and "
        ".nc have; %(default)s by default")  # fmt: skip
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the file and return the exit code."""
    out: Path = arguments.out
    if out.suffix not in (*TEXTS, *PICTURES):
        raise ValueError(f"--out must end in {_ENDINGS}; got {out}. Choose one of these.")
    if not out.parent.is_dir():
        raise ValueError(f"The folder of --out must exist; got {out}. Make it first.")
    experiment = read_experiment(arguments.experiment)
    if out.suffix in TEXTS:
        out.write_text(TEXTS[out.suffix](experiment), encoding="utf-8")
    else:
        out.write_bytes(PICTURES[out.suffix](_shown(experiment, arguments.page)).content)
    print(out)
    return 0


def _shown(experiment: lr.Experiment, page: str) -> list[Picture]:
    """Compute all that a page shows of an experiment; what a part of it was refused with is said on stderr.

    Raises:
        ValueError: nothing can be shown.
    """
    explorer = Explorer(experiment, Bookmark(page=page))
    explorer.wait(math.inf)
    shown = pictures(explorer.share.views())
    sentences = " ".join(explorer.sentences)
    explorer.close()
    if not shown:
        raise ValueError(sentences or f"{page} must have something to show of the experiment. Choose another --page.")
    if sentences:
        print(f"lazyrich: {sentences}", file=sys.stderr)
    return shown
