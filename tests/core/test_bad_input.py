"""Every public function refuses what it cannot use, in words: the rule, what was got, the mend."""

import inspect
import re

import numpy as np
import pytest

import lazyrich as lr
from tests.core.public_calls import CALLS, DATA, NET, X, Y

pytestmark = pytest.mark.usefixtures("production")

CASES = {
    f"{function}-{argument}-{kind}": (function, argument, value, text)
    for function, (_, _, arguments) in CALLS.items()
    for argument, bad in arguments.items()
    for kind, (value, text) in bad.items()
}
# Values that functions hand out, not what they are given.
RESULTS = {
    "Criticality",
    "CriticalPoint",
    "ABC",
    "Activation",
    "Eigensystem",
    "Kernels",
    "Params",
    "PowerLaw",
    "Risk",
    "Verdict",
}
RESULTS |= {"MercerSpectrum", "NoPowerLawError"}
RESULTS |= {"Conditioning", "LogMarginalLikelihood", "PoolSpectrum", "Solution", "TopEigenpairs"}
RESULTS |= {"ActivationMovement", "HessianTrace", "LayerSpectrum", "ParameterMovement", "PowerLawTail", "Sharpness"}


def test_every_public_function_is_tried():
    public = {name for name in vars(lr) if not name.startswith("_")}
    public = {name for name in public if not inspect.ismodule(getattr(lr, name))}
    assert public - RESULTS <= set(CALLS)


@pytest.mark.parametrize("function", [name for name, (_, good, _) in CALLS.items() if good])
def test_the_good_arguments_are_taken(function):
    call, good, bad = CALLS[function]
    assert set(bad) <= set(good)
    call(**good)


@pytest.mark.parametrize("function, argument, value, text", CASES.values(), ids=CASES)
def test_a_bad_argument_is_refused_with_the_rule_what_was_got_and_the_mend(function, argument, value, text):
    call, good, _ = CALLS[function]
    with pytest.raises(ValueError, match=text) as error:
        call(**{**good, argument: value})
    assert re.fullmatch(r".*(must|needs?|can be|is read).*got .*\. [A-Z][^.]*.*\.", str(error.value), re.DOTALL)


@pytest.mark.parametrize(
    "call, text",
    [
        (lambda: lr.ntk(NET, np.full((1, 2), 1e200)), "kernel must be finite in float64; got an overflow"),
        (lambda: lr.ntk(lr.Network(300, weight_var=1e9), X), "kernel must be finite in float64; got an overflow"),
        (lambda: lr.load_data("digits", n_train=1700, n_test=98), "has 1797 images.*got 1798"),
        (
            lambda: lr.Dataset(x_train=X, y_train=Y, x_test=X[:, :1], y_test=Y),
            "inputs must have the same number of columns; got 2 and 1",
        ),
        (
            lambda: lr.Dataset(x_train=X, y_train=Y, x_test=X, y_test=np.ones((3, 2))),
            "targets must have the same number of columns; got 1 and 2",
        ),
        (
            lambda: lr.apply(NET, lr.init(lr.Network(3, 4), 2, 1), X),
            r"\(width, in_dim, depth\) of net and x, \(4, 2, 2\); got \(4, 2, 3\)",
        ),
        (lambda: lr.activation("relu", slope=0.1), "parameters of relu are: none; got 'slope'"),
        (lambda: lr.Network(activation=lr.Activation("swish9000")), "must be one of .*'swish9000'"),
        (
            lambda: lr.train(lr.Network(2, 4, weight_var=0.0), DATA, time=1.0),
            "default learning rate needs a kernel that is not zero; got weight_var 0",
        ),
        (
            lambda: lr.train(NET, DATA, time=1.0, seed=2**32 - 1, seeds=2),
            "seeds - 1 must be a whole number from 0 to 4,294,967,295",
        ),
        (
            lambda: lr.train(lr.Network(2, 4, weight_var=1e60), DATA, time=1.0, learning_rate=0.1, seeds=1),
            "loss before training must be finite in float32; got infinity",
        ),
        (lambda: lr.LinearDynamics(np.eye(3), Y, momentum=0.5), "comes with a learning rate"),
        (
            lambda: lr.LinearDynamics(np.eye(3), Y, learning_rate=1e-9).train(1e9),
            "at most 9.0072e.15 steps of gradient descent",
        ),
        (
            lambda: lr.kernel_regression_risk([1.0], [1e200], n=1),
            "at most 1e.150 in size; got 1e.200",
        ),
        (
            lambda: lr.minibatch_dynamics(np.eye(3), 1e200 * Y, time=1.0, learning_rate=0.1, batch_size=1),
            "loss before training must be finite in float64; got an overflow",
        ),
        (lambda: lr.mean_field(NET, DATA, time=1.0), "for one hidden layer; got depth 2"),
        (lambda: lr.classify(lr.ABC((0, 1), (0,), 0)), "one entry a layer.*got 2 and 1"),
        (lambda: lr.classify(lr.ABC((0, "x"), (0, 0), 0)), "a must be a finite number; got 'x'"),
    ],
    ids=[
        "huge_inputs", "huge_weights", "too_few_images", "input_columns", "target_columns",
        "weights_of_another_net", "unknown_parameter", "unknown_activation_value", "no_kernel",
        "last_seed", "loss_overflows", "momentum_of_a_flow", "endless_descent", "huge_coefficients", "huge_targets",
        "deep_mean_field",
        "exponents_of_two_lengths", "exponent_in_words",
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_refused_with_its_reason(call, text):
    with pytest.raises(ValueError, match=text):
        call()
