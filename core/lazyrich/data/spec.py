"""DataSpec: which data, as a frozen value that can be written down."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from .._checks import choice, number, whole
from .held import key_of
from .labels import classes_of
from .makers import MAKERS
from .openml import FETCHED
from .own_points import own_points, pairs_of

NAMES = (*MAKERS, "points", *FETCHED, "file")
# The corners of a larger hypercube have no numbers in 64 bits.
_MOST_DIMENSIONS = 60
_CHECKS: dict[str, Callable[[Any], Any]] = {
    "classes": classes_of,
    "in_dim": partial(whole, name="in_dim", least=1, most=_MOST_DIMENSIONS),
    "degree": partial(whole, name="degree", least=1, most=_MOST_DIMENSIONS),
    "leap": partial(whole, name="leap", least=1, most=_MOST_DIMENSIONS),
    "turns": partial(number, name="turns", least=0),
    "points": pairs_of,
    "file": key_of,
}


def _options(draw: Callable[..., Any]) -> dict[str, Any]:
    """Return what a data set can be asked for besides its size, and what it is otherwise."""
    parameters = inspect.signature(draw).parameters.values()
    return {p.name: p.default for p in parameters if p.name in _CHECKS}


# Data set: its options with their defaults. A file has none: data are drawn only once there is one.
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    **{name: _options(draw) for name, draw in (MAKERS | FETCHED | {"points": own_points}).items()},
    "file": {"file": None},
}


@dataclass(frozen=True)
class DataSpec:
    """Which data: the arguments of `load_data`, less the seed.

    The fields after `noise` are options of some data sets; of others they are None, and so they are where nothing was
    chosen. Lists and texts that say classes or points become tuples. Own points are training points and targets in one,
    so that `n_train` is their number, and there is no noise.

    Raises:
        ValueError: a field out of its range, or an option that the data set does not have.
    """

    name: str = "digits"
    n_train: int = 128
    n_test: int = 256
    noise: float = 0.0
    classes: Sequence[int] | None = None
    in_dim: int | None = None
    degree: int | None = None
    leap: int | None = None
    turns: float | None = None
    points: Any = None
    file: str | None = None

    def __post_init__(self):
        """Check each field and bring it to its type."""
        object.__setattr__(self, "name", choice(self.name, "data", NAMES))
        object.__setattr__(self, "n_train", whole(self.n_train, "n_train", 1))
        object.__setattr__(self, "n_test", whole(self.n_test, "n_test", 1))
        object.__setattr__(self, "noise", number(self.noise, "noise", least=0))
        options = OPTIONS[self.name]
        for option, check in _CHECKS.items():
            value = getattr(self, option)
            if option in options:
                value = options[option] if value is None else value
                object.__setattr__(self, option, None if value is None else check(value))
            elif value is not None:
                having = ", ".join(name for name in NAMES if option in OPTIONS[name])
                raise ValueError(f"{option} must be left out but for {having}; got it for {self.name}. Leave it out.")
        if self.points is not None:
            object.__setattr__(self, "n_train", len(self.points))
            if self.noise:
                raise ValueError(f"noise must be 0 for own points; got {self.noise!r}. Move the points instead.")

    @property
    def options(self) -> dict[str, Any]:
        """The data set's own options with their values."""
        return {option: getattr(self, option) for option in OPTIONS[self.name]}
