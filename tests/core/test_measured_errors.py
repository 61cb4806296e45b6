"""Measured errors of linear students and of regressions on a spectrum: textbook versions, theory, and bad values."""

import numpy as np
import pytest

import lazyrich as lr
from lazyrich.theory import high_dimensional_errors, measured_high_dimensional_errors, measured_spectrum_risk

TIMES = np.array([0.3, 3.0, 30.0])
MODES = np.arange(1, 41.0)
LAMBDA, V = MODES**-1.5, MODES**-1.0


def test_students_learn_by_gradient_descent_in_the_limit_of_small_steps():
    n, dim, inr, snr, step = 6, 4, 0.5, 2.0, 1e-4
    (rng,) = np.random.default_rng(3).spawn(1)
    x = rng.standard_normal((n, dim)) / 2
    teacher, w = rng.standard_normal(dim), np.sqrt(inr) * rng.standard_normal(dim)
    y = x @ teacher + rng.standard_normal(n) / np.sqrt(snr)
    for _ in range(round(0.3 / step)):
        w = w + step * x.T @ (y - x @ w)
    got = measured_high_dimensional_errors(0.3, ratio=n / dim, snr=snr, inr=inr, dim=dim, trials=1, seed=3)
    # The step's own error is of its size.
    assert got.train.item() == pytest.approx(((y - x @ w) ** 2).mean(), rel=10 * step)
    assert got.test.item() == pytest.approx(((w - teacher) ** 2).mean() + 1 / snr, rel=10 * step)


@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0])
def test_students_are_as_high_dimensional_theory_says(ratio):
    given = {"ratio": ratio, "snr": 5.0, "inr": 0.3}
    got, expected = measured_high_dimensional_errors(TIMES, dim=80, trials=30, **given), None
    expected = high_dimensional_errors(TIMES, **given)
    for name in ("train", "test"):
        stderr = got[name].std("trial", ddof=1) / 30**0.5
        # Beside chance, theory is for infinitely many parameters.
        assert (np.abs(got[name].mean("trial") - getattr(expected, name)) < 4 * stderr + 1 / 80).all(), name
    assert got.attrs["points"] == 80 * ratio


@pytest.mark.parametrize("k", [None, 7], ids=["kernel", "features"])
@pytest.mark.parametrize("ridge", [0.0, 0.3])
def test_a_regression_is_the_textbooks(k, ridge):
    n, noise = 12, 0.1
    (rng,) = np.random.default_rng(5).spawn(1)
    phi = rng.standard_normal((n, len(MODES)))
    y = phi @ V + np.sqrt(noise) * rng.standard_normal((n, 1))[:, 0]
    psi = np.diag(np.sqrt(LAMBDA))
    if k is not None:
        psi = psi @ rng.standard_normal((len(MODES), k)) / np.sqrt(k)
    features = phi @ psi
    weights = np.linalg.pinv(features.T @ features + ridge * np.eye(features.shape[1])) @ features.T @ y
    got = measured_spectrum_risk(LAMBDA, V, n=n, k=k, ridge=ridge, noise=noise, trials=1, seed=5)
    # The pseudo-inverse of a squared matrix has lost half of the digits.
    assert got.test.item() == pytest.approx(((V - psi @ weights) ** 2).sum() + noise, rel=1e-6)
    assert got.train.item() == pytest.approx(((y - features @ weights) ** 2).mean(), rel=1e-6, abs=1e-9)


def test_regressions_are_as_their_theory_says():
    lam, v = np.arange(1, 401.0) ** -1.5, np.arange(1, 401.0) ** -0.75
    n, ridge = np.array([30, 90]), np.array([0.01, 1.0])
    for k in (None, 60):
        got = measured_spectrum_risk(lam, v, n=n, k=k, ridge=ridge, noise=0.5, trials=40)
        where = {"n": n[:, None], "ridge": ridge[None, :], "noise": 0.5}
        expected = (
            lr.kernel_regression_risk(lam, v, **where) if k is None else lr.random_feature_risk(lam, v, k=k, **where)
        )
        for name in ("test", "train"):
            mean, stderr = got[name].mean("trial"), got[name].std("trial", ddof=1) / 40**0.5
            # Beside chance, theory is for many points.
            assert (np.abs(mean - getattr(expected, name)) < 4 * stderr + 0.03 * mean).all(), (k, name)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: measured_high_dimensional_errors(1.0, ratio=1e9, snr=1.0), "points x parameters"),
        (lambda: measured_high_dimensional_errors(-1.0, ratio=1.0, snr=1.0), "t must be numbers from 0"),
        (lambda: measured_spectrum_risk(LAMBDA, V, n=0), "n must be a whole number"),
        (lambda: measured_spectrum_risk(np.ones(200), np.ones(200), n=5, k=10**6), "Lower n or k"),
        (lambda: measured_spectrum_risk(LAMBDA, V, n=5, ridge=[1.0, -1.0]), "ridge must be"),
    ],
    ids=["too many points", "negative time", "no points", "too many features", "negative ridge"],
)
def test_bad_values_are_refused_in_a_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call()
