"""Experiment files: an experiment from a TOML or JSON file, as `Experiment.to_toml` and `to_json` write them."""

from pathlib import Path

import lazyrich as lr

READERS = {".toml": lr.Experiment.from_toml, ".json": lr.Experiment.from_json}


def read_experiment(path: Path) -> lr.Experiment:
    """Return the experiment of a file.

    Raises:
        ValueError: a file that is missing, is no TOML or JSON, or whose experiment makes no sense.
    """
    if path.suffix not in READERS:
        raise ValueError(f"An experiment must be a {' or '.join(READERS)} file; got {path}. Rename or convert it.")
    try:
        return READERS[path.suffix](path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from None
