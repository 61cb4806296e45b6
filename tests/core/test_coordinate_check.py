"""Feature movement against width: the measured slope is -r."""

import dataclasses

import numpy as np
import pytest

import lazyrich as lr
from tests.core import textbook
from tests.tolerances import assert_allclose


@pytest.fixture(scope="module")
def data():
    return lr.load_data("sphere", n_train=16, n_test=1)


def exponents(name, depth):
    """The (a, b, c) of what `coordinate_check` trains: in the standard one its default rate falls as 1/N."""
    named = lr.abc(name, depth)
    return lr.ABC(named.a, named.b, 1.0) if name == "standard" else named


@pytest.mark.slow
@pytest.mark.parametrize(
    "parametrization, learning_rate",
    [
        *((name, None) for name in ("standard", "ntk", "mup", "mean_field")),
        (exponents("standard", 2), 0.3),
        (lr.ABC((0.0, 0.5, 0.75), (0.0, 0.0, 0.0), -0.5), None),
        (lr.ABC((-0.5, 0.0, 0.5), (0.5, 0.5, 0.5), 0.5), 0.3),
    ],
    ids=["standard", "ntk", "mup", "mean_field", "standard_as_exponents", "halfway", "mup_at_a_falling_rate"],
)
def test_the_slope_over_widths_from_64_to_2048_is_minus_r(parametrization, learning_rate, data):
    known = isinstance(parametrization, str)
    r = lr.classify(exponents(parametrization, 2) if known else parametrization).r
    net = lr.Network(2, 64, "tanh", 1.0, 0.0, parametrization)
    run = lr.coordinate_check(net, data, widths=(64, 256, 1024, 2048), learning_rate=learning_rate, seeds=6)
    assert abs(run.slope.values[-1] + r) < 0.1
    assert run.slope_stderr.values[-1] < 0.05
    assert run.attrs["verdict"] == ("feature learning" if r == 0 else "kernel")


NET, WIDTHS, SEEDS = lr.Network(2, 64, "tanh", 1.0, 0.1, "mup", 0.7), [4, 6, 8], [5, 6]


def small_check(data, steps, learning_rate):
    return lr.coordinate_check(
        NET, data, widths=[8, 4, 6], steps=steps, learning_rate=learning_rate, seeds=len(SEEDS), seed=SEEDS[0]
    )


def test_the_movement_is_that_of_the_textbooks_steps(data):
    run, net = small_check(data, 2, 0.1), dataclasses.replace(NET, width=8)
    start = lr.init(net, data.in_dim, data.out_dim, seed=6)
    params = lr.Params(*(np.asarray(w, np.float64) for w in start))
    then = np.array(textbook._preactivations(net, params, data.x_train))
    for _ in range(2):
        residual = textbook.forward(net, params, data.x_train) - data.y_train
        params = textbook.gradient_step(net, params, data.x_train, residual, 0.1)
    moved = np.array(textbook._preactivations(net, params, data.x_train)) - then
    want = np.sqrt((moved**2).mean(axis=(1, 2)))
    assert_allclose(run.movement.sel(width=8, seed=6).values, want, relative=1e-4)  # differences in float32


def test_slopes_and_their_errors_are_those_of_a_fit_for_each_seed(data, tmp_path):
    run = small_check(data, 1, 0.1)
    assert list(run.width) == WIDTHS and list(run.seed) == SEEDS
    fits = [
        [np.polyfit(np.log(WIDTHS), np.log(movement), 1)[0] for movement in run.movement.sel(seed=seed).values.T]
        for seed in SEEDS
    ]
    assert_allclose(run.slope.values, np.mean(fits, axis=0))
    assert_allclose(run.slope_stderr.values, np.std(fits, axis=0, ddof=1) / np.sqrt(2))
    assert lr.load(lr.save(run, tmp_path / "check.nc")).identical(run)


def test_a_network_that_diverges_has_no_slope(data):
    # tanh and its network stay finite; the weights do not.
    with pytest.raises(ValueError, match="finite and above 0 to have a slope"):
        small_check(data, 60, 1e30)
