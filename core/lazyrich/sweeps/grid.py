"""Which experiments a sweep runs: one for every combination of values of some fields."""

import dataclasses
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._checks import choice, of_type, whole
from ..data import DataSpec
from ..experiment import Experiment, TrainingSpec
from ..networks import Network

FIELDS = (
    *(
        f"{part}.{field.name}"
        for part, kind in (("data", DataSpec), ("network", Network), ("training", TrainingSpec))
        for field in dataclasses.fields(kind)
    ),
    "seed",
)
# Dimensions are called like their field, but for these two: `name` says little, and `time` is every result's.
_DIMENSIONS = {"data.name": "data", "training.time": "end_time"}


@dataclass(frozen=True)
class Grid:
    """The experiments of a sweep.

    Attributes:
        experiment: what they have in common.
        values: field, as in `network.width`: its values.
        steps: how many steps each trains; None trains to the experiment's time.
        points: the experiments, the last field's values changing fastest.
    """

    experiment: Experiment
    values: dict[str, tuple[Any, ...]]
    steps: int | None
    points: list[Experiment]

    @classmethod
    def of(cls, experiment: Any, values: Any, steps: Any) -> "Grid":
        """Check what was given, and make every experiment.

        Raises:
            ValueError: an unknown field, a field without values or with one twice, or a value that is none.
        """
        of_type(experiment, "experiment", Experiment)
        if not isinstance(values, Mapping) or not values:
            raise ValueError(
                f"grid must be a table of fields and their values; got {values!r}. "
                'Give one such as {"network.width": [64, 256]}.'
            )
        given = {choice(name, "a field of the grid", FIELDS): _several(name, those) for name, those in values.items()}
        steps = None if steps is None else whole(steps, "steps", 1)
        if steps is not None and "training.time" in given:
            raise ValueError(f"Only one of steps and training.time can be given; got {steps} steps. Drop one.")
        combinations = itertools.product(*given.values())
        points = [_point(experiment, dict(zip(given, chosen, strict=True)), steps) for chosen in combinations]
        corners = np.arange(len(points)).reshape([len(those) for those in given.values()])
        checked = {}
        for axis, name in enumerate(given):
            along = corners[tuple(slice(None) if axis == other else 0 for other in range(corners.ndim))]
            checked[name] = _different(name, [_field(points[i], name) for i in along])
        return cls(experiment, checked, steps, points)

    @property
    def shape(self) -> tuple[int, ...]:
        """How many values each field has."""
        return tuple(len(those) for those in self.values.values())

    @property
    def coordinates(self) -> dict[str, list[Any]]:
        """Each dimension of the results with its values, in words where they are no numbers."""
        return {
            _DIMENSIONS.get(name, name.split(".")[-1]): [
                v if isinstance(v, (int, float, str)) else str(v) for v in those
            ]
            for name, those in self.values.items()
        }

    def where(self, index: int) -> str:
        """Return in words which point of the grid is number `index`."""
        place = np.unravel_index(index, self.shape)
        return ", ".join(f"{name} = {those[i]}" for (name, those), i in zip(self.values.items(), place, strict=True))

    def spec(self) -> dict[str, Any]:
        """Return everything as plain values; errors as in `Experiment.to_dict`."""
        points = [point.to_dict() for point in self.points]
        values = {}
        for name in self.values:
            part, _, field = name.rpartition(".")
            seen = [(point[part] if part else point)[field] for point in points]
            values[name] = [value for i, value in enumerate(seen) if value not in seen[:i]]
        return {"experiment": self.experiment.to_dict(), "grid": values, "steps": self.steps}


def _several(name: str, values: Any) -> list[Any]:
    """Return the values of a field, as plain Python ones."""
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
        raise ValueError(f"{name} must be a list of values; got {values!r}. Write [{values!r}] for a single one.")
    result = [value.item() if isinstance(value, np.generic) else value for value in values]
    if not result or any(value is None for value in result):
        raise ValueError(
            f"{name} must have at least one value, none of them None; got {result}. Change or drop {name}."
        )
    return result


def _different(name: str, values: list[Any]) -> tuple[Any, ...]:
    if len(set(values)) < len(values):
        raise ValueError(f"{name} must have different values; got {values}. Drop those that are there twice.")
    return tuple(values)


def _field(experiment: Experiment, name: str) -> Any:
    part, _, field = name.rpartition(".")
    return getattr(getattr(experiment, part) if part else experiment, field)


def _point(experiment: Experiment, chosen: dict[str, Any], steps: int | None) -> Experiment:
    """Return the experiment with other values in some of its fields."""
    changes: dict[str, dict[str, Any]] = {}
    for name, value in chosen.items():
        part, _, field = name.rpartition(".")
        changes.setdefault(part, {})[field] = value
    whole_fields = changes.pop("", {})
    # All fields of a part at once: some values only go together.
    parts = {part: dataclasses.replace(getattr(experiment, part), **fields) for part, fields in changes.items()}
    point = dataclasses.replace(experiment, **parts, **whole_fields)
    if steps is None:
        return point
    if point.training.learning_rate is None:
        raise ValueError("A number of steps needs a learning rate; got None. Give training.learning_rate.")
    training = dataclasses.replace(point.training, time=steps * point.training.learning_rate)
    return dataclasses.replace(point, training=training)
