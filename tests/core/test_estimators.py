"""Kernel ridge regression as scikit-learn estimators."""

import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

import lazyrich as lr
from lazyrich.estimators import NTKClassifier, NTKRegressor
from tests.core.test_imports import run
from tests.tolerances import assert_allclose

NET = lr.Network(depth=2, activation="erf", weight_var=1.5, bias_var=0.2)
LIKE_NET = {"depth": 2, "activation": "erf", "weight_var": 1.5, "bias_var": 0.2}


# One check, and it alone, wants a package and an environment variable of its own: that arrays of other libraries than
# NumPy are turned into NumPy's, under another name for each release of scikit-learn.
CHECKS = {
    f"{estimator}-{check.func.__name__}-{number}": (each, check)
    for estimator in (NTKRegressor(), NTKClassifier(), NTKRegressor(kind="nngp", ridge=0.1))
    for number, (each, check) in enumerate(estimator_checks_generator(estimator))
    if "array_api" not in check.func.__name__
}


@pytest.mark.parametrize("estimator, check", CHECKS.values(), ids=CHECKS)
def test_it_is_an_estimator_by_the_rules_of_scikit_learn(estimator, check):
    check(estimator)


def test_the_rules_of_scikit_learn_are_many():
    assert len(CHECKS) > 120


@pytest.mark.parametrize("kind", ["nngp", "ntk"])
def test_the_regressor_is_ridge_regression_written_out(kind, rng):
    x, y, new = rng.normal(size=(9, 3)), rng.normal(size=(9, 2)), rng.normal(size=(4, 3))
    kernel = getattr(lr, kind)
    weights = np.linalg.inv(kernel(NET, x) + 0.05 * np.eye(9)) @ (y - y.mean(axis=0))
    want = y.mean(axis=0) + kernel(NET, new, x) @ weights
    got = NTKRegressor(**LIKE_NET, kind=kind, ridge=0.05).fit(x, y).predict(new)
    assert_allclose(got, want)


def test_without_a_ridge_the_regressor_is_the_network_at_the_end_of_training(rng):
    x, y, new = rng.normal(size=(9, 3)), rng.normal(size=9), rng.normal(size=(4, 3))
    flow = lr.LinearDynamics(lr.ntk(NET, x), y - y.mean(), lr.ntk(NET, new, x))
    got = NTKRegressor(**LIKE_NET, ridge=0.0).fit(x, y).predict(new)
    assert_allclose(got, flow.test(np.inf)[:, 0] + y.mean(), relative=1e-9)  # the condition number is about 100


def test_the_classifier_takes_the_largest_of_one_regression_a_class(rng):
    x, new = rng.normal(size=(12, 3)), rng.normal(size=(5, 3))
    labels = np.array(["dog", "cat", "owl"] * 4)
    classifier = NTKClassifier(**LIKE_NET).fit(x, labels)
    scores = [
        NTKRegressor(**LIKE_NET).fit(x, np.where(labels == name, 1.0, -1.0)).predict(new)
        for name in ("cat", "dog", "owl")
    ]
    assert_allclose(classifier.decision_function(new), np.stack(scores, axis=1))
    assert list(classifier.predict(new)) == [("cat", "dog", "owl")[best] for best in np.argmax(scores, axis=0)]


def test_two_classes_have_one_score_whose_sign_decides(rng):
    x = rng.normal(size=(12, 3))
    labels = np.where(x[:, 0] > 0, 7, 3)
    classifier = NTKClassifier(**LIKE_NET).fit(x, labels)
    scores = classifier.decision_function(x)
    assert scores.shape == (12,)
    assert list(classifier.predict(x)) == list(np.where(scores > 0, 7, 3))


def test_it_works_in_a_pipeline_and_its_clone_has_its_parameters(rng):
    x = rng.normal(size=(9, 3)) * [1.0, 10.0, 100.0] + 5
    y = x[:, 0]
    pipeline = clone(make_pipeline(StandardScaler(), NTKRegressor(**LIKE_NET, ridge=1e-6))).fit(x, y)
    assert pipeline.score(x, y) > 0.99
    assert pipeline[-1].get_params()["activation"] == "erf"


@pytest.mark.parametrize(
    "parameters, text",
    [
        ({"ridge": -1.0}, "ridge must be a finite number of at least 0; got -1"),
        ({"kind": "rbf"}, "kind must be one of nngp, ntk; got 'rbf'"),
        ({"depth": 0}, "depth must be a whole number from 1"),
        ({"activation": "swish9000"}, "activation must be one of"),
    ],
    ids=["ridge", "kind", "depth", "activation"],
)
def test_a_bad_parameter_is_refused_when_fitting(parameters, text, rng):
    x = rng.normal(size=(9, 3))
    with pytest.raises(ValueError, match=text):
        NTKRegressor(**parameters).fit(x, x[:, 0])


def test_a_singular_kernel_without_a_ridge_is_refused_with_its_eigenvalue(rng):
    x = rng.normal(size=(9, 3))
    x[4] = x[2]
    with pytest.raises(ValueError, match=r"kernel \+ ridge I must be positive definite beyond rounding; got the small"):
        NTKRegressor(ridge=0.0).fit(x, x[:, 0])


def test_importing_the_core_does_not_import_the_estimators():
    found = run(
        "import sys, lazyrich; print('lazyrich.estimators' in sys.modules, 'sklearn.linear_model' in sys.modules)"
    )
    assert found == "False False\n"
    assert "lazyrich.estimators" in sys.modules
