"""Rings stand where networks have left theory, and not by chance."""

import numpy as np
from scipy.stats import ttest_1samp

from lazyrich_dashboard.views import parting


def test_a_ring_is_where_a_t_test_says_so(rng):
    values, expected = rng.normal(size=(4, 200)) + np.linspace(0, 3, 200), np.zeros(200)
    want = ttest_1samp(values, expected).pvalue < 0.05
    assert 20 < want.sum() < 180
    np.testing.assert_array_equal(parting.has_parted(values, expected), want)
    rings = parting.rings(np.arange(200), values, expected)
    np.testing.assert_array_equal(rings["x"], np.flatnonzero(want))
    np.testing.assert_array_equal(rings["y"], values.mean(axis=0)[want])
    assert f"{want.sum()} of 200" in parting.in_words(values, expected)


def test_about_five_of_a_hundred_lazy_points_have_one(rng):
    share = parting.has_parted(rng.normal(size=(3, 4000)), np.zeros(4000)).mean()
    assert abs(share - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 4000)


def test_a_single_network_has_no_chance():
    values = np.ones((1, 5))
    assert not parting.has_parted(values, np.zeros(5)).any()
    assert parting.in_words(values, np.zeros(5)) == ""


def test_networks_that_agree_with_theory_to_the_last_bit_have_none():
    values = np.ones((3, 5))
    assert not parting.has_parted(values, np.ones(5)).any()
    assert parting.in_words(values, np.ones(5)) == " Nowhere off theory (95 % sure)."
