"""Commands: one file for each subcommand of `lazyrich`; `COMMANDS` lists them in the order of `--help`."""

from ..gallery import command as gallery
from . import export, run, serve

COMMANDS = (serve, run, export, gallery)
