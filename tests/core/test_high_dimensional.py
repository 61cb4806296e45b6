"""Linear networks in high dimension, against closed forms, plain quadrature and simulation."""

import jax
import numpy as np
import pytest

import lazyrich as lr
from lazyrich.theory import (
    best_stopping_time,
    high_dimensional_errors,
    marchenko_pastur_density,
    mode_stopping_time,
)
from tests.tolerances import assert_allclose

RATIOS = pytest.mark.parametrize("ratio", [0.05, 0.5, 0.999, 1.0, 1.001, 2.0, 30.0])
# The integrals are promised to 1e-10.
PRECISE = 1e-10


def test_the_values_known_to_three_digits():
    assert high_dimensional_errors(30, ratio=0.5, snr=5).test == pytest.approx(0.897, abs=5e-4)
    assert high_dimensional_errors(3, ratio=1, snr=5).test == pytest.approx(0.568, abs=5e-4)


def over_the_density(ratio, points=100_000):
    """Eigenvalues and weights: the midpoint rule in the angle, all of whose integrands are periodic and smooth."""
    angle = (np.arange(points) + 0.5) * np.pi / points
    value = 1 + ratio - 2 * np.sqrt(ratio) * np.cos(angle)
    steps = 2 * np.sqrt(ratio) * np.sin(angle) * np.pi / points
    return value, marchenko_pastur_density(value, ratio=ratio) * steps


@RATIOS
@pytest.mark.parametrize("t", [0.01, 1.0, 100.0])
def test_the_errors_are_the_integrals_over_the_density(ratio, t):
    snr, inr = 3.0, 0.5
    value, measure = over_the_density(ratio)
    left = np.exp(-value * t)
    test = (measure * ((1 + inr) * left**2 + (1 - left) ** 2 / (value * snr))).sum()
    train = (measure * left**2 * (value * (1 + inr) + 1 / snr)).sum() / ratio
    got = high_dimensional_errors(t, ratio=ratio, snr=snr, inr=inr)
    # The smallest eigenvalues have lost digits here, in lambda = 1 + a - 2 sqrt(a) cos.
    assert_allclose(got.test, np.array(test + max(1 - ratio, 0) * (1 + inr) + 1 / snr), relative=1e-9)
    assert_allclose(got.train, np.array(train + max(1 - 1 / ratio, 0) / snr), relative=1e-9)


@RATIOS
def test_the_beginning_and_the_end_are_known(ratio):
    snr, inr = 5.0, 0.3
    start = high_dimensional_errors(0.0, ratio=ratio, snr=snr, inr=inr)
    assert_allclose(start.test, np.array(1 + inr + 1 / snr), relative=PRECISE)
    assert_allclose(start.train, np.array(1 + inr + 1 / snr), relative=PRECISE)
    end = high_dimensional_errors(np.inf, ratio=ratio, snr=snr, inr=inr)
    # Least squares, or the interpolating solution that is nearest to the start.
    overfitted = np.inf if ratio == 1 else min(ratio, 1) / abs(1 - ratio)
    assert end.test == pytest.approx(max(1 - ratio, 0) * (1 + inr) + overfitted / snr + 1 / snr, rel=1e-14)
    assert end.train == pytest.approx(max(1 - 1 / ratio, 0) / snr)
    if ratio != 1:
        late = high_dimensional_errors(1e12, ratio=ratio, snr=snr, inr=inr)
        assert_allclose(late.test, end.test, relative=PRECISE)
    else:
        # The noise of the smallest eigenvalues grows as sqrt(t): the integral of density (1-e)^2/lambda.
        late = high_dimensional_errors(np.array([1e20, 4e20]), ratio=ratio, snr=snr).test
        assert_allclose(late[1], 2 * late[0], relative=1e-9)


def test_the_final_test_error_peaks_where_points_and_parameters_are_as_many():
    ratios = np.array([0.2, 0.8, 0.99, 1.0, 1.01, 1.3, 4.0])
    final = high_dimensional_errors(np.inf, ratio=ratios, snr=5.0).test
    assert final.argmax() == 3
    assert (np.diff(final)[:3] > 0).all()
    assert (np.diff(final)[3:] < 0).all()
    assert high_dimensional_errors(np.inf, ratio=1.0, snr=np.inf).test == 0


def simulated(rng, ratio, times, snr, inr, parameters=100):
    """Training and test errors of one draw of data, teacher and student, by the eigensystem of X^T X, (2, T)."""
    n = round(ratio * parameters)
    x = rng.normal(size=(n, parameters)) / np.sqrt(parameters)
    teacher, noise = rng.normal(size=parameters), rng.normal(size=n) / np.sqrt(snr)
    start = rng.normal(size=parameters) * np.sqrt(inr)
    values, vectors = np.linalg.eigh(x.T @ x)
    values = np.where(values > 1e-10, values, 0.0)
    pull = vectors.T @ (x.T @ (x @ (teacher - start) + noise))
    errors = []
    for t in times:
        gain = np.where(values > 0, -np.expm1(-values * t) / np.where(values > 0, values, 1.0), t)
        w = start + vectors @ (gain * pull)
        test = ((w - teacher) ** 2).mean() + 1 / snr
        errors.append([((x @ (w - teacher) - noise) ** 2).mean(), test])
    return np.array(errors).T


@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0])
def test_simulated_students_have_these_errors(rng, ratio):
    times = np.array([0.3, 1.0, 3.0, 10.0])
    runs = np.array([simulated(rng, ratio, times, 5.0, 0.5) for _ in range(50)])
    theory = np.array(high_dimensional_errors(times, ratio=ratio, snr=5.0, inr=0.5))
    error = runs.std(axis=0, ddof=1) / np.sqrt(len(runs))
    # Four standard errors, and 1/P for what the limit of many parameters leaves out.
    assert (np.abs(runs.mean(axis=0) - theory) < 4 * error + theory / 100).all()
    assert (error[1] < 0.05 * theory[1]).all()


@RATIOS
def test_the_density_has_its_mass_and_its_mean(ratio):
    value, measure = over_the_density(ratio)
    assert_allclose(measure.sum(), min(ratio, 1.0), relative=1e-9)  # as above
    assert_allclose((measure * value).sum(), ratio, relative=1e-9)
    assert marchenko_pastur_density((np.sqrt(ratio) + 1) ** 2 * 1.001, ratio=ratio) == 0


@RATIOS
@pytest.mark.parametrize("snr", [0.2, 5.0, 1000.0])
def test_the_best_stopping_time_is_the_minimum_on_a_fine_grid(ratio, snr):
    best = best_stopping_time(ratio=ratio, snr=snr, inr=0.2)
    grid = np.append(best * np.geomspace(0.01, 100, 2001), best)
    errors = high_dimensional_errors(grid, ratio=ratio, snr=snr, inr=0.2).test
    assert errors.min() >= errors[-1] * (1 - 1e-14)  # ties but for rounding
    # A minimum in between: the error falls before it and rises after it.
    assert (np.diff(errors[:980]) < 0).all()
    assert errors[1021] > errors[-1]


def test_the_best_stopping_time_is_found_at_the_far_end_of_its_range():
    best = best_stopping_time(ratio=1.0, snr=1e15, inr=1.0)
    before, least, after = high_dimensional_errors(best * np.array([0.9, 1.0, 1.1]), ratio=1.0, snr=1e15, inr=1.0).test
    assert best > 1e15
    assert least < min(before, after)


def test_a_single_mode_stops_where_its_error_is_least():
    snr, inr, value = 5.0, 0.5, 0.7
    best = mode_stopping_time(value, snr=snr, inr=inr)
    t = np.append(best * np.linspace(0.5, 2.1, 1000), best)
    error = (1 + inr) * np.exp(-2 * value * t) + (1 - np.exp(-value * t)) ** 2 / (value * snr)
    assert error.argmin() == 1000
    assert_allclose(mode_stopping_time(0.0, snr=snr, inr=inr), np.array(snr * (1 + inr)))


def test_without_noise_one_never_stops():
    assert best_stopping_time(ratio=0.5, snr=np.inf) == np.inf


def test_arguments_broadcast():
    errors = high_dimensional_errors(np.ones((3, 1)), ratio=np.array([0.5, 2.0]), snr=5.0)
    assert errors.train.shape == errors.test.shape == (3, 2)
    assert_allclose(errors.test[2, 1], high_dimensional_errors(1.0, ratio=2.0, snr=5.0).test)


@pytest.mark.parametrize("name", ["train", "test", "best"])
@pytest.mark.parametrize("ratio", [0.6, 1.0], ids=["wide", "square"])
def test_derivatives_are_those_of_finite_differences(name, ratio):
    def value(arguments):
        if name == "best":
            return best_stopping_time(**arguments)
        return getattr(high_dimensional_errors(**arguments), name)

    point = {"ratio": ratio, "snr": 5.0, "inr": 0.5} | ({} if name == "best" else {"t": 2.0})
    with jax.enable_x64(True):
        slopes = jax.jit(jax.grad(value))(point)
        batch = jax.jit(jax.vmap(value))({at: np.array([x, 1.1 * x]) for at, x in point.items()})
    h = 1e-4
    for at, x in point.items():
        # Of order h^2, and 1e-10 / h.
        want = (value({**point, at: x + h}) - value({**point, at: x - h})) / (2 * h)
        assert slopes[at] == pytest.approx(float(want), rel=1e-5, abs=1e-8)
    assert_allclose(batch, np.array([value(point), value({at: 1.1 * x for at, x in point.items()})]))


def test_moving_a_parameter_compiles_nothing():
    before = lr.theory.high_dimensional._errors._cache_size()
    for ratio in (0.3, 0.4, 2.0):
        high_dimensional_errors(np.arange(5.0), ratio=ratio, snr=1 / ratio, inr=ratio)
    assert lr.theory.high_dimensional._errors._cache_size() <= before + 1
