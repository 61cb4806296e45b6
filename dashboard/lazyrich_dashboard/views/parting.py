"""Parting: where finite networks have left the lazy path, and not by chance.

Networks of several seeds scatter about their mean. Where that mean is further from theory than a t-test allows,
training has made of all of them something that the fixed kernel cannot: they learn features, or are too narrow. A ring
around the mean says so.
"""

import numpy as np
from scipy.stats import t as student

from ..marks import Part

RINGS = Part("off theory", "halos", "trained", legend=False)
# How sure one has to be of each point; of a hundred that are lazy five have a ring.
_CONFIDENCE = 0.95


def has_parted(values: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return where the mean of `values` (seeds, m) differs from `expected` (m,); nowhere for a single seed.

    By Student's two-sided t-test of each point: |mean - expected| > t * standard error.
    """
    seeds = len(values)
    if seeds < 2:
        return np.zeros(len(expected), bool)
    error = values.std(axis=0, ddof=1) / np.sqrt(seeds)
    return np.abs(values.mean(axis=0) - expected) > student.ppf((1 + _CONFIDENCE) / 2, seeds - 1) * error


def rings(x: np.ndarray, values: np.ndarray, expected: np.ndarray) -> dict[str, np.ndarray]:
    """Return the rings around the mean of `values` (seeds, m) at `x` (m,)."""
    parted = has_parted(values, expected)
    return {"x": x[parted], "y": values.mean(axis=0)[parted]}


def in_words(values: np.ndarray, expected: np.ndarray) -> str:
    """Return a sentence that says how many of the points have a ring; empty for a single seed, which has no chance."""
    if len(values) < 2:
        return ""
    count, sure = int(has_parted(values, expected).sum()), f"({100 * _CONFIDENCE:.0f} % sure)"
    return f" Ringed: off theory {sure}, {count} of {len(expected)}." if count else f" Nowhere off theory {sure}."
