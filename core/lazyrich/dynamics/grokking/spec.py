"""GrokkingSpec: what a grokking run depends on, as one frozen value."""

from dataclasses import dataclass

from ..._checks import flag, number, seed_of, whole


@dataclass(frozen=True)
class GrokkingSpec:
    r"""What `grokking` depends on; the defaults grok.

    Args:
        in_dim: input dimension D.
        n_train: training points n; grokking needs more than D and fewer than about $D^2/2$ of them.
        n_test: test points.
        width: hidden units N.
        alpha: output scale $\alpha > 0$: large is lazy.
        epsilon: strength $\varepsilon \ge 0$ of the quadratic term: small is misaligned with the target.
        learning_rate: step size $\eta$ in gradient-flow time; a weight's step is $\eta N/\alpha^2$ times its gradient.
        steps: how many.
        centred: train f - f_0 in place of f. Only so is a large $\alpha$ a kernel machine: f_0 grows with $\alpha$, and
            to unlearn it moves the weights as far at any $\alpha$.
        seed: of the data and of the weights.

    Raises:
        ValueError: a field is out of its range.
    """

    in_dim: int = 30
    n_train: int = 165
    n_test: int = 1000
    width: int = 120
    alpha: float = 1.0
    epsilon: float = 0.25
    learning_rate: float = 1.0
    steps: int = 8000
    centred: bool = False
    seed: int = 0

    def __post_init__(self):
        """Check each field and bring it to its type."""
        checked = {name: whole(getattr(self, name), name, 1) for name in ("in_dim", "n_train", "width", "steps")}
        checked |= {name: number(getattr(self, name), name, above=0) for name in ("alpha", "learning_rate")}
        checked |= {
            "n_test": whole(self.n_test, "n_test", 2),  # of which the loss has a standard error
            "epsilon": number(self.epsilon, "epsilon", least=0),
            "centred": flag(self.centred, "centred"),
            "seed": seed_of(self.seed),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)
