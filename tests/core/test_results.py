"""Results as labelled arrays and as files."""

import numpy as np
import pytest
import xarray as xr

import lazyrich as lr
from lazyrich.results import VARIABLES, labelled
from tests.core.public_calls import DATA, NET


@pytest.fixture
def result(rng):
    arrays = {"train_loss": rng.normal(size=(2, 3)), "f_test": rng.normal(size=(2, 3, 4, 1))}
    times = {"seed": [5, 6], "time": [0.0, 1.0, 2.5]}
    return labelled(arrays, ("seed", "time"), times, network="Network(depth=3)", centred=1)


def test_every_variable_says_what_it_is_and_which_axis_is_which(result):
    assert result.train_loss.dims == ("seed", "time")
    assert result.f_test.dims == ("seed", "time", "test_point", "output")
    assert result.f_test.attrs["long_name"] == VARIABLES["f_test"][1]
    assert "learning rate x steps" in result.time.attrs["long_name"]


@pytest.mark.parametrize("kind", [str, lambda path: path], ids=["string", "path"])
def test_a_saved_result_comes_back_with_its_labels_and_its_spec(result, tmp_path, kind):
    path = lr.save(result, kind(tmp_path / "run.nc"))
    assert path == tmp_path / "run.nc"
    xr.testing.assert_identical(lr.load(kind(path)), result)


def test_a_saved_run_comes_back_bit_for_bit(tmp_path):
    run = lr.train(NET, DATA, time=1.0, seeds=1, record=("loss", "outputs", "ntk"))
    xr.testing.assert_identical(lr.load(lr.save(run, tmp_path / "run.nc")), run)


def test_an_unknown_variable_is_refused():
    with pytest.raises(ValueError, match=r"variable must be one of .*f_test, .*f_train, .*; got 'accuracy'"):
        labelled({"accuracy": np.zeros((1, 1))}, ("seed", "time"), {})


def test_a_file_that_is_not_a_result_is_refused_with_its_name(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("no numbers here")
    for wrong in (path, tmp_path / "missing.nc", tmp_path):
        with pytest.raises(ValueError, match=rf"read from a NetCDF file; got .*{wrong.name}"):
            lr.load(wrong)


def test_only_a_result_can_be_saved(tmp_path, production):
    with pytest.raises(ValueError, match="Only an xarray Dataset can be saved; got ndarray"):
        lr.save(np.zeros(3), tmp_path / "run.nc")
