r"""Loss functions: the value of one point, what its targets are, and when a prediction is right.

Every loss takes the outputs $f$ of one point, (C,), and its targets $y$, (C,), and returns a number; the training loss
is the mean over points. Sums run over outputs:

| name | value | targets |
|---|---|---|
| squared | $\frac12 \sum (f - y)^2$ | numbers |
| huber | $\sum \frac12 r^2$ where $|r| \le d$, else $d(|r| - \frac d2)$, $r = f - y$ (Huber 1964) | numbers |
| cross_entropy | $-\sum_c y_c \log \mathrm{softmax}(f)_c$ | classes 0 to C - 1, or rows of probabilities |
| logistic | $\sum \log(1 + e^{-yf})$ | -1 and 1, or 0 and 1 |
| squared_hinge | $\frac12 \sum \max(0, 1 - yf)^2$ | -1 and 1, or 0 and 1 |
| hinge | $\sum \max(0, 1 - yf)$ | -1 and 1, or 0 and 1 |

Where classes or labels are wanted, rows that hold one of two values in one column each, as the digits' do, count as
one-hot rows.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..._checks import as_targets, choice, number
from ..._float64 import is_traced

# Rows of probabilities may miss a sum of 1 by this much, as those computed in single precision do.
_SUM = 1e-6


def squared(f: Any, y: Any) -> Any:
    """Half the squared distance."""
    return jnp.sum((f - y) ** 2) / 2


def huber(delta: Any, f: Any, y: Any) -> Any:
    """Half the square up to a distance `delta`, and its tangent beyond."""
    distance = jnp.abs(f - y)
    near = jnp.minimum(distance, delta)
    return jnp.sum(near * (distance - near / 2))


def cross_entropy(f: Any, y: Any) -> Any:
    """Minus the log probability of the targets."""
    return jnp.sum(y) * jax.nn.logsumexp(f) - jnp.sum(y * f)


def logistic(f: Any, y: Any) -> Any:
    """Minus the log probability of the signs."""
    return jnp.sum(jax.nn.softplus(-y * f))


def squared_hinge(f: Any, y: Any) -> Any:
    """Half the square of what a margin lacks of 1."""
    return jnp.sum(jnp.maximum(0.0, 1 - y * f) ** 2) / 2


def hinge(f: Any, y: Any) -> Any:
    """What a margin lacks of 1."""
    return jnp.sum(jnp.maximum(0.0, 1 - y * f))


FUNCTIONS = {
    "squared": squared, "huber": huber, "cross_entropy": cross_entropy, "logistic": logistic,
    "squared_hinge": squared_hinge, "hinge": hinge,
}  # fmt: skip
_OF_SIGNS = ("logistic", "squared_hinge", "hinge")


@jax.jit
def _mean_losses(loss: Any, f: Any, y: Any) -> Any:
    return jax.vmap(lambda f: jnp.mean(jax.vmap(loss)(f, y)))(f)


class Loss(NamedTuple):
    """A loss by its name, `custom` for a function of the user's, and as a function of f and y."""

    name: str
    value: Callable[[Any, Any], Any]

    @classmethod
    def of(cls, loss: Any, huber_delta: Any) -> "Loss":
        """Return the loss of this name, or the user's own."""
        delta = huber_delta if is_traced(huber_delta) else number(huber_delta, "huber_delta", above=0)
        if callable(loss):
            return cls("custom", jax.tree_util.Partial(loss))
        name = choice(loss, "loss", FUNCTIONS)
        # Its parameters are leaves of the Partial: moving one does not compile again.
        parameters = (delta if is_traced(delta) else np.float64(delta),) if name == "huber" else ()
        return cls(name, jax.tree_util.Partial(FUNCTIONS[name], *parameters))

    def targets(self, y: Any, name: str, n: int, out_dim: int | None) -> Any:
        """Return targets (n, C) as the loss's function takes them; `out_dim` is C where it is known already."""
        y = as_targets(y, name, n)
        if self.name == "cross_entropy":
            y = _probabilities(y, name, out_dim)
        elif self.name in _OF_SIGNS and not is_traced(y):
            y = _signs(y, name)
        if out_dim not in (None, y.shape[1]):
            raise ValueError(f"{name} must have {out_dim} outputs as f0 or y has; got {y.shape[1]}. Give both alike.")
        return y

    def check(self, f: Any, y: Any) -> None:
        """Say so where the loss of one point is not one real number."""
        got = jax.eval_shape(self.value, f[0], y[0])
        if getattr(got, "shape", None) != () or not jnp.issubdtype(got.dtype, jnp.floating):
            raise ValueError(
                f"loss must return one real number for the outputs and targets of a point; got {got}. Sum it."
            )

    def measures(self, f: Any, y: Any, points: str) -> dict[str, Any]:
        """Return the mean loss and the accuracy of outputs (time, n, C) on `points`, as far as there are any."""
        if y is None:
            return {}
        accuracy = self.accuracy(f, y)
        losses = _mean_losses(self.value, jnp.asarray(f), jnp.asarray(y))
        return {f"{points}_loss": losses} | ({} if accuracy is None else {f"{points}_accuracy": accuracy})

    def accuracy(self, f: Any, y: Any) -> Any:
        """Return the fraction of right predictions for outputs (time, n, C), (time,); None where nothing is right."""
        if self.name == "cross_entropy":
            right = jnp.argmax(f, axis=-1) == jnp.argmax(y, axis=-1)[None]
            return jnp.mean(right, axis=-1, dtype=f.dtype)
        if self.name in _OF_SIGNS:
            return jnp.mean(f * y[None] > 0, axis=(-2, -1), dtype=f.dtype)
        return None


def _probabilities(y: Any, name: str, out_dim: int | None) -> Any:
    """Return rows of probabilities from such rows or from class numbers, one a point."""
    if y.shape[1] > 1:
        if is_traced(y) or (y.min() >= 0 and np.abs(y.sum(axis=1) - 1).max() <= _SUM):
            return y
        if (one_hot := _one_hot(y)) is None:
            raise ValueError(
                f"{name} must have rows of probabilities for the cross-entropy, at least 0 and of sum 1; got entries "
                f"from {y.min():.3g} and sums up to {y.sum(axis=1).max():.3g}. Give class numbers or such rows."
            )
        return one_hot
    if is_traced(y):
        raise ValueError(
            f"{name} must be rows of probabilities under a JAX transformation; got one column. One-hot it."
        )
    classes = y[:, 0]
    count = int(classes.max()) + 1 if out_dim is None else out_dim
    bad = (classes != np.round(classes)) | (classes < 0) | (classes >= count)
    if bad.any() or count < 2:
        what = f"{classes[bad][0]:g}" if bad.any() else "one class alone"
        raise ValueError(
            f"{name} must be whole class numbers from 0 to {max(count - 1, 1)}; got {what}. "
            "Count the classes from 0, or give rows of probabilities."
        )
    return np.eye(count)[classes.astype(int)]


def _one_hot(y: Any) -> Any:
    """Return 1 at the one column of each row that has the larger of two values, else 0; None for other targets."""
    values = np.unique(y)
    larger = y == values[-1]
    return larger.astype(float) if len(values) == 2 and (larger.sum(axis=1) == 1).all() and y.shape[1] > 1 else None


def _signs(y: Any, name: str) -> Any:
    """Return labels -1 and 1, from those or from 0 and 1."""
    if np.isin(y, (-1, 1)).all():
        return y
    if np.isin(y, (0, 1)).all():
        return 2 * y - 1
    if (one_hot := _one_hot(y)) is not None:
        return 2 * one_hot - 1
    bad = y[~np.isin(y, (-1, 0, 1))]
    raise ValueError(
        f"{name} must be labels -1 and 1, or 0 and 1; got {f'{bad[0]:g}' if bad.size else 'all three'}. "
        "Encode two classes so, several as one column each."
    )
