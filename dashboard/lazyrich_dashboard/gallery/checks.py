"""Checks: whether a paper's claim holds here, in numbers, and the record of the last run, which is a page's badge.

A record is a file, written by `lazyrich gallery check --write`; nothing but a run writes one.
"""

import dataclasses
import datetime
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import jax

FOLDER = Path(__file__).parents[1] / "assets" / "gallery"
_PACKAGES = ("lazyrich", "jax", "numpy", "scipy")
STDERR = "_stderr"
_NO_STDERR = 0.02
# How XLA's errors begin that say that there is no memory left.
_NO_MEMORY = "RESOURCE_EXHAUSTED"


@dataclass(frozen=True)
class Check:
    """Whether a claim holds.

    Attributes:
        holds: whether it does.
        sentence: what was found, and what was expected.
        numbers: what was found, by name; the standard error of `slope` is `slope_stderr`.
    """

    holds: bool
    sentence: str
    numbers: dict[str, float]


@dataclass(frozen=True)
class Record:
    """A check that was run: when, with which versions, and in how many seconds of CPU (all that the process used)."""

    check: Check
    date: str
    seconds: float
    versions: Mapping[str, str]

    @property
    def nbytes(self) -> int:
        """Size, for the cache: a few numbers and words."""
        return 1000


def run(check: Callable[[], Check]) -> Record:
    """Run a check.

    Raises:
        ValueError: it cannot run here; the sentence says why.
    """
    begun = time.process_time()
    try:
        result = check()
    except ImportError as error:
        raise ValueError(
            f"The check needs the package {error.name}, which is not installed here ({error}). "
            f"Run: pip install {error.name}"
        ) from error
    except (MemoryError, jax.errors.JaxRuntimeError) as error:
        if isinstance(error, jax.errors.JaxRuntimeError) and _NO_MEMORY not in str(error):
            raise
        raise ValueError(
            f"The check needs more memory than is free here ({error}). Close other programs, or take a larger machine."
        ) from error
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    seconds = round(time.process_time() - begun, 1)
    return Record(result, today, seconds, {name: version(name) for name in _PACKAGES})


def write(slug: str, record: Record, folder: Path = FOLDER) -> None:
    """Keep a page's record."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{slug}.json").write_text(json.dumps(dataclasses.asdict(record), indent=2) + "\n")


def read(slug: str, folder: Path = FOLDER) -> Record | None:
    """Return a page's record; None where it has never been written."""
    path = folder / f"{slug}.json"
    if not path.exists():
        return None
    stored = json.loads(path.read_text())
    return Record(**stored | {"check": Check(**stored["check"])})


def differences(stored: Check, new: Check) -> list[str]:
    """Return a sentence for each number of a stored check that a new run does not confirm.

    Two runs agree within four standard errors of their difference, or, where none is given, within 2 %.
    """
    if set(stored.numbers) != set(new.numbers):
        return [f"The numbers stored are {', '.join(stored.numbers)}; got {', '.join(new.numbers)}. Write them anew."]
    found = []
    for name, value in stored.numbers.items():
        if name.endswith(STDERR):
            continue
        errors = [check.numbers.get(name + STDERR, 0.0) for check in (stored, new)]
        allowed = 4 * (errors[0] ** 2 + errors[1] ** 2) ** 0.5 + _NO_STDERR * abs(value) * (not any(errors))
        if not abs(new.numbers[name] - value) <= allowed:
            found.append(f"{name} was {value:.4g}; got {new.numbers[name]:.4g}, more than {allowed:.2g} away.")
    return found
