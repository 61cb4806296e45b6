"""A sweep is every one of its points, also when it diverges, is cancelled, killed or resumed."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from concurrent.futures import CancelledError

import numpy as np
import pytest

import lazyrich as lr
from lazyrich.sweeps import running
from tests.tolerances import assert_allclose

BASE = lr.Experiment(
    data=lr.DataSpec("circle", n_train=5, n_test=3),
    network=lr.Network(2, 4, "tanh", 1.0),
    training=lr.TrainingSpec(time=2.0, learning_rate=0.1, seeds=2, checkpoints=4),
)
GRID = {"network.richness": [0.5, 1.0], "training.learning_rate": [0.1, 0.2], "seed": [0, 5]}


@pytest.fixture
def trained(monkeypatch):
    """In words, the points that have been trained since."""
    points, run = [], running.run
    monkeypatch.setattr(running, "run", lambda e, where, *rest: points.append(where) or run(e, where, *rest))
    return points


def alone(experiment, **fields):
    """The run of one point, by `train`."""
    record = fields.pop("record", ("loss",))
    spec = experiment.training
    return lr.train(
        dataclasses.replace(experiment.network, **fields.pop("network", {})), experiment.load_data(), record=record,
        seed=experiment.seed, **(dataclasses.asdict(spec) | fields),
    )  # fmt: skip


def test_every_point_is_the_run_of_its_experiment(trained):
    seen = []
    result = lr.sweep(BASE, GRID, record=("loss", "ntk"), progress=lambda *counts: seen.append(counts))
    assert seen == [(done, 8) for done in range(1, 9)] and len(set(trained)) == 8
    assert result.ntk.dims == (
        *("richness", "learning_rate", "seed"),
        *("network", "checkpoint", "ntk_row", "ntk_column"),
    )
    assert (result.status == "complete").all()
    for richness in GRID["network.richness"]:
        for rate in GRID["training.learning_rate"]:
            for seed in GRID["seed"]:
                experiment = dataclasses.replace(BASE, seed=seed)
                want = alone(experiment, network={"richness": richness}, learning_rate=rate, record=("loss", "ntk"))
                got = result.sel(richness=richness, learning_rate=rate, seed=seed)
                for name in ("train_loss", "test_loss", "ntk"):
                    assert (got[name].values == want[name].values).all()
                assert_allclose(got.time.values, want.time.values)
    assert lr.Experiment.from_json(result.attrs["experiment"]) == BASE


def test_the_values_keep_their_order_and_may_be_words_or_exponents():
    abc = lr.ABC((0.0, 0.5, 0.75), (0.0, 0.0, 0.0), -0.5)
    grid = {"network.activation": ("tanh", "erf"), "network.parametrization": ["mup", abc]}
    result = lr.sweep(BASE, grid)
    assert result.activation.values.tolist() == ["tanh", "erf"]
    assert result.parametrization.values.tolist() == ["mup", str(abc)]
    assert np.isfinite(result.train_loss).all()
    assert (result.learning_rate == 0.1).all()


def test_a_default_step_is_said_for_every_point():
    experiment = dataclasses.replace(BASE, training=dataclasses.replace(BASE.training, learning_rate=None))
    result = lr.sweep(experiment, {"network.richness": [0.5, 4.0]})
    for richness in (0.5, 4.0):
        want = alone(experiment, network={"richness": richness})
        assert float(result.learning_rate.sel(richness=richness)) == want.attrs["learning_rate"]
        assert_allclose(result.time.sel(richness=richness).dropna("checkpoint").values, want.time.values)


def test_what_a_point_has_less_of_than_another_is_nan():
    result = lr.sweep(BASE, {"network.depth": [1, 2], "training.seeds": [1, 2]}, record=("loss", "weights"))
    assert result.tail_exponent.sizes["layer"] == 3 and result.sizes["network"] == 2
    shallow, deep = (result.singular_values.sel(depth=depth, seeds=2).notnull() for depth in (1, 2))
    assert shallow.any("rank").values[..., :2].all() and not shallow.values[..., 2, :].any()
    assert deep.any("rank").all()
    assert np.isnan(result.train_loss.sel(seeds=1, network=1)).all()
    assert np.isfinite(result.train_loss.sel(seeds=2)).all()


def test_a_point_that_diverges_is_nan_from_then_on_and_says_so(tmp_path):
    grid = {"training.learning_rate": [0.1, 80.0], "network.activation": ["leaky_relu"]}
    result = lr.sweep(BASE, grid, steps=400, record=("loss", "spectrum"))
    good, bad = (result.sel(learning_rate=rate).squeeze("activation") for rate in (0.1, 80.0))
    assert good.status == "complete" and np.isfinite(good.train_loss).all()
    assert str(bad.status.values).startswith("diverged before t =")
    finite = np.isfinite(bad.train_loss.values).all(axis=0)
    assert finite[0] and not finite[-1] and np.isnan(bad.train_loss.values[:, -1]).all()
    assert np.isnan(bad.ntk_eigenvalues.values[:, ~finite]).all()
    # All times are there, also those that the point never reached.
    assert_allclose(bad.time.values / 80, good.time.values / 0.1)
    assert lr.load(lr.save(result, tmp_path / "sweep.nc")).equals(result)
    # Also where no point has all of its checkpoints.
    alone = lr.sweep(BASE, {**grid, "training.learning_rate": [80.0]}, steps=400, record=("loss", "spectrum"))
    assert alone.identical(result.sel(learning_rate=[80.0]).assign_attrs(alone.attrs))


def test_steps_train_every_point_for_so_many_steps_of_its_own():
    result = lr.sweep(BASE, {"training.learning_rate": [0.1, 0.25]}, steps=12)
    assert_allclose(result.time.isel(checkpoint=-1).values, [1.2, 3.0])
    want = alone(BASE, time=3.0, learning_rate=0.25)
    assert (result.train_loss.sel(learning_rate=0.25).values == want.train_loss.values).all()


@pytest.mark.parametrize("threads", [1, 2])
def test_a_cancelled_sweep_goes_on_where_it_stopped(threads, tmp_path, trained):
    path = tmp_path / "sweep"
    with pytest.raises(
        CancelledError, match=r"after 3 of 8 points\. A call with the same arguments goes on from .*sweep"
    ):
        lr.sweep(BASE, GRID, path=path, threads=threads, progress=lambda done, total: done < 3)
    before, counts = len(list(path.glob("*.nc"))), []
    trained.clear()
    result = lr.sweep(BASE, GRID, path=path, progress=lambda *count: counts.append(count))
    assert before == 3 and len(trained) == 5 and counts == [(done, 8) for done in range(4, 9)]
    assert result.identical(lr.sweep(BASE, GRID))
    trained.clear()
    assert lr.sweep(BASE, GRID, path=path).identical(result) and trained == []


def test_points_under_way_end_soon_after_a_sweep_is_cancelled():
    endless = dataclasses.replace(BASE, training=dataclasses.replace(BASE.training, time=1e8))
    grid = {"training.time": [0.2, 1e7, 1e8]}
    with pytest.raises(CancelledError, match=r"after 1 of 3 points\.$"):
        lr.sweep(endless, grid, progress=lambda done, total: False)


KILLED = """
import os, signal, sys
import lazyrich as lr
from lazyrich.sweeps import folder

replace = os.replace

def die(partial, name):
    if str(name).endswith("00002.nc"):
        os.kill(os.getpid(), signal.SIGKILL)  # when a point is written, but has not got its name
    replace(partial, name)

folder.os.replace = die
experiment = lr.Experiment.from_json(sys.argv[2])
lr.sweep(experiment, {"network.richness": [0.5, 1.0], "seed": [0, 5, 9]}, path=sys.argv[1], threads=1)
"""


def test_a_killed_sweep_goes_on_where_it_stopped(tmp_path, trained):
    path, grid = tmp_path / "sweep", {"network.richness": [0.5, 1.0], "seed": [0, 5, 9]}
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", KILLED, str(path), BASE.to_json()]
    killed = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert {"00000.nc", "00001.nc", "sweep.json"} <= set(os.listdir(path))
    result = lr.sweep(BASE, grid, path=path)
    assert sorted(trained) == sorted(
        f"network.richness = {richness}, seed = {seed}" for richness, seed in ((0.5, 9), (1.0, 0), (1.0, 5), (1.0, 9))
    )
    trained.clear()
    assert result.identical(lr.sweep(BASE, grid))


def test_a_point_in_the_folder_says_what_it_is(tmp_path):
    lr.sweep(BASE, {"seed": [3]}, path=tmp_path)
    point = lr.load(tmp_path / "00000.nc")
    assert lr.Experiment.from_json(point.attrs["experiment"]) == dataclasses.replace(BASE, seed=3)
    spec = json.loads((tmp_path / "sweep.json").read_text())
    assert spec["grid"] == {"seed": [3]} and spec["record"] == ["loss"]


@pytest.mark.parametrize(
    "experiment, grid, more",
    [
        (dataclasses.replace(BASE, seed=1), {"network.width": [4]}, {}),
        (BASE, {"network.width": [4, 5]}, {}),
        (BASE, {"network.width": [4]}, {"record": ("outputs",)}),
        (BASE, {"network.width": [4]}, {"steps": 3}),
    ],
    ids=["experiment", "grid", "record", "steps"],
)
def test_a_folder_of_another_sweep_is_refused_with_both_specs_and_left_alone(experiment, grid, more, tmp_path):
    lr.sweep(BASE, {"network.width": [4]}, path=tmp_path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(ValueError, match=r"same arguments; got .*begun with \{.*\}, for \{.*\}\. Give") as error:
        lr.sweep(experiment, grid, path=tmp_path, **more)
    theirs, ours = map(json.loads, str(error.value).split("begun with ")[1].split(". Give")[0].split(", for "))
    assert lr.Experiment.from_dict(theirs["experiment"]) == BASE and theirs != ours
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    for path in (tmp_path, tmp_path / "notes.txt"):
        with pytest.raises(ValueError, match=r"path must be a new folder.*which is something else"):
            lr.sweep(BASE, {"seed": [3]}, path=path)
    (tmp_path / "sweep.json").write_text("mine")
    with pytest.raises(ValueError, match=r"sweep\.json must be the record of a sweep; got something else"):
        lr.sweep(BASE, {"seed": [3]}, path=tmp_path)


def test_a_folder_that_was_hardly_begun_is_begun_anew(tmp_path):
    (tmp_path / "sweep.json.partial").write_text('{"exper')
    assert lr.sweep(BASE, {"seed": [3]}, path=tmp_path).sizes["seed"] == 1


@pytest.mark.parametrize(
    "grid, text",
    [
        ({}, "table of fields and their values; got {}"),
        (["seed"], "table of fields"),
        ({"network.dept": [3]}, "a field of the grid must be one of .*network.depth.*; got 'network.dept'"),
        ({"width": [3]}, "must be one of .*; got 'width'"),
        ({"network.width": []}, r"network.width must have at least one value, .*; got \[\]"),
        ({"network.width": 64}, r"network.width must be a list of values; got 64. Write \[64\]"),
        ({"network.activation": "relu"}, "must be a list of values; got 'relu'"),
        ({"network.richness": [1.0, np.nan]}, "richness must be a finite number above 0; got nan"),
        ({"network.width": [4, 0]}, "width must be a whole number from 1 .*; got 0"),
        ({"network.width": [4, 4.0]}, r"network.width must have different values; got \[4, 4\]"),
        ({"training.learning_rate": [0.1, None]}, "none of them None; got"),
        ({"training.optimizer": ["adam"], "training.momentum": [0.5]}, "momentum must be below 1, and 0 for adam"),
        ({"seed": [2**32]}, "seed must be a whole number"),
    ],
)
def test_a_grid_that_is_none_is_refused_before_anything_is_trained(grid, text, tmp_path, trained, production):
    with pytest.raises(ValueError, match=text):
        lr.sweep(BASE, grid, path=tmp_path / "sweep")
    assert trained == [] and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "change, grid, more, text",
    [
        ({"learning_rate": None}, {"seed": [0]}, {"steps": 3}, "steps needs a learning rate; got None"),
        ({}, {"training.time": [1.0]}, {"steps": 3}, "Only one of steps and training.time can be given; got 3 steps"),
        ({"learning_rate": None}, {"training.optimizer": ["adam"]}, {}, "At training.optimizer = adam: adam needs a"),
    ],
    ids=["steps_without_a_step_size", "steps_and_time", "a_point_that_train_refuses"],
)
def test_what_does_not_go_together_is_refused(change, grid, more, text):
    experiment = dataclasses.replace(BASE, training=dataclasses.replace(BASE.training, **change))
    with pytest.raises(ValueError, match=text):
        lr.sweep(experiment, grid, **more)
