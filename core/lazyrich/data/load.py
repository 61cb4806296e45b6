"""load_data: a named data set, drawn from a seed."""

import numpy as np

from .._checks import choice, number, seed_of, whole
from .dataset import Dataset
from .makers import MAKERS


def load_data(
    name: str = "digits", *, n_train: int = 256, n_test: int = 256, noise: float = 0.0, seed: int = 0
) -> Dataset:
    """Return a data set: the same name, sizes, noise and seed give the same numbers.

    Args:
        name: digits (real images, 10 outputs), circle, sphere (random teacher) or regression (one coordinate).
        n_train: training points, at least 1.
        n_test: test points, at least 1; never among the training points.
        noise: variance of the Gaussian noise added to the training targets. Test targets stay clean, so that the test
            loss is the error in the function itself.
        seed: a whole number below 2^32.

    Raises:
        ValueError: an unknown name, a size below 1 or above what the data has, or a negative noise.
    """
    maker = MAKERS[choice(name, "data", MAKERS)]
    n_train, n_test = whole(n_train, "n_train", 1), whole(n_test, "n_test", 1)
    std = np.sqrt(number(noise, "noise", least=0))
    points, labels = np.random.default_rng(seed_of(seed)).spawn(2)
    x, y = maker(points, n_train + n_test)
    y_train = y[:n_train] + std * labels.standard_normal((n_train, y.shape[1]))
    return Dataset(x_train=x[:n_train], y_train=y_train, x_test=x[n_train:], y_test=y[n_train:], name=name)
