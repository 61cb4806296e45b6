"""Dataset: training and test points with their targets, checked once."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from .._checks import as_points, as_targets, of_type


@dataclass(frozen=True, eq=False, kw_only=True)
class Dataset:
    """Inputs and targets for training and testing; also for the user's own arrays.

    Args:
        x_train: training inputs, (n, D).
        y_train: training targets, (n, C); a vector means C = 1.
        x_test: test inputs, (n', D), n' >= 1.
        y_test: test targets, (n', C).
        name: what to call it on plots.

    Raises:
        ValueError: empty, NaN or infinite arrays, or shapes that do not fit together.
    """

    x_train: Float[np.ndarray, "n in_dim"]
    y_train: Float[np.ndarray, "n out_dim"]
    x_test: Float[np.ndarray, "n_test in_dim"]
    y_test: Float[np.ndarray, "n_test out_dim"]
    name: str = "data"

    def __post_init__(self):
        """Check every array, bring targets to two dimensions, and keep read-only copies."""
        of_type(self.name, "name", str, "Give what to call the data.")
        arrays: dict[str, Any] = {name: as_points(getattr(self, name), name) for name in ("x_train", "x_test")}
        for name in ("train", "test"):
            arrays[f"y_{name}"] = as_targets(getattr(self, f"y_{name}"), f"y_{name}", len(arrays[f"x_{name}"]))
        for kind, meaning in (("x", "inputs"), ("y", "targets")):
            train, test = (arrays[f"{kind}_{name}"].shape[1] for name in ("train", "test"))
            if train != test:
                raise ValueError(
                    f"Training and test {meaning} must have the same number of columns; got {train} and {test}. "
                    "Give test points of the same space."
                )
        for name, array in arrays.items():
            array = array.copy()
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    @property
    def in_dim(self) -> int:
        """Input dimension D."""
        return self.x_train.shape[1]

    @property
    def out_dim(self) -> int:
        """Number of outputs C."""
        return self.y_train.shape[1]
