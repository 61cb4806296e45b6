"""The controls on screen: the one source of truth. It makes an `Experiment` and takes one."""

import param

import lazyrich as lr
from lazyrich.activations import FAMILIES
from lazyrich.data import MAKERS
from lazyrich.parametrizations import PARAMETRIZATIONS

# What the page opens on: a few seconds of training that show a decaying spectrum, a test loss that follows theory and
# kernels that move a little.
PRESET = lr.Experiment(
    data=lr.DataSpec("digits", n_train=128, n_test=256),
    network=lr.Network(depth=2, width=256, activation="relu", weight_var=2.0, bias_var=0.0),
    training=lr.TrainingSpec(time=100.0, seeds=3, checkpoints=24, ntk_points=128),
)
_DATA_FIELDS = ("n_train", "noise")
_NETWORK_FIELDS = (
    "depth",
    "width",
    "activation",
    "weight_var",
    "bias_var",
    "parametrization",
    "richness",
)
_TRAINING_FIELDS = ("time", "learning_rate", "seeds")


class State(param.Parameterized):
    """What a visitor has set. Bounds are soft: the experiment itself refuses what makes no sense, in words."""

    data = param.Selector(default="digits", objects=list(MAKERS), doc="Data set the networks learn.")
    n_train = param.Integer(default=128, softbounds=(16, 512), step=16, doc="Training points n.", label="Points n")
    noise = param.Number(
        default=0.0,
        softbounds=(0, 1),
        step=0.05,
        doc="Variance of the noise on training targets.",
        label="Label noise",
    )
    depth = param.Integer(default=2, softbounds=(1, 12), doc="Hidden layers L.", label="Depth L")
    width = param.Integer(default=256, doc="Units N in each hidden layer of the finite networks.", label="Width N")
    activation = param.Selector(default="relu", objects=list(FAMILIES), doc="Activation of the hidden layers.")
    parametrization = param.Selector(
        default="ntk",
        objects=list(PARAMETRIZATIONS),
        check_on_set=False,  # an experiment's own exponents stand in the list as what `str` writes
        doc="How the output scales with width: lazy (ntk) or rich (mup).",
    )
    richness = param.Number(
        default=1.0,
        doc="gamma_0, the output's scale: small is lazy, large is rich.",
        label="Richness γ₀",
    )
    weight_var = param.Number(
        default=2.0,
        softbounds=(0.1, 4),
        step=0.1,
        doc="Weight variance.",
        label="Weight variance σ²w",
    )
    bias_var = param.Number(default=0.0, softbounds=(0, 1), step=0.05, doc="Bias variance.", label="Bias variance σ²b")
    learning_rate = param.Number(
        default=0.0,
        doc="Step size eta; 0 takes a quarter of the largest stable one.",
        label="Step η",
    )
    time = param.Number(default=100.0, doc="Training time: learning rate x steps.", label="Training time")
    seeds = param.Integer(default=3, softbounds=(1, 8), doc="Finite networks trained side by side.", label="Networks")
    seed = param.Integer(default=0, doc="Seed of the data and of the first network.", label="Seed")
    scrub = param.Number(
        default=1.0, bounds=(0, 1), step=0.01, doc="Where in training time the plots stand, from first step to end.",
        label="Time t",
    )  # fmt: skip

    complaint = param.String(default="", doc="What is wrong with the text last typed into a field; empty if nothing.")

    def __init__(self, experiment: lr.Experiment = PRESET, **params):
        """Start from an experiment."""
        super().__init__(**params)
        self._base = experiment
        self.load(experiment)

    @property
    def experiment(self) -> lr.Experiment:
        """The experiment on screen; raises ValueError, in a sentence, when the controls make none."""
        spec = self._base.to_dict()
        spec["seed"] = self.seed
        spec["data"] |= {"name": self.data} | {name: getattr(self, name) for name in _DATA_FIELDS}
        base_activation = spec["network"]["activation"]
        base_parametrization = spec["network"]["parametrization"]
        spec["network"] |= {name: getattr(self, name) for name in _NETWORK_FIELDS}
        if self.parametrization == str(self._base.network.parametrization):
            spec["network"]["parametrization"] = base_parametrization
        if self.activation == self._base.network.phi.name:  # with its parameters, which have no control
            spec["network"]["activation"] = base_activation
        spec["training"] |= {name: getattr(self, name) for name in _TRAINING_FIELDS}
        if self.learning_rate == 0:
            del spec["training"]["learning_rate"]
        else:  # only one of the two can be given
            spec["training"].pop("edge_fraction", None)
        # The kernel of all points is affordable up to here; beyond it the first ones stand for the rest.
        spec["training"]["ntk_points"] = max(1, min(self.n_train, 128))
        return lr.Experiment.from_dict(spec)

    def load(self, experiment: lr.Experiment) -> None:
        """Show an experiment, in one update."""
        self._base = experiment
        network = {name: getattr(experiment.network, name) for name in _NETWORK_FIELDS}
        network["activation"] = experiment.network.phi.name
        network["parametrization"] = str(experiment.network.parametrization)
        training = {name: getattr(experiment.training, name) for name in _TRAINING_FIELDS}
        training["learning_rate"] = experiment.training.learning_rate or 0.0
        self.param.update(
            data=experiment.data.name,
            seed=experiment.seed,
            **{name: getattr(experiment.data, name) for name in _DATA_FIELDS},
            **training,
            **network,
        )
