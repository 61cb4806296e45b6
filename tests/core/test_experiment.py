"""Experiments: written down, read back, and run from what was written."""

import dataclasses
import json

import numpy as np
import pytest

import lazyrich as lr
from tests.tolerances import assert_allclose

PLAIN = lr.Experiment()
FANCY = lr.Experiment(
    data=lr.DataSpec("circle", n_train=7, n_test=3, noise=1e-7),
    network=lr.Network(2, 16, lr.activation("leaky_relu", slope=0.1 + 0.2), 1 / 3, 1e-300, "mup", richness=2.5),
    training=lr.TrainingSpec(time=20.0, learning_rate=0.05, seeds=2, checkpoints=5, centred=False, ntk_points=5),
    seed=2**32 - 2,
)
OWN = lr.Experiment(network=lr.Network(2, parametrization=lr.ABC((0, 1 / 3, 0.75), (0, 1 / 6, 0), -0.5)))
TRAINED_OTHERWISE = lr.Experiment(
    data=FANCY.data,
    network=FANCY.network,
    training=lr.TrainingSpec(
        time=50.0, checkpoints=3, loss="huber", momentum=0.9, batch_size=4, edge_fraction=0.05, centred=False
    ),
)
OTHER_DATA = [
    lr.DataSpec("digits", classes=(3, 8)),
    lr.DataSpec("parity", in_dim=12, degree=3),
    lr.DataSpec("staircase", leap=2),
    lr.DataSpec("spirals", turns=0.1 + 0.2),
    lr.DataSpec("points", points=((-1.2, 0.3), (0.0, 1e-2))),
    lr.DataSpec("file", file="mine.csv@0123456789abcdef"),
]
both = pytest.mark.parametrize(
    "experiment",
    [PLAIN, FANCY, OWN, TRAINED_OTHERWISE, *(lr.Experiment(data=data) for data in OTHER_DATA)],
    ids=["defaults", "every_field", "exponents_of_its_own", "trained_otherwise", *(data.name for data in OTHER_DATA)],
)


@both
@pytest.mark.parametrize("language", ["json", "toml"])
def test_it_comes_back_unchanged(experiment, language):
    text = getattr(experiment, f"to_{language}")()
    back = getattr(lr.Experiment, f"from_{language}")(text)
    assert back == experiment and hash(back) == hash(experiment)
    assert getattr(back, f"to_{language}")() == text
    assert lr.Experiment.from_dict(experiment.to_dict()) == experiment


def test_equal_experiments_are_written_alike(production):
    same = lr.Experiment(
        data=lr.DataSpec(n_train=128.0, noise=-0.0),
        network=lr.Network(depth=np.int64(3), weight_var=2, bias_var=-0.0, activation="relu"),
        training=lr.TrainingSpec(time=100, centred=np.bool_(True)),
        seed=np.int32(0),
    )
    assert same == PLAIN and same.to_json() == PLAIN.to_json() and same.to_toml() == PLAIN.to_toml()


def test_a_default_that_is_written_out_makes_the_same_experiment(production):
    for default, written in (
        (lr.DataSpec("parity"), lr.DataSpec("parity", degree=2.0, in_dim=10)),
        (lr.DataSpec(), lr.DataSpec(classes=[*range(10)])),
        (lr.DataSpec("points", points="1 2; 0 0.001"), lr.DataSpec("points", 5, points=[[0, 0], [1, 2]])),
    ):
        one, other = lr.Experiment(data=default), lr.Experiment(data=written)
        assert one == other and one.to_json() == other.to_json()


@pytest.mark.parametrize("data", OTHER_DATA[:-1], ids=lambda data: data.name)
def test_the_python_code_of_other_data_draws_them(data):
    experiment = lr.Experiment(data=dataclasses.replace(data, n_train=5, n_test=3))
    (line,) = [line for line in experiment.to_python().splitlines() if line.startswith("data = ")]
    scope = {"lr": lr}
    exec(line, scope)
    assert (scope["data"].x_train == experiment.load_data().x_train).all()


def test_different_experiments_are_written_differently():
    variants = [PLAIN, FANCY, lr.Experiment(seed=1), lr.Experiment(data=lr.DataSpec(noise=0.1))]
    variants += [lr.Experiment(network=lr.Network(activation=name)) for name in ("erf", "leaky_relu")]
    assert len({variant.to_json() for variant in variants}) == len(variants)


def test_exponents_are_written_as_a_table_and_as_code():
    table = {"name": "abc", "a": [0.0, 1 / 3, 0.75], "b": [0.0, 1 / 6, 0.0], "c": -0.5}
    assert OWN.to_dict()["network"]["parametrization"] == table
    assert "lr.ABC(a=(0.0, 0.3333333333333333, 0.75), b=" in OWN.to_python()
    for change, text in (
        ({"name": "xyz"}, "must be one of abc"),
        ({"d": 1}, "got 'd'"),
        ({"a": 1}, "tuple of numbers"),
    ):
        spec = {"network": {"depth": 2, "parametrization": table | change}}
        with pytest.raises(ValueError, match=text):
            lr.Experiment.from_dict(spec)


def test_json_is_canonical_and_plain():
    text = FANCY.to_json()
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
    assert json.loads(text)["network"]["activation"] == {"name": "leaky_relu", "slope": 0.1 + 0.2}


def test_what_is_left_out_has_its_default():
    assert lr.Experiment.from_json("{}") == PLAIN
    assert lr.Experiment.from_toml("[network]\ndepth = 5") == lr.Experiment(network=lr.Network(5))


@pytest.mark.parametrize(
    "training, count",
    [(FANCY.training, 5), (TRAINED_OTHERWISE.training, 3)],
    ids=["gradient_descent", "momentum_on_batches"],
)
def test_its_python_code_prints_its_numbers(training, count, capsys):
    experiment = lr.Experiment(data=FANCY.data, network=FANCY.network, training=training, seed=3)
    scope = {}
    exec(experiment.to_python(), scope)
    printed = capsys.readouterr().out.splitlines()
    chunks = list(experiment.train_stream())
    assert len(printed) == 1 + len(chunks) == 1 + count
    # The very same numbers: the code is the experiment, with every value written out.
    assert scope["net"] == experiment.network
    for row, chunk in zip(printed[1:], chunks, strict=True):
        time, _, loss = (float(word) for word in row.split())
        assert_allclose([time, loss], [chunk.time[0], chunk.test_loss.mean()], relative=1e-3)
    for name in ("train_loss", "test_loss", "ntk"):
        got = scope["run"][name].values
        assert (got == np.concatenate([chunk[name].values for chunk in chunks], axis=1)).all()
    assert (scope["data"].y_train == experiment.load_data().y_train).all()


def test_what_was_written_before_there_were_other_ways_to_train_still_reads():
    old = PLAIN.to_dict()
    for name in ("loss", "optimizer", "momentum"):
        del old["training"][name]
    assert old["training"] == {"time": 100.0, "seeds": 4, "checkpoints": 30, "centred": True, "ntk_points": 64}
    assert lr.Experiment.from_dict(old) == PLAIN


def test_its_python_code_says_none_where_nothing_was_chosen():
    assert "learning_rate=None" in PLAIN.to_python()
    compile(PLAIN.to_python(), "experiment", "exec")


@pytest.mark.parametrize(
    "spec, text",
    [
        ({"depth": 3}, "fields of an experiment are data, network, training, seed; got 'depth'"),
        ({"network": {"dept": 3}}, "fields of network are depth, .*; got 'dept'"),
        ({"network": None}, "network must be a table of named values; got NoneType"),
        ({"network": {"activation": {"slope": 1}}}, "activation must be one of .*; got None"),
        ({"network": {"activation": {"name": "relu", "slope": 1}}}, "parameters of relu are: none"),
        ({"training": {"centred": "no"}}, "centred must be True or False; got 'no'"),
        ({"data": {"name": "cats"}}, "data must be one of .*circle, digits, .*; got 'cats'"),
        ({"seed": -1}, "seed must be a whole number from 0"),
        ([], "an experiment must be a table of named values; got list"),
    ],
    ids=[
        "unknown_part",
        "unknown_field",
        "empty_part",
        "nameless_activation",
        "unknown_parameter",
        "text_for_a_flag",
        "unknown_data",
        "negative_seed",
        "list",
    ],
)
def test_what_is_not_an_experiment_is_refused_with_its_reason(spec, text, production):
    with pytest.raises(ValueError, match=text):
        lr.Experiment.from_json(json.dumps(spec))


@pytest.mark.parametrize("language", ["json", "toml"])
def test_a_text_in_another_language_is_refused_with_the_place(language):
    with pytest.raises(ValueError, match=rf"must be {language.upper()}; .*line 1, column|line 1 column"):
        getattr(lr.Experiment, f"from_{language}")("depth: 3")
