"""Small experiments for the tests of the dashboard, and what the core says about them."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

import lazyrich as lr

# One size for all tests, so that what is compiled for one serves the others.
SMALL = lr.Experiment(
    data=lr.DataSpec("digits", n_train=32, n_test=40),
    network=lr.Network(depth=2, width=16),
    training=lr.TrainingSpec(time=8.0, seeds=2, checkpoints=5, ntk_points=32),
)
# The data sets whose functions are drawn along one coordinate.
WITH_A_COORDINATE = ("circle", "regression")
# Far above the largest stable step, so that a few steps leave the range of single precision.
UNSTABLE_STEP = 1e4


def small(data: str = "digits", **training: Any) -> lr.Experiment:
    """Return the small experiment on another data set, with other training."""
    return dataclasses.replace(
        SMALL,
        data=dataclasses.replace(SMALL.data, name=data),
        training=dataclasses.replace(SMALL.training, **training),
    )


def theory_spectrum(experiment: lr.Experiment) -> lr.Eigensystem:
    """Return the eigensystem of an experiment's training kernel, from the core alone."""
    return lr.eigensystem(lr.ntk(experiment.network, experiment.load_data().x_train))


def assert_is_spectrum_of(experiment: lr.Experiment, columns: Mapping[str, Any]) -> None:
    """Assert that the columns of a plot are ranks from 1 and the eigenvalues of Theta/n above rounding."""
    spectrum = theory_spectrum(experiment)
    kept = spectrum.values[spectrum.values > spectrum.resolution]
    x, y = (np.asarray(columns[name], dtype=np.float64) for name in "xy")
    np.testing.assert_array_equal(x, np.arange(1, len(kept) + 1))
    # Columns travel in single precision, which rounds by 6e-8; the eigenvalues themselves have the resolution's error.
    error = np.abs(y * len(spectrum.values) - kept)
    assert (error <= 1e-7 * kept + spectrum.resolution).all(), f"off by up to {error.max():.3g}"
