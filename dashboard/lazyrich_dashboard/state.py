"""The controls on screen: the one source of truth. It makes an `Experiment` and takes one."""

import dataclasses
import math

import param

import lazyrich as lr
from lazyrich.activations import FAMILIES
from lazyrich.data import NAMES, OPTIONS, largest_sizes
from lazyrich.parametrizations import PARAMETRIZATIONS

from .modes import MOST

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
_TRAINING_FIELDS = ("time", "learning_rate", "seeds", "centred")


class State(param.Parameterized):
    """What a visitor has set. Bounds are soft: the experiment itself refuses what makes no sense, in words."""

    data = param.Selector(default="digits", objects=list(NAMES), doc="Data set the networks learn.")
    classes = param.ListSelector(
        default=list(range(10)),
        objects=list(range(10)),
        label="Classes",
        doc="Which of the ten classes; two make one output of ±1.",
    )
    in_dim = param.Integer(
        default=10, softbounds=(2, 30), doc="Coordinates D of the hypercube's corners.", label="Dimension D"
    )
    degree = param.Integer(
        default=2, softbounds=(1, 8), doc="Coordinates in the target's largest product.", label="Degree k"
    )
    leap = param.Integer(
        default=1, softbounds=(1, 4), doc="Coordinates that each product adds to the one before.", label="Leap"
    )
    turns = param.Number(default=1.5, softbounds=(0.25, 3), step=0.25, doc="Turns of each spiral.", label="Turns")
    points = param.Parameter(
        default=lr.DataSpec("points").points, doc="Own training points: pairs of x and y.", label="Points x, y"
    )
    file = param.String(default=None, allow_None=True, doc="Key of the file that was uploaded last.", label="File")
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
    centred = param.Boolean(
        default=True,
        doc="Whether networks start at f = 0, their output at the start being subtracted; else each starts elsewhere.",
        label="Start at f = 0",
    )
    seed = param.Integer(default=0, doc="Seed of the data and of the first network.", label="Seed")
    scrub = param.Number(
        default=1.0, bounds=(0, 1), step=0.01, doc="Where in training time the plots stand, from first step to end.",
        label="Time t",
    )  # fmt: skip
    mode = param.Integer(
        default=0, bounds=(0, MOST), doc="Which of the kernel's modes the plots mark; 0 for none.", label="Mode"
    )

    complaint = param.String(default="", doc="What is wrong with the text last typed into a field; empty if nothing.")

    def __init__(self, experiment: lr.Experiment = PRESET, **params):
        """Start from an experiment."""
        super().__init__(**params)
        self._base, self._n_test = experiment, PRESET.data.n_test
        self.load(experiment)

    @property
    def experiment(self) -> lr.Experiment:
        """The experiment on screen; raises ValueError, in a sentence, when the controls make none."""
        spec = self._base.to_dict()
        spec["seed"] = self.seed
        spec["data"] = dataclasses.asdict(self._data)
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
        spec["training"]["ntk_points"] = max(1, min(spec["data"]["n_train"], 128))
        return lr.Experiment.from_dict(spec)

    @property
    def _data(self) -> lr.DataSpec:
        """The data on screen; where a set is small, what is not trained on is tested on."""
        noise = 0.0 if self.data == "points" else self.noise
        options = {name: getattr(self, name) for name in OPTIONS[self.data]}
        spec = lr.DataSpec(self.data, self.n_train, self._n_test, noise, **options)
        return dataclasses.replace(spec, n_test=max(1, min(spec.n_test, _room(spec))))

    def load(self, experiment: lr.Experiment) -> None:
        """Show an experiment, in one update."""
        self._base, data = experiment, experiment.data
        # A small set's number of test points is no wish for as few of a larger one.
        self._n_test = max(self._n_test, data.n_test) if data.n_test == _room(data) else data.n_test
        shown = data.options
        if "classes" in shown:
            shown["classes"] = list(data.classes or range(10))
        if data.points is None:  # whose number and noise are no controls
            shown |= {name: getattr(data, name) for name in _DATA_FIELDS}
        network = {name: getattr(experiment.network, name) for name in _NETWORK_FIELDS}
        network["activation"] = experiment.network.phi.name
        network["parametrization"] = str(experiment.network.parametrization)
        training = {name: getattr(experiment.training, name) for name in _TRAINING_FIELDS}
        training["learning_rate"] = experiment.training.learning_rate or 0.0
        self.param.update(
            data=data.name,
            **shown,
            seed=experiment.seed,
            **training,
            **network,
        )


def _room(data: lr.DataSpec) -> float:
    """Return how many points are left to test on."""
    try:
        most = largest_sizes(data)
    except ValueError:  # a file that is not in memory, of which the experiment speaks when it is asked for its data
        return math.inf
    return min(most.n_test, most.both - data.n_train)
