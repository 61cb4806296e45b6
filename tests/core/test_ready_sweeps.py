"""Sweeps that are asked for often: slopes, best learning rates and sharpness are read off the runs rightly."""

import dataclasses

import numpy as np
import pytest
import xarray as xr

import lazyrich as lr
from lazyrich.sweeps.slopes import slope
from tests.tolerances import assert_allclose

SMALL = lr.Experiment(
    data=lr.DataSpec("circle", n_train=5, n_test=3),
    network=lr.Network(1, 4, "tanh", 1.0),
    training=lr.TrainingSpec(time=2.0, learning_rate=0.1, seeds=2, checkpoints=4),
)


def experiment(parametrization, depth=2, **training):
    """Networks of four seeds, unless more are asked for, on forty points in ten dimensions."""
    return lr.Experiment(
        data=lr.DataSpec("sphere", n_train=40, n_test=1),
        network=lr.Network(depth, 64, "tanh", 1.0, 0.0, parametrization),
        training=lr.TrainingSpec(**{"learning_rate": 1.0, "seeds": 4, "checkpoints": 12, **training}),
    )


def test_a_slope_and_its_error_are_those_of_a_fit_for_each_network(rng):
    width = np.array([4, 8, 32])
    y = xr.DataArray(rng.uniform(1, 2, (2, 3, 5)), dims=("other", "width", "network"), coords={"width": width})
    value, error = slope(y, "width")
    fits = np.array([[np.polyfit(np.log(width), np.log(v), 1)[0] for v in network.T] for network in y.values])
    assert value.dims == ("other",)
    assert_allclose(value.values, fits.mean(axis=1))
    assert_allclose(error.values, fits.std(axis=1, ddof=1) / np.sqrt(5))


@pytest.mark.parametrize("worst", [np.nan, np.inf, 0.0])
def test_what_is_not_finite_and_above_zero_has_no_slope(worst):
    y = xr.DataArray([[1.0, 1.0, worst]], dims=("network", "width"), coords={"width": [4, 8, 16]})
    with pytest.raises(ValueError, match="finite and above 0 to have a slope; got"):
        slope(y, "width")


@pytest.mark.parametrize(
    "change, more, text",
    [
        ({}, {"widths": [4, 5]}, "needs at least 3 widths; got 2"),
        ({}, {"richnesses": [1.0]}, "needs at least 3 richnesses; got 1"),
        ({"seeds": 1}, {}, "needs at least 2 networks; got 1"),
    ],
    ids=["two_widths", "one_richness", "one_network"],
)
def test_kernel_movement_without_a_slope_is_refused(change, more, text):
    bad = dataclasses.replace(SMALL, training=dataclasses.replace(SMALL.training, **change))
    with pytest.raises(ValueError, match=text):
        lr.sweeps.kernel_movement(bad, **more)


@pytest.mark.slow
@pytest.mark.parametrize(
    "parametrization, richnesses, of_width, of_richness",
    [("ntk", (0.05, 0.1, 0.2), -1, (0.9, 1.3)), ("mup", (0.01, 0.02, 0.03), -0.5, (0.9, 1.3)),
     ("mup", (0.6, 0.8, 1.0), 0, (1.5, 2.5))],
    ids=["lazy", "mup_while_fluctuations_lead", "rich"],
)  # fmt: skip
def test_the_kernel_moves_with_the_slopes_of_its_docstring(
    parametrization, richnesses, of_width, of_richness, tmp_path
):
    slow = experiment(parametrization, time=5.0, learning_rate=0.5, seeds=8)
    # With 24 to 48 networks a point the lazy slope was -0.87 over widths 32 to 128, and -0.95 over these.
    widths = (64, 256, 1024)
    result = lr.sweeps.kernel_movement(slow, widths=widths, richnesses=richnesses, path=tmp_path / "sweep")
    assert (abs(result.width_slope - of_width) < 0.1 + 2 * result.width_slope_stderr).all()
    assert (result.width_slope_stderr < 0.25).all()
    assert ((result.richness_slope > of_richness[0]) & (result.richness_slope < of_richness[1])).all()
    assert lr.load(lr.save(result, tmp_path / "movement.nc")).identical(result)
    net = dataclasses.replace(slow.network, width=64, richness=richnesses[0])
    training = dataclasses.asdict(slow.training) | {"checkpoints": 3}
    want = lr.train(net, slow.load_data(), record=("movement",), **training).ntk_distance.isel(time=-1)
    assert_allclose(result.ntk_distance.sel(width=64, richness=richnesses[0]).values, want.values)


def test_the_best_learning_rate_is_that_of_the_least_final_loss(tmp_path):
    rates = [0.1, 0.4, 1.6, 1e4]
    result = lr.sweeps.learning_rate_transfer(SMALL, steps=15, widths=[3, 4], learning_rates=rates)
    net, data = dataclasses.replace(SMALL.network, width=3), SMALL.load_data()
    runs = [
        lr.train(net, data, **(dataclasses.asdict(SMALL.training) | {"learning_rate": rate, "time": 15 * rate}))
        for rate in rates[:3]
    ]
    losses = np.array([run.train_loss.values[:, -1] for run in runs])
    assert (result.final_loss.sel(width=3).values[:3] == losses).all()
    assert (result.best_learning_rate.sel(width=3).values == np.array(rates)[losses.argmin(axis=0)]).all()
    assert float(result.best_of_mean.sel(width=3)) == rates[losses.mean(axis=1).argmin()]
    assert lr.load(lr.save(result, tmp_path / "transfer.nc")).equals(result)


def test_a_learning_rate_that_diverges_is_never_the_best():
    free = dataclasses.replace(SMALL, network=dataclasses.replace(SMALL.network, activation="leaky_relu"))
    result = lr.sweeps.learning_rate_transfer(free, steps=400, widths=[4], learning_rates=[0.1, 100.0])
    assert np.isnan(result.final_loss.sel(learning_rate=100.0)).all()
    assert (result.best_learning_rate == 0.1).all() and (result.best_of_mean == 0.1).all()
    nothing = lr.sweeps.learning_rate_transfer(free, steps=400, widths=[4], learning_rates=[100.0])
    assert np.isnan(nothing.best_learning_rate).all() and np.isnan(nothing.best_of_mean).all()


@pytest.mark.slow
def test_the_best_learning_rate_transfers_over_widths_in_mup():
    rates = tuple(2.0**power for power in range(-3, 5))
    result = lr.sweeps.learning_rate_transfer(experiment("mup"), steps=20, widths=(64, 256), learning_rates=rates)
    best = np.log2(result.best_learning_rate)
    spread = best.std("network", ddof=1) / 2
    narrow, wide = (best.sel(width=width).mean("network") for width in (64, 256))
    assert abs(narrow - wide) < 0.5 + 2 * np.hypot(*spread.values)
    # The least and the largest are not the best, so there is something to transfer.
    assert rates[0] < float(result.best_of_mean.min()) and float(result.best_of_mean.max()) < rates[-1]


@pytest.mark.slow
def test_sharpness_rises_alike_at_every_width_in_mup_and_less_and_less_in_the_ntk_parametrization():
    def curve(parametrization):
        result = lr.sweeps.sharpness(
            experiment(parametrization, centred=False, checkpoints=5), steps=300, widths=(64, 256)
        )
        assert result.attrs["edge"] == 2.0 and result.step.values[[0, -1]].tolist() == [0, 300]
        assert (result.sharpness < result.attrs["edge"]).all()
        mean, error = result.sharpness.mean("network"), result.sharpness.std("network", ddof=1) / 2
        return mean, error

    (rich, rich_error), (lazy, _) = curve("mup"), curve("ntk")
    narrow, wide = rich.sel(width=64), rich.sel(width=256)
    allowed = 0.05 * wide + 3 * np.hypot(rich_error.sel(width=64), rich_error.sel(width=256))
    assert (abs(narrow - wide) < allowed).all()
    assert float(wide.isel(step=-1) / wide.isel(step=0)) > 2
    # 0.143 to 0.187 at width 64 and 0.120 to 0.133 at 256, in what they were compared with.
    for width, start, growth in ((64, 0.143, 1.31), (256, 0.120, 1.11)):
        one = lazy.sel(width=width)
        assert abs(float(one.isel(step=0)) - start) < 0.02
        assert abs(float(one.isel(step=-1) / one.isel(step=0)) - growth) < 0.1


def test_sharpness_is_that_of_train_against_the_step(tmp_path):
    training = dataclasses.replace(SMALL.training, momentum=0.5)
    result = lr.sweeps.sharpness(dataclasses.replace(SMALL, training=training), steps=10, widths=[4])
    net = SMALL.network
    arguments = dataclasses.asdict(training) | {"time": 1.0}
    want = lr.train(net, SMALL.load_data(), record=("sharpness",), **arguments)
    assert_allclose(result.sharpness.sel(width=4).values, want.sharpness.values)
    assert_allclose(result.step.values * 0.1, want.time.values)
    assert result.attrs["edge"] == 30.0
    assert lr.load(lr.save(result, tmp_path / "sharpness.nc")).equals(result)
    without = dataclasses.replace(SMALL, training=dataclasses.replace(SMALL.training, learning_rate=None))
    with pytest.raises(ValueError, match="steps needs a learning rate; got None"):
        lr.sweeps.sharpness(without, steps=10)
