"""Targets of class labels: what a network is asked to say of each class."""

from typing import Any

import numpy as np
from jaxtyping import Float, Int

from .._checks import whole

# The most classes that are told apart; more distinct labels are numbers to be predicted.
MOST_CLASSES = 20


def class_targets(labels: Int[np.ndarray, " n"], classes: tuple[int, ...]) -> Float[np.ndarray, "n out_dim"]:
    """Return the targets of labels that are among `classes`.

    Two classes are one output, -1 for the first and +1 for the second: a second output would say the same again with
    its sign turned. C > 2 classes are C outputs, one-hot less 1/C, so that the targets of equally frequent classes are
    centred.
    """
    is_class = labels[:, None] == np.asarray(classes)
    if len(classes) == 2:
        return 2.0 * is_class[:, 1:] - 1
    return is_class - 1 / len(classes)


def classes_of(value: Any) -> tuple[int, ...] | None:
    """Return a choice of the ten classes 0 to 9 in ascending order; all of them are None.

    Raises:
        ValueError: what is no list of classes, or fewer than two.
    """
    if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
        raise ValueError(f"classes must be a tuple of whole numbers; got {value!r}. Write two or more, as in (3, 8).")
    chosen = tuple(sorted({whole(entry, "an entry of classes", most=9) for entry in value}))
    if len(chosen) < 2:
        raise ValueError(f"classes must be at least two different ones; got {list(chosen)}. Choose one more.")
    return None if len(chosen) == 10 else chosen
