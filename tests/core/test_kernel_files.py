"""Kernels as files."""

import dataclasses
import json

import numpy as np
import pytest
import xarray as xr

import lazyrich as lr

NET = lr.Network(depth=2, width=8, activation=lr.activation("leaky_relu", slope=0.25), weight_var=1.5, bias_var=0.1)


@pytest.fixture
def x(rng):
    return rng.normal(size=(5, 3))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kind", ["nngp", "ntk"])
def test_a_saved_kernel_comes_back_bit_for_bit(kind, dtype, x, tmp_path):
    kernel = getattr(lr, kind)(NET, x, x[:2]).astype(dtype)
    path = lr.save_kernel(kernel, tmp_path / "kernel.nc", NET, x, x[:2], kind=kind)
    back = lr.load_kernel(str(path), NET, x, x[:2], kind=kind)
    assert back.dtype == dtype
    assert (back == kernel).all()


def test_the_second_points_are_the_first_ones_where_none_are_given(x, tmp_path):
    path = lr.save_kernel(lr.ntk(NET, x), tmp_path / "kernel.nc", NET, x)
    assert (lr.load_kernel(path, NET, x, x.copy()) == lr.load_kernel(path, NET, x)).all()
    # Equal numbers are equal points, however they are stored.
    assert lr.load_kernel(path, NET, np.asfortranarray(x)).shape == (5, 5)


@pytest.mark.parametrize(
    "change", [field.name for field in dataclasses.fields(lr.Network)] + ["points", "order", "second", "kind"]
)
def test_the_kernel_of_something_else_is_refused_with_both_specs(change, x, tmp_path):
    path = lr.save_kernel(lr.ntk(NET, x), tmp_path / "kernel.nc", NET, x)
    other = {"depth": 3, "width": 9, "activation": "leaky_relu", "weight_var": 1.25, "bias_var": 0.0,
             "parametrization": "mup", "richness": 2.0, "residual": 0.5, "layer_norm": True}  # fmt: skip
    net = dataclasses.replace(NET, **{change: other[change]}) if change in other else NET
    points = {"points": (x + 1e-15, None), "order": (x[::-1], None), "second": (x, x[::-1])}.get(change, (x, None))
    with pytest.raises(ValueError, match=r"The spec of .*kernel.nc must be the one asked for") as error:
        lr.load_kernel(path, net, *points, kind="nngp" if change == "kind" else "ntk")
    words = str(error.value)
    asked = json.loads(words[words.index("{") : words.index("}; got") + 1])
    stored = json.loads(words[words.index("; got {") + 6 : words.rindex("}") + 1])
    assert asked != stored
    assert stored["network"]["activation"] == {"name": "leaky_relu", "slope": 0.25}
    if change in other:
        assert {name for name in stored["network"] if asked["network"][name] != stored["network"][name]} == {change}


@pytest.mark.parametrize("interrupted", [False, True], ids=["first_write", "overwrite"])
def test_a_write_that_is_killed_leaves_what_was_there(interrupted, x, tmp_path, monkeypatch):
    path = tmp_path / "kernel.nc"
    kernel = lr.ntk(NET, x)
    if interrupted:
        lr.save_kernel(kernel, path, NET, x)

    def half(dataset, target, **_):
        target.write_bytes(b"\x89HDF half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(xr.Dataset, "to_netcdf", half)
    with pytest.raises(KeyboardInterrupt):
        lr.save_kernel(2 * kernel, path, NET, x)
    assert list(tmp_path.iterdir()) == ([path] if interrupted else [])
    if interrupted:
        assert (lr.load_kernel(path, NET, x) == kernel).all()


def test_a_file_without_a_spec_is_no_kernel(x, tmp_path):
    wrong = tmp_path / "run.nc"
    lr.save(xr.Dataset({"ntk": (("a", "b"), lr.ntk(NET, x))}), wrong)
    with pytest.raises(ValueError, match=r"that save_kernel wrote; got .*run\.nc, which carries no spec"):
        lr.load_kernel(wrong, NET, x)
    wrong.write_text("no numbers here")
    for path in (wrong, tmp_path / "missing.nc", tmp_path):
        with pytest.raises(ValueError, match=rf"is read from a NetCDF file .*; got .*{path.name}"):
            lr.load_kernel(path, NET, x)


def test_a_kernel_that_does_not_fit_its_points_is_refused(x, tmp_path):
    with pytest.raises(ValueError, match=r"kernel must have shape \(5, 2\)"):
        lr.save_kernel(lr.ntk(NET, x), tmp_path / "kernel.nc", NET, x, x[:2])
    assert list(tmp_path.iterdir()) == []
