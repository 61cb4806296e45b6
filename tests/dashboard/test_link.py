"""Links: what goes in comes out, and one bad value costs that field alone."""

import dataclasses

import pytest

import lazyrich as lr
from lazyrich_dashboard.link import decode, encode
from lazyrich_dashboard.state import PRESET

pytestmark = pytest.mark.usefixtures("production")

RICH = lr.Experiment(
    data=lr.DataSpec("circle", n_train=33, n_test=256, noise=0.1),
    network=lr.Network(
        depth=5, width=100, activation=lr.activation("leaky_relu", slope=0.25), parametrization="mup", richness=0.37
    ),
    training=lr.TrainingSpec(time=7.5, learning_rate=0.02, seeds=2, centred=False),
    seed=12,
)


OTHER_DATA = [
    lr.DataSpec("digits", classes=(3, 8)),
    lr.DataSpec("staircase", in_dim=12, degree=4, leap=2),
    lr.DataSpec("spirals", turns=2.25),
    lr.DataSpec("points", points=tuple((round(x / 10 - 1.55, 2), -0.25 * (x % 3)) for x in range(24))),
    lr.DataSpec("file", file="mine.csv@0123456789abcdef"),
]


@pytest.mark.parametrize("data", OTHER_DATA, ids=lambda data: data.name)
def test_data_with_options_come_back_from_a_link_that_is_short_enough(data):
    experiment = dataclasses.replace(RICH, data=data)
    assert len(encode(experiment)) <= 500
    assert decode(encode(experiment)) == (experiment, [])


def test_a_link_to_another_data_set_leaves_the_options_of_the_one_before():
    start = dataclasses.replace(PRESET, data=lr.DataSpec("parity", degree=5))
    assert decode("seed=3&data=circle", start) == (dataclasses.replace(PRESET, data=lr.DataSpec("circle"), seed=3), [])


def test_options_may_stand_before_their_data_set():
    assert decode("turns=2&data=spirals")[0].data == lr.DataSpec("spirals", turns=2)


def test_the_preset_needs_no_more_than_its_version():
    assert encode(PRESET) == "v=1"
    assert decode("v=1") == (PRESET, [])
    assert decode("") == (PRESET, [])


def test_an_experiment_comes_back_from_its_link():
    assert decode("?" + encode(RICH)) == (RICH, [])


def test_only_what_differs_is_written():
    network = dataclasses.replace(PRESET.network, depth=7)
    assert encode(dataclasses.replace(PRESET, network=network)) == "v=1&depth=7"


def test_an_automatic_learning_rate_can_be_given_back():
    start = dataclasses.replace(PRESET, training=dataclasses.replace(PRESET.training, learning_rate=0.1))
    assert decode("learning_rate=auto", start) == (PRESET, [])


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("depth=banana", "depth must be a whole number"),
        ("depth=0", "depth must be a whole number"),
        ("width=NaN", "width must be a whole number"),
        ("weight_var=-1", "weight_var must be a finite number of at least 0"),
        ("richness=Infinity", "richness must be a finite number above 0"),
        ("activation=nope(slope=1)", "activation must be one of"),
        ("activation=relu(slope=1)", "The parameters of relu are"),
        ("data=%3Cscript%3E", "data must be one of"),
        ("n_train=[1]", "n_train must be a whole number"),
        ("classes=(3)", "classes must be at least two different ones"),
        ("classes=3", "classes must be a tuple of whole numbers"),
        ("degree=2", "degree must be left out but for parity, staircase; got it for digits"),
        ("points=<script>", "points must be left out but for points"),
        ("file=../../etc/passwd", "file must be left out but for file"),
    ],
)
def test_a_bad_value_costs_that_field_alone(query, sentence):
    experiment, notices = decode(f"{query}&seed=5")
    assert experiment == dataclasses.replace(PRESET, seed=5)
    assert len(notices) == 1
    assert notices[0].startswith(sentence)


def test_other_names_are_passed_over():
    assert decode("utm_source=mail&seed=5") == (dataclasses.replace(PRESET, seed=5), [])


def test_a_link_that_is_too_long_is_left_out():
    experiment, notices = decode("depth=3&x=" + "y" * 600)
    assert experiment == PRESET
    assert "at most 500 characters; got 610" in notices[0]


@pytest.mark.parametrize(
    "act",
    [lr.activation("hermite", coefficients=(0.3, -0.5)), lr.activation("monomial", degree=2), lr.activation("sign")],
    ids=str,
)
def test_an_activation_comes_back_with_parameters_of_every_kind(act):
    experiment = lr.Experiment(network=lr.Network(activation=act))
    decoded, notices = decode(encode(experiment))
    assert decoded.network.phi == act and notices == []


def test_exponents_come_back():
    network = lr.Network(3, parametrization=lr.ABC((0, 1 / 3, 1 / 3, 0.75), (0, 1 / 6, 1 / 6, 0), -0.5))
    experiment = dataclasses.replace(PRESET, network=network)
    assert decode(encode(experiment)) == (experiment, [])


def test_every_kind_of_training_comes_back():
    training = lr.TrainingSpec(
        optimizer="gradient_descent", momentum=0.9, loss="logistic", batch_size=16, edge_fraction=0.5
    )
    experiment = dataclasses.replace(PRESET, training=training)
    assert decode(encode(experiment)) == (experiment, [])
    assert decode(encode(PRESET), experiment)[0].training.batch_size == 16
    assert decode("batch_size=auto&edge_fraction=auto", experiment)[0].training.edge_fraction is None
