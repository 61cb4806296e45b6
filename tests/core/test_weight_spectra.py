"""Singular values of weights, the edges of random ones, and the exponents of heavy tails."""

import numpy as np
import pytest

import lazyrich as lr
from tests.tolerances import assert_allclose


def test_singular_values_are_those_of_the_weights_as_they_act():
    net = lr.Network(3, 6, "tanh", 1.7)
    params = lr.init(net, 4, 2, dtype="float64")
    spectra = lr.weight_spectra(net, params)
    matrices = [params.first / 2, *(params.hidden / np.sqrt(6)), params.readout / np.sqrt(6)]
    for spectrum, w in zip(spectra, matrices, strict=True):
        values = np.sqrt(1.7 * np.linalg.eigvalsh(w @ w.T if len(w) < w.shape[1] else w.T @ w)[::-1])
        assert_allclose(spectrum.singular_values, values)


def test_random_weights_fill_the_range_between_the_edges_and_a_learned_direction_leaves_it():
    net = lr.Network(2, 400, "tanh", 1.7)
    params = lr.init(net, 100, 1)
    for spectrum in lr.weight_spectra(net, params)[:2]:
        # The fluctuations at an edge are of the order N^(-2/3), 0.02.
        assert_allclose(spectrum.singular_values[0], spectrum.upper_edge, relative=0.03)
        assert abs(spectrum.singular_values[-1] - spectrum.lower_edge) < 0.03 * spectrum.upper_edge
    assert_allclose(lr.weight_spectra(net, params)[0].upper_edge, np.sqrt(1.7) * 3)
    learned = params._replace(hidden=params.hidden + 0.2)
    spectrum = lr.weight_spectra(net, learned)[1]
    assert spectrum.singular_values[0] > 1.3 * spectrum.upper_edge > 1.25 * spectrum.singular_values[1]


def naive_tail(values, least):
    """Every candidate in turn, with the empirical distribution written out."""
    best = None
    for minimum in sorted(set(values)):
        tail = np.sort(values[values >= minimum])
        if len(tail) < least or tail[0] == tail[-1]:
            continue
        alpha = 1 + len(tail) / np.log(tail / minimum).sum()
        fitted = 1 - (tail / minimum) ** (1 - alpha)
        below, up_to = np.arange(len(tail)) / len(tail), np.arange(1, len(tail) + 1) / len(tail)
        distance = max(np.abs(fitted - below).max(), np.abs(fitted - up_to).max())
        if best is None or distance < best[0]:
            best = distance, alpha, minimum, len(tail)
    return best


def test_the_tail_is_the_best_of_all_candidates(rng):
    values = np.concatenate([rng.uniform(0, 1, 60), rng.pareto(1.5, 60) + 1])
    fit = lr.fit_power_law_tail(values)
    got = (fit.distance, fit.exponent, fit.minimum, fit.count)
    assert_allclose(got, naive_tail(values, 10))


@pytest.mark.parametrize("alpha", [1.8, 2.5, 4.0])
def test_the_exponent_of_a_density_is_found_within_its_error(alpha, rng):
    fits = [lr.fit_power_law_tail(rng.pareto(alpha - 1, 1000) + 1, least=500) for _ in range(20)]
    scores = np.array([(fit.exponent - alpha) / fit.stderr for fit in fits])
    assert abs(scores.mean()) < 5 / np.sqrt(20)
    assert np.sqrt((scores**2).mean()) < 1.6  # the minimum is looked for, which adds to the spread
    # The documented median of a true power law's distance.
    assert 0.45 < np.median([fit.distance * np.sqrt(fit.count) for fit in fits]) < 0.65


@pytest.mark.parametrize("decay", [0.5, 1.0, 2.0])
def test_eigenvalues_that_fall_as_a_power_of_their_rank_have_one_plus_its_inverse(decay):
    fit = lr.fit_power_law_tail(np.arange(1, 4001.0) ** -decay, least=2000)
    # The largest values weigh in with the logarithm of the count over the count.
    assert_allclose(fit.exponent, 1 + 1 / decay, relative=5e-3)


@pytest.mark.parametrize(
    "values, text",
    [
        (np.ones(9), "vector of at least 10 numbers; got shape"),
        (np.ones((20, 2)), "vector of at least 10 numbers; got shape"),
        (np.arange(20.0), "must be positive; got 0"),
        (np.ones(20), "must differ to have a tail; got 1 in each"),
    ],
    ids=["few", "matrix", "zero", "equal"],
)
def test_what_has_no_tail_is_refused(values, text):
    with pytest.raises(ValueError, match=text):
        lr.fit_power_law_tail(values)


def test_weights_that_diverged_are_refused():
    net = lr.Network(1, 4)
    params = lr.init(net, 2, 1)
    with pytest.raises(ValueError, match="params must be finite; got NaN"):
        lr.weight_spectra(net, params._replace(first=params.first * np.nan))
