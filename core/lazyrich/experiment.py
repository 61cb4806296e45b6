"""Experiment: everything that a result depends on, as one frozen value.

A result is a pure function of its experiment, so the experiment is what is cached, linked, saved and shared. It goes to
JSON, TOML and Python code and comes back from the first two unchanged. Equal experiments have equal JSON.
"""

import dataclasses
import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tomli_w
import xarray as xr

from ._checks import choice, flag, number, numbers, of_type, seed_of, whole
from .activations import Activation, activation
from .data import Dataset, DataSpec, load_spec
from .dynamics import train_stream
from .dynamics.losses.point_losses import FUNCTIONS
from .dynamics.training.optimizers import Optimizer
from .networks import Network
from .parametrizations import ABC


@dataclass(frozen=True)
class TrainingSpec:
    """How finite networks are trained: the arguments of `train` that its result depends on.

    `batch_size` can be at most `n_train`, and only gradient descent has a default learning rate: `train` says so.
    """

    time: float = 100.0
    learning_rate: float | None = None
    seeds: int = 4
    checkpoints: int = 30
    centred: bool = True
    ntk_points: int = 64
    loss: str = "squared"
    optimizer: str = "gradient_descent"
    momentum: float = 0.0
    batch_size: int | None = None
    edge_fraction: float | None = None

    def __post_init__(self):
        """Check each field and bring it to its type."""
        object.__setattr__(self, "time", number(self.time, "time", above=0))
        for name in ("learning_rate", "edge_fraction"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, number(getattr(self, name), name, above=0))
        object.__setattr__(self, "seeds", whole(self.seeds, "seeds", 1))
        object.__setattr__(self, "checkpoints", whole(self.checkpoints, "checkpoints", 2))
        object.__setattr__(self, "centred", flag(self.centred, "centred"))
        object.__setattr__(self, "ntk_points", whole(self.ntk_points, "ntk_points", 1))
        object.__setattr__(self, "loss", choice(self.loss, "loss", FUNCTIONS))
        object.__setattr__(self, "momentum", Optimizer.of(self.optimizer, self.momentum).momentum)
        if self.batch_size is not None:
            object.__setattr__(self, "batch_size", whole(self.batch_size, "batch_size", 1))


_MOST_LAYERS = 10_000
_PARTS = {"data": DataSpec, "network": Network, "training": TrainingSpec}


@dataclass(frozen=True)
class Experiment:
    """Data, network, training and the seed of all randomness; hashable, and equal when every field is.

    Raises:
        ValueError: a field is out of its range.
    """

    data: DataSpec = field(default_factory=DataSpec)
    network: Network = field(default_factory=Network)
    training: TrainingSpec = field(default_factory=TrainingSpec)
    seed: int = 0

    def __post_init__(self):
        """Check the parts and the seed."""
        for name, part in _PARTS.items():
            of_type(getattr(self, name), name, part)
        object.__setattr__(self, "seed", seed_of(self.seed))

    def load_data(self) -> Dataset:
        """Return the data set."""
        return load_spec(self.data, self.seed)

    def train_stream(
        self, record: tuple[str, ...] = ("loss", "ntk"), stop: Callable[[], bool] | None = None
    ) -> Iterator[xr.Dataset]:
        """Train the finite networks, one checkpoint at a time; see `lazyrich.train_stream`."""
        training = dataclasses.asdict(self.training)
        return train_stream(self.network, self.load_data(), record=record, seed=self.seed, stop=stop, **training)

    def to_dict(self) -> dict[str, Any]:
        """Return nested dictionaries of plain values; a field that is None is left out."""
        network = {f.name: getattr(self.network, f.name) for f in dataclasses.fields(Network)}
        network["activation"] = _plain_activation(self.network.phi)
        if isinstance(exponents := self.network.parametrization, ABC):
            network["parametrization"] = {"name": "abc", "a": [*exponents.a], "b": [*exponents.b], "c": exponents.c}
        return {"data": _given(self.data), "network": network, "training": _given(self.training), "seed": self.seed}

    @classmethod
    def from_dict(cls, spec: Mapping[str, Any]) -> "Experiment":
        """Return the experiment of a nested dictionary; what is left out has its default.

        Raises:
            ValueError: an unknown field, or a value out of its range.
        """
        parts = dict(_known(spec, [f.name for f in dataclasses.fields(cls)], "an experiment"))
        for name, part in _PARTS.items():
            fields = dict(_known(parts.get(name, {}), [f.name for f in dataclasses.fields(part)], name))
            if isinstance(fields.get("activation"), Mapping):
                fields["activation"] = activation(**{"name": None, **fields["activation"]})
            if isinstance(fields.get("parametrization"), Mapping):
                fields["parametrization"] = _exponents(fields["parametrization"])
            parts[name] = part(**fields)
        return cls(**parts)

    def to_json(self) -> str:
        """Return canonical JSON: sorted keys, no blanks."""
        return json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "Experiment":
        """Return the experiment of a JSON text; errors as in `from_dict`."""
        return cls.from_dict(_parsed(json.loads, text, "JSON"))

    def to_toml(self) -> str:
        """Return a TOML text."""
        return tomli_w.dumps(self.to_dict())

    @classmethod
    def from_toml(cls, text: str) -> "Experiment":
        """Return the experiment of a TOML text; errors as in `from_dict`."""
        return cls.from_dict(_parsed(tomllib.loads, text, "TOML"))

    def to_python(self) -> str:
        """Return a script that computes the theory and trains the networks, with every value written out."""
        network = {f.name: getattr(self.network, f.name) for f in dataclasses.fields(Network)}
        data = {**_given(self.data), "seed": self.seed}
        training = {**dataclasses.asdict(self.training), "seed": self.seed}
        name = data.pop("name")
        start = "" if self.training.centred else ", **lr.initial_covariance(net, data.x_train, data.x_test)"
        return "\n".join(
            [
                "import lazyrich as lr",
                *_reading(self.data),
                "",
                f"net = lr.Network({_arguments(network)})",
                f"data = lr.load_data({name!r}, {_arguments(data)})",
                "",
                "theta = lr.ntk(net, data.x_train)",
                "cross = lr.ntk(net, data.x_test, data.x_train)",
                "spectrum = lr.eigensystem(theta)",
                f"flow = lr.LinearDynamics(spectrum, data.y_train, cross_ntk=cross{start})",
                f"run = lr.train(net, data, record=('loss', 'ntk'), {_arguments(training)})",
                "",
                "print('time, test loss at infinite width, mean test loss of the finite networks')",
                "theory = lr.expected_losses(flow, run.time.values, data.y_test)",
                "for row in zip(run.time.values, theory.test, run.test_loss.mean('seed').values):",
                "    print('%10.4g %10.4g %10.4g' % row)",
                "",
            ]
        )


def _given(spec: DataSpec | TrainingSpec) -> dict[str, Any]:
    """Return the fields of a spec that are not None."""
    return {name: value for name, value in dataclasses.asdict(spec).items() if value is not None}


def _reading(data: DataSpec) -> list[str]:
    """Return code that reads the file that data are of; it must lie where the code runs."""
    if data.file is None:
        return []
    name = data.file.partition("@")[0]
    return ["from pathlib import Path", "", f"lr.data.hold({name!r}, Path({name!r}).read_bytes())"]


def _parsed(parse: Callable[[str], Any], text: Any, language: str) -> Any:
    """Return what `text` says, or say where it goes wrong."""
    try:
        return parse(of_type(text, "the text of an experiment", str, f"Give {language}."))
    except (json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(
            f"The text of an experiment must be {language}; got an error: {error}. "
            f"Give what to_{language.lower()} wrote."
        ) from None


def _plain_activation(value: Activation) -> str | dict[str, Any]:
    if value.own:
        raise ValueError(
            f"An activation must have a name of its own to be written down; got the function {value.name}. "
            "Keep it in your own code, or use one that lazyrich.activation knows."
        )
    return {"name": value.name, **dict(value.parameters)} if value.parameters else value.name


def _exponents(spec: Mapping[str, Any]) -> ABC:
    """Return the exponents that `to_dict` wrote."""
    _known(spec, ["name", "a", "b", "c"], "a parametrization")
    choice(spec.get("name"), "the name of a table of exponents", ["abc"])
    a, b = (numbers(spec.get(name), name, _MOST_LAYERS) for name in ("a", "b"))
    return ABC(a, b, number(spec.get("c"), "c"))


def _known(spec: Any, names: list[str], what: str) -> Mapping[str, Any]:
    """Return `spec` if it is a mapping with no keys but `names`."""
    if not isinstance(spec, Mapping):
        raise ValueError(f"{what} must be a table of named values; got {type(spec).__name__}. Give one.")
    for name in spec:
        if name not in names:
            raise ValueError(f"The fields of {what} are {', '.join(names)}; got {name!r}. Remove or rename it.")
    return spec


def _arguments(values: Mapping[str, Any]) -> str:
    """Return keyword arguments as Python code."""
    return ", ".join(f"{name}={_code(value)}" for name, value in values.items())


def _code(value: Any) -> str:
    if isinstance(value, ABC):
        return f"lr.{value!r}"
    if isinstance(value, Activation):
        inside = "".join(f", {name}={number!r}" for name, number in value.parameters)
        return f"lr.activation({value.name!r}{inside})" if inside else repr(value.name)
    return repr(value.item() if isinstance(value, np.generic) else value)
