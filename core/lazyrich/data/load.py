"""load_data: a named data set, drawn from a seed."""

from typing import Any, NamedTuple

import numpy as np

from .._checks import seed_of
from .dataset import Dataset
from .held import held
from .makers import MAKERS, Split, all_digits, some
from .openml import FETCHED, IMAGES
from .own_points import own_points
from .spec import DataSpec


def load_data(
    name: str = "digits",
    *,
    n_train: int = 256,
    n_test: int = 256,
    noise: float = 0.0,
    seed: int = 0,
    **options: Any,
) -> Dataset:
    """Return a data set: the same name, sizes, noise and seed give the same numbers.

    Args:
        name: digits (real images), circle, sphere (random teacher), regression (one coordinate), parity, staircase,
            spirals, points (your own), mnist, fashion and cifar10 (fetched from OpenML), or file (what
            `lazyrich.data.hold` has read).
        n_train: training points, at least 1.
        n_test: test points, at least 1; never among the training points.
        noise: variance of the Gaussian noise added to the training targets. Test targets stay clean, so that the test
            loss is the error in the function itself.
        seed: a whole number below 2^32.
        options: the fields of `DataSpec` that the data set has: `classes` of digits, mnist, fashion and cifar10, as in
            (3, 8); `in_dim` and `degree` of parity and staircase, `leap` of staircase; `turns` of spirals; `points`;
            `file`.

    Raises:
        ValueError: an unknown name, a size below 1 or above what the data has, a negative noise, an option that the
            data set does not have or that is out of range, or images that cannot be fetched.
    """
    unknown = sorted(set(options) - set(DataSpec.__dataclass_fields__))
    if unknown:
        known = ", ".join(list(DataSpec.__dataclass_fields__)[4:])
        raise ValueError(f"The options of data must be among {known}; got {unknown[0]!r}. Remove or rename it.")
    return load_spec(DataSpec(name, n_train, n_test, noise, **options), seed)


def load_spec(spec: DataSpec, seed: int) -> Dataset:
    """Return the data of a spec; errors as in `load_data`."""
    points, labels = np.random.default_rng(seed_of(seed)).spawn(2)
    _check_sizes(spec)
    x_train, y_train, x_test, y_test = _draw(spec, points)
    y_train = y_train + np.sqrt(spec.noise) * labels.standard_normal(y_train.shape)
    return Dataset(x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test, name=spec.name)


def _draw(spec: DataSpec, rng: np.random.Generator) -> Split:
    if spec.name == "points":
        return own_points(rng, spec.n_test, **spec.options)
    if spec.name == "file":
        table = held(spec.file)
        if table.x_test is not None and table.y_test is not None:
            return (
                *some(rng, spec.n_train, (table.x, table.y)),
                *some(rng, spec.n_test, (table.x_test, table.y_test)),
            )
        x, y = some(rng, spec.n_train + spec.n_test, (table.x, table.y))
    else:
        x, y = (MAKERS | FETCHED)[spec.name](rng, spec.n_train + spec.n_test, **spec.options)
    n = spec.n_train
    return x[:n], y[:n], x[n:], y[n:]


class Sizes(NamedTuple):
    """The most points a data set has to train on, to test on, and for both together; infinite where it has no end."""

    n_train: float = np.inf
    n_test: float = np.inf
    both: float = np.inf


def largest_sizes(spec: DataSpec) -> Sizes:
    """Return how many points there are.

    Images from OpenML count as all that could be there: how many are of some classes only a download says.

    Raises:
        ValueError: a file that is not in memory.
    """
    if spec.name == "digits":
        return Sizes(both=len(all_digits(spec.options["classes"])[0]))
    if spec.in_dim is not None:
        return Sizes(both=2**spec.in_dim)
    if spec.name == "file":
        table = held(spec.file)
        return Sizes(both=len(table.x)) if table.x_test is None else Sizes(len(table.x), len(table.x_test))
    if spec.points is not None:
        return Sizes(n_train=len(spec.points))
    return Sizes(both=IMAGES) if spec.name in FETCHED else Sizes()


def _check_sizes(spec: DataSpec) -> None:
    most = largest_sizes(spec)
    for names, wanted, there in (
        ("n_train", spec.n_train, most.n_train),
        ("n_test", spec.n_test, most.n_test),
        ("n_train + n_test", spec.n_train + spec.n_test, most.both),
    ):
        if wanted > there:
            raise ValueError(_too_few(spec, names, there, wanted))


def _too_few(spec: DataSpec, names: str, there: float, wanted: int) -> str:
    what = "images" if spec.name in ("digits", *FETCHED) else "points"
    of = f" of the classes {', '.join(map(str, spec.classes))}" if spec.classes else ""
    return f"{spec.name} has {there} {what}{of}, so {names} must not exceed that; got {wanted}. Ask for fewer."
