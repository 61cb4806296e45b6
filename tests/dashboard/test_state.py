"""The controls on screen: they make an experiment, and show any experiment unchanged."""

import dataclasses

import param
import pytest

import lazyrich as lr
from lazyrich.activations import FAMILIES
from lazyrich.data import NAMES
from lazyrich.parametrizations import PARAMETRIZATIONS
from lazyrich_dashboard.state import PRESET, State

CONTROLS = [name for name in State.param if name not in ("name", "complaint")]
# A control of one data set, the data set, and what it may be set to.
OPTIONS = [
    ("classes", "digits", [1, 7], (1, 7)),
    ("in_dim", "parity", 12, 12),
    ("degree", "staircase", 4, 4),
    ("leap", "staircase", 2, 2),
    ("turns", "spirals", 2.5, 2.5),
    ("points", "points", ((0.0, 1.0), (0.5, -0.25)), ((0.0, 1.0), (0.5, -0.25))),
    ("file", "file", "mine.csv@0123456789abcdef", "mine.csv@0123456789abcdef"),
]

EXPERIMENTS = {
    "the preset": PRESET,
    "everything different": lr.Experiment(
        data=lr.DataSpec("circle", n_train=48, n_test=99, noise=0.35),
        network=lr.Network(
            depth=5, width=64, activation="erf", weight_var=1.3, bias_var=0.2, parametrization="mup", richness=0.5
        ),
        training=lr.TrainingSpec(
            time=20.0, learning_rate=0.125, seeds=2, checkpoints=7, centred=False, ntk_points=48
        ),
        seed=11,
    ),
    "an activation with a parameter": dataclasses.replace(
        PRESET, network=lr.Network(activation=lr.activation("leaky_relu", slope=0.37))
    ),
    "values beyond the ends of the sliders": lr.Experiment(
        data=lr.DataSpec("sphere", n_train=700, noise=3.0),
        network=lr.Network(depth=40, width=48, weight_var=9.0, bias_var=5.0, richness=77.0),
        training=lr.TrainingSpec(time=12345.0, seeds=20, ntk_points=128),
    ),
    "values between the steps of the sliders": lr.Experiment(
        data=lr.DataSpec("regression", n_train=77, noise=0.0123),
        network=lr.Network(weight_var=1.23456, bias_var=0.01, richness=0.33),
        training=lr.TrainingSpec(time=33.3, ntk_points=77),
    ),
    "a file that is not in memory": lr.Experiment(
        data=lr.DataSpec("file", n_train=100, n_test=50, file="mine.csv@0123456789abcdef"),
        training=lr.TrainingSpec(ntk_points=100),
    ),
    "own points": lr.Experiment(
        data=lr.DataSpec("points", n_test=9, points=((0, 0.5), (1, -1))), training=lr.TrainingSpec(ntk_points=2)
    ),
    "two classes of digits, all of them used": lr.Experiment(
        data=lr.DataSpec("digits", n_train=100, n_test=257, noise=0.5, classes=(3, 8)),
        training=lr.TrainingSpec(ntk_points=100),
    ),
    "a staircase": lr.Experiment(
        data=lr.DataSpec("staircase", in_dim=15, degree=6, leap=2), training=lr.TrainingSpec(ntk_points=128)
    ),
    "spirals": lr.Experiment(data=lr.DataSpec("spirals", turns=0.77), training=lr.TrainingSpec(ntk_points=128)),
}  # fmt: skip


@pytest.mark.parametrize("experiment", list(EXPERIMENTS.values()), ids=list(EXPERIMENTS))
def test_an_experiment_goes_to_the_controls_and_back_unchanged(experiment):
    assert State(experiment).experiment == experiment


@pytest.mark.parametrize("experiment", list(EXPERIMENTS.values()), ids=list(EXPERIMENTS))
def test_an_experiment_loaded_later_replaces_all_of_the_one_before(experiment):
    state = State(EXPERIMENTS["everything different"])
    state.load(experiment)
    assert state.experiment == experiment


def test_an_experiment_is_shown_in_one_update():
    state, updates = State(), []
    state.param.watch(lambda *events: updates.append(len(events)), CONTROLS)
    state.load(EXPERIMENTS["everything different"])
    assert len(updates) == 1


@pytest.mark.parametrize(
    ("control", "value", "field"),
    [
        ("data", "sphere", lambda e: e.data.name),
        ("n_train", 33, lambda e: e.data.n_train),
        ("noise", 0.5, lambda e: e.data.noise),
        ("depth", 7, lambda e: e.network.depth),
        ("width", 96, lambda e: e.network.width),
        ("activation", "tanh", lambda e: e.network.phi.name),
        ("parametrization", "mup", lambda e: e.network.parametrization),
        ("richness", 0.1, lambda e: e.network.richness),
        ("weight_var", 1.5, lambda e: e.network.weight_var),
        ("bias_var", 0.25, lambda e: e.network.bias_var),
        ("learning_rate", 0.5, lambda e: e.training.learning_rate),
        ("time", 7.0, lambda e: e.training.time),
        ("seeds", 5, lambda e: e.training.seeds),
        ("centred", False, lambda e: e.training.centred),
        ("seed", 9, lambda e: e.seed),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_control_sets_its_field(control, value, field):
    state = State()
    setattr(state, control, value)
    assert field(state.experiment) == value


@pytest.mark.parametrize(("control", "data", "value", "field"), OPTIONS, ids=[case[0] for case in OPTIONS])
def test_an_option_of_a_data_set_sets_its_field_and_is_left_out_for_others(control, data, value, field):
    state = State()
    state.param.update(data=data, **{control: value})
    assert getattr(state.experiment.data, control) == field
    state.data = "circle"
    assert getattr(state.experiment.data, control) is None


def test_where_a_set_is_small_what_is_not_trained_on_is_tested_on():
    state = State()
    state.classes = [3, 8]
    assert (state.experiment.data.n_train, state.experiment.data.n_test) == (128, 357 - 128)
    back = State(state.experiment)
    assert back.experiment.data == state.experiment.data
    back.classes = list(range(10))
    assert back.experiment.data.n_test == 256


def test_own_points_come_without_noise_and_leave_the_controls_of_other_sets_alone():
    state = State()
    state.param.update(noise=0.5, data="points")
    assert state.experiment.data.noise == 0 and state.experiment.data.n_train == 8
    assert state.experiment.training.ntk_points == 8
    state.data = "circle"
    assert (state.experiment.data.noise, state.experiment.data.n_train) == (0.5, 128)


def test_every_control_of_the_experiment_is_tried_above():
    (mark,) = [m for m in test_a_control_sets_its_field.pytestmark if m.name == "parametrize"]
    tried = {case[0] for case in mark.args[1]} | {case[0] for case in OPTIONS}
    assert tried | {"scrub", "mode"} == set(CONTROLS)


def test_another_activation_leaves_the_parameters_behind_and_the_same_one_finds_them_again():
    state = State(EXPERIMENTS["an activation with a parameter"])
    state.activation = "relu"
    assert state.experiment.network.phi == lr.activation("relu")
    state.activation = "leaky_relu"
    assert state.experiment.network.phi == lr.activation("leaky_relu", slope=0.37)


@pytest.mark.parametrize("name", [*CONTROLS, "complaint"])
def test_a_param_has_a_sentence_that_says_what_it_is(name):
    doc = State.param[name].doc
    assert doc[0].isupper() or doc.startswith("gamma_0")
    assert doc.endswith(".")
    assert len(doc.split()) >= 2


def test_a_learning_rate_of_zero_leaves_the_choice_to_the_core():
    state = State()
    state.learning_rate = 0.25
    assert state.experiment.training.learning_rate == 0.25
    state.learning_rate = 0.0
    assert state.experiment.training.learning_rate is None


def test_the_kernel_is_recorded_on_at_most_128_points_and_never_on_more_than_there_are():
    state = State()
    recorded = {}
    for state.n_train in (1, 20, 128, 500):
        recorded[state.n_train] = state.experiment.training.ntk_points
    assert recorded == {1: 1, 20: 20, 128: 128, 500: 128}


def test_the_scrubber_is_no_part_of_the_experiment():
    state = State()
    state.scrub = 0.25
    assert state.experiment == PRESET


@pytest.mark.parametrize(
    ("control", "known"), [("data", NAMES), ("activation", FAMILIES), ("parametrization", PARAMETRIZATIONS)]
)
def test_a_list_offers_all_that_the_core_knows(control, known):
    assert isinstance(State.param[control], param.Selector)
    assert list(State.param[control].objects) == list(known)


@pytest.mark.parametrize(
    ("control", "value"),
    [("n_train", -3), ("noise", -0.1), ("depth", 0), ("width", 0), ("richness", 0.0), ("weight_var", -1.0),
     ("bias_var", -1.0), ("learning_rate", -0.5), ("time", 0.0), ("seeds", 0), ("seed", -1)],
)  # fmt: skip
def test_a_value_that_makes_no_sense_is_refused_by_the_experiment_and_not_by_the_control(control, value):
    state = State()
    setattr(state, control, value)
    with pytest.raises(ValueError, match=rf"^{control} must be .*; got {value}"):
        _ = state.experiment


def test_exponents_of_its_own_stay_until_another_parametrization_is_picked():
    network = lr.Network(2, parametrization=lr.ABC((0, 0.5, 0.75), (0, 0, 0), -0.5))
    experiment = lr.Experiment(network=network)
    state = State(experiment)
    assert state.experiment.network == network
    own, state.parametrization = state.parametrization, "mup"
    assert state.experiment.network.parametrization == "mup"
    state.parametrization = own
    assert state.experiment.network == network
    state.depth = 3
    with pytest.raises(ValueError, match=r"an entry for each of the L \+ 1 = 4 layers; got 3"):
        _ = state.experiment
