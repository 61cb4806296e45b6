"""Agreement with the stored numbers of an independent implementation; see tests/reference/README.md."""

from pathlib import Path

import jax
import numpy as np
import pytest

import lazyrich as lr
from tests.tolerances import assert_allclose

REFERENCE = Path(__file__).parents[1] / "reference"
KERNELS, DYNAMICS = (dict(np.load(REFERENCE / f"{name}.npz")) for name in ("kernels", "dynamics"))


def sigmoid_like(z):
    """0.5 erf(z/2.40...) + 0.5, which here goes through the series of a function of the user's."""
    return 0.5 * jax.lax.erf(z / 2.4020563531719796) + 0.5


ACTIVATIONS = {
    "relu": lr.activation("relu"),
    "leaky_relu_0p1": lr.activation("leaky_relu", slope=0.1),
    "erf": lr.activation("erf"),
    "gelu": lr.activation("gelu"),
    "abs": lr.activation("abs"),
    "sin": lr.activation("sin"),
    "cos": lr.activation("cos"),
    "rbf": lr.activation("rbf", gamma=1.0),
    "identity": lr.activation("identity"),
    "monomial3": lr.activation("monomial", degree=3),
    "sigmoid_like": lr.activation(sigmoid_like),
}
POINTS = {"11": ("X1", None), "12": ("X1", "X2"), "22": ("X2", None)}


@pytest.mark.parametrize("bias_var", ["0", "0.1"])
@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_kernels_agree_to_ten_digits(name, depth, bias_var):
    weight_var = {"0": "2", "0.1": "1.5"}[bias_var]
    net = lr.Network(
        depth=depth,
        activation=ACTIVATIONS[name],
        weight_var=float(weight_var),
        bias_var=float(bias_var),
    )
    for points, (first, second) in POINTS.items():
        got = lr.nngp_and_ntk(net, KERNELS[first], None if second is None else KERNELS[second])
        for kind in ("nngp", "ntk"):
            want = KERNELS[f"{name}/d{depth}/w{weight_var}/b{bias_var}/{kind}/{points}"]
            # The promise; the reference itself is off by 2e-11 at the short points that coincide.
            assert_allclose(getattr(got, kind), want, relative=1e-8 if name == "sigmoid_like" else 1e-10)


@pytest.mark.parametrize("case", [key for key in KERNELS if key.startswith("sign/") and "/nngp/" in key])
def test_the_nngp_kernel_of_sign_agrees(case):
    _, depth, weight_var, bias_var, _, points = case.split("/")
    net = lr.Network(int(depth[1:]), 1, "sign", float(weight_var[1:]), float(bias_var[1:]))
    first, second = POINTS[points]
    got = lr.nngp(net, KERNELS[first], None if second is None else KERNELS[second])
    want = KERNELS[case]
    if second is None:
        # The diagonal is exact here; the reference's is off by up to 1 %, at the short point.
        assert_allclose(np.diag(got), np.full(len(got), net.weight_var + net.bias_var))
        got, want = (matrix - np.diag(np.diag(matrix)) for matrix in (got, want))
    # An angle from the cosine, as the reference has it, is off by 2e-8 at points that coincide.
    assert_allclose(got, want, relative=1e-7)


# The promise for dynamics. Its kernels come from the file too, so that nothing else is compared.
DIGITS = 1e-8
OUTPUTS = DYNAMICS["Y"].shape[1]
TIMES = DYNAMICS["lr"] * DYNAMICS["times"] / OUTPUTS


@pytest.fixture
def flow():
    return lr.LinearDynamics(DYNAMICS["ntk"], DYNAMICS["Y"], DYNAMICS["ntk_t"])


def test_outputs_over_time_agree(flow):
    assert_allclose(flow.train(TIMES), DYNAMICS["f_train"], DIGITS)
    assert_allclose(flow.test(TIMES), DYNAMICS["f_test"], DIGITS)


def test_momentum_in_continuous_time_agrees():
    flow = lr.LinearDynamics(
        DYNAMICS["ntk"], DYNAMICS["Y"], DYNAMICS["ntk_t"],
        learning_rate=float(DYNAMICS["lr"]) / OUTPUTS, momentum=0.9, continuous=True,
    )  # fmt: skip
    times = DYNAMICS["lr"] * DYNAMICS["momentum_times"] / OUTPUTS
    # The reference's own error, as its solver stopped at 1.4e-8 a step: at 1e-12 a step it comes to within 2e-11.
    assert_allclose(flow.train(times), DYNAMICS["f_train_momentum"], relative=1e-7)
    assert_allclose(flow.test(times), DYNAMICS["f_test_momentum"], relative=1e-7)


def test_the_largest_learning_rate_agrees(flow):
    assert_allclose(flow.max_learning_rate, DYNAMICS["max_lr"] / OUTPUTS, DIGITS)


def test_the_ridge_solution_agrees_on_test_points():
    n, ridge = len(DYNAMICS["Y"]), 1e-2 * np.trace(DYNAMICS["ntk"]) / len(DYNAMICS["Y"])
    flow = lr.LinearDynamics(DYNAMICS["ntk"], DYNAMICS["Y"], DYNAMICS["ntk_t"], ridge=ridge / n)
    assert_allclose(flow.test(np.inf), DYNAMICS["f_test_ridge_inf"], DIGITS)


TEST_NNGP = lr.nngp(lr.Network(depth=2, activation="erf", weight_var=1.5, bias_var=0.1), DYNAMICS["XT"])
NNGP = {"nngp": DYNAMICS["nngp"], "cross_nngp": DYNAMICS["nngp_t"], "test_nngp": TEST_NNGP}


@pytest.mark.parametrize("trained", ["ntk", "nngp"], ids=["all_layers", "readout_alone"])
def test_the_ensembles_mean_and_covariance_agree(trained):
    flow = lr.LinearDynamics(DYNAMICS[trained], DYNAMICS["Y"], DYNAMICS[f"{trained}_t"], **NNGP)
    # Relative to the covariance before training, since on training points it falls to 0.
    scale = np.abs(DYNAMICS["nngp"]).max()
    for points in ("train", "test"):
        for times, suffix in ((TIMES, ""), (np.inf, "_inf")):
            mean = getattr(flow, points)(times)
            assert_allclose(mean, DYNAMICS[f"ens_{trained}_{points}_mean{suffix}"], DIGITS)
            want = DYNAMICS[f"ens_{trained}_{points}_cov{suffix}"]
            assert np.abs(flow.covariance(times, points) - want).max() <= DIGITS * scale
            diagonal = np.diagonal(want, axis1=-2, axis2=-1)
            assert np.abs(flow.variance(times, points) - diagonal).max() <= DIGITS * scale
