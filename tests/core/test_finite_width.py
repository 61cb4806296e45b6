"""Finite width: moments of preactivations, against units drawn one by one and the exact law of ReLU networks."""

import numpy as np
import pytest

import lazyrich as lr
from lazyrich.theory import fourth_moment_ratio, relu_fourth_moment_ratio


def test_relu_networks_follow_their_exact_law():
    width, layers, networks = 8, 3, 4000
    run = lr.measured_signal_propagation(lr.Network(width=width, weight_var=2.0), 0.5, layers=layers, networks=networks)
    ratio, error = fourth_moment_ratio(run.variance.values, width)
    law = relu_fourth_moment_ratio(width, layers)
    assert law == pytest.approx([1, 13 / 8, (13 / 8) ** 2])
    assert (np.abs(ratio - law) < 4 * error).all()
    assert (error < 0.15 * law).all()


def test_the_ratio_is_that_of_single_units(rng):
    """Variances of units that are Gaussian given a random scale."""
    width, networks = 4, 20_000
    scale = rng.uniform(0.5, 1.5, networks)
    units = np.sqrt(scale)[:, None] * rng.standard_normal((networks, width))
    ratio, error = fourth_moment_ratio((units**2).mean(axis=1)[:, None], width)
    assert abs(ratio[0] - (scale**2).mean() / scale.mean() ** 2) < 4 * error[0]
    direct = (units**4).mean() / (3 * (units**2).mean() ** 2)
    assert abs(ratio[0] - direct) < 6 * error[0]


def test_the_error_is_that_of_leaving_networks_out_one_by_one(rng):
    q = rng.uniform(1, 2, (6, 2))
    _, error = fourth_moment_ratio(q, 3)
    left_out = [fourth_moment_ratio(np.delete(q, i, axis=0), 3)[0] for i in range(6)]
    np.testing.assert_allclose(error, np.sqrt(5 * np.var(left_out, axis=0)), rtol=1e-12)


def test_one_network_has_no_error():
    with pytest.raises(ValueError, match="at least 2 networks; got 1"):
        fourth_moment_ratio(np.ones((1, 3)), 4)
