"""Function-space training with any loss: the reference trajectory, explicit steps, closed forms and support vectors."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize

import lazyrich as lr
from lazyrich.dynamics.losses.chebyshev import chebyshev_step
from tests.tolerances import assert_allclose

DYNAMICS = dict(np.load(Path(__file__).parents[1] / "reference" / "dynamics.npz"))
THETA, CROSS, Y = DYNAMICS["ntk"], DYNAMICS["ntk_t"], DYNAMICS["Y"]
SIGNS = np.where(Y > 0, 1.0, -1.0)
N, C = Y.shape
# One number of times throughout, as each compiles anew.
TIMES = np.array([0.0, 0.3, 1.0, 2.0, 5.0, 10.0])
# Five times what was seen at the default tolerances, whose local errors of 1e-7 add up over some 1,000 steps.
SOLVER = 3e-5


def quartic(f, y):
    """A loss of the user's that also couples its outputs."""
    return jnp.sum((f - y) ** 2) ** 2 / 4


def softmax(f):
    return np.exp(f) / np.exp(f).sum(axis=1, keepdims=True)


GRADIENTS = {
    "cross_entropy": lambda f, y: softmax(f) - y,
    "logistic": lambda f, y: -y / (1 + np.exp(y * f)),
    "squared_hinge": lambda f, y: -y * np.maximum(0, 1 - y * f),
    "huber": lambda f, y: np.clip(f - y, -0.5, 0.5),
    "quartic": lambda f, y: (f - y) * ((f - y) ** 2).sum(axis=1, keepdims=True),
}


def steps_by_hand(gradient, y, f0, ridge, times, h=5e-3):
    """Classical Runge-Kutta steps of the outputs on training and test points, (T, N + N', C)."""
    both, start = np.concatenate([THETA, CROSS]), np.concatenate(f0)

    def velocity(f):
        return -both @ gradient(f[:N], y) / N - ridge * (f - start)

    f, results = start, []
    for count in np.diff(np.round(times / h).astype(int), prepend=0):
        for _ in range(count):
            k1 = velocity(f)
            k2 = velocity(f + h / 2 * k1)
            k3 = velocity(f + h / 2 * k2)
            f = f + h / 6 * (k1 + 2 * k2 + 2 * k3 + velocity(f + h * k3))
        results.append(f)
    return np.stack(results)


def test_the_cross_entropys_trajectory_is_the_reference(rng):
    pick = [0, 1, 2, 4, 8, 12]
    # Its loss is a mean over points alone: no factor C in its time, learning rate x t.
    times = DYNAMICS["lr"] * DYNAMICS["xent_times"][pick]
    result = lr.loss_dynamics(THETA, DYNAMICS["Y_onehot"], times, cross_ntk=CROSS)
    # The reference's own solver; 1e-5 was asked for.
    assert_allclose(result.f_train.values, DYNAMICS["f_train_xent"][pick], relative=1e-7)
    assert_allclose(result.f_test.values, DYNAMICS["f_test_xent"][pick], relative=1e-7)


@pytest.mark.parametrize("loss", GRADIENTS)
def test_each_loss_flows_as_small_steps_do(loss, rng):
    y = {"huber": Y, "quartic": Y, "cross_entropy": np.array([[0.3, 0.7]] * N)}.get(loss, SIGNS)
    f0, ridge = (rng.normal(size=(N, C)), rng.normal(size=(len(CROSS), C))), 0.02
    result = lr.loss_dynamics(
        THETA, y, TIMES, loss=quartic if loss == "quartic" else loss, cross_ntk=CROSS, f0=f0, ridge=ridge,
        huber_delta=0.5,
    )  # fmt: skip
    want = steps_by_hand(GRADIENTS[loss], y, f0, ridge, TIMES)
    got = np.concatenate([result.f_train, result.f_test], axis=1)
    # The Huber loss and the squared hinge have kinks in their gradient, which cost both sides digits.
    assert_allclose(got, want, relative=SOLVER if loss in ("huber", "squared_hinge") else 2e-6)


@pytest.mark.parametrize("ridge", [0.0, 0.05], ids=["no_ridge", "ridge"])
def test_the_squared_loss_has_the_closed_form_at_any_time_in_any_order(ridge):
    times = [1e12, 0.0, 1.0, np.inf, 30.0, 1e6]
    flow = lr.LinearDynamics(THETA, Y, CROSS, f0=(0.1 * Y, CROSS[:, :2]), ridge=ridge)
    result = lr.loss_dynamics(
        THETA, Y, times, loss="squared", cross_ntk=CROSS, y_test=Y[:4], f0=(0.1 * Y, CROSS[:, :2]), ridge=ridge
    )
    assert_allclose(result.f_train.values, flow.train(times), relative=SOLVER)
    assert_allclose(result.f_test.values, flow.test(times), relative=SOLVER)
    assert_allclose(result.train_loss.values, flow.train_loss(times), relative=SOLVER)
    assert_allclose(result.test_loss.values, flow.test_loss(times, Y[:4]), relative=SOLVER)
    assert list(result.time.values) == times


def test_duplicates_with_other_labels_keep_their_mean_for_ever():
    index = [0, 0, *range(1, N - 1)]
    theta, cross, times = THETA[np.ix_(index, index)], CROSS[:, index], [0.0, 1.0, 30.0, 1e6, 1e12, np.inf]
    flow = lr.LinearDynamics(theta, Y, cross)
    result = lr.loss_dynamics(theta, Y, times, loss="squared", cross_ntk=cross, y_test=Y[:4])
    assert_allclose(result.f_train.values, flow.train(times), relative=SOLVER)
    assert_allclose(result.f_test.values, flow.test(times), relative=SOLVER)


def test_two_classes_are_one_margin_on_twice_the_kernel():
    labels = (SIGNS[:, 0] > 0).astype(int)
    classes = lr.loss_dynamics(THETA, labels, TIMES, cross_ntk=CROSS)
    both = np.stack([SIGNS[:, 0]] * 2, axis=1)
    margin = lr.loss_dynamics(2 * THETA, both, TIMES, loss="logistic", cross_ntk=2 * CROSS)
    for name in ("f_train", "f_test"):
        difference = classes[name].values[..., 1] - classes[name].values[..., 0]
        assert_allclose(difference, margin[name].values[..., 0], relative=1e-6)
    assert_allclose(classes.train_loss.values, margin.train_loss.values / 2, relative=1e-6)
    # Before training all outputs are 0, which is class 0 and no sign.
    assert_allclose(classes.train_accuracy.values[1:], margin.train_accuracy.values[1:])


def test_a_huber_loss_of_far_kinks_is_the_squared_loss():
    squared, huber = (
        lr.loss_dynamics(THETA, Y, TIMES, loss=loss, cross_ntk=CROSS, huber_delta=1e6) for loss in ("squared", "huber")
    )
    assert_allclose(huber.f_test.values, squared.f_test.values)
    assert_allclose(huber.train_loss.values, squared.train_loss.values)


def test_with_ridge_the_cross_entropy_ends_where_its_gradient_and_the_ridge_balance():
    labels, ridge = DYNAMICS["Y_onehot"], 0.01
    end = lr.loss_dynamics(THETA, labels, [*TIMES[1:], np.inf], cross_ntk=CROSS, ridge=ridge, atol=1e-9).isel(time=-1)
    dual = -GRADIENTS["cross_entropy"](end.f_train.values, labels) / (N * ridge)
    # Far below the tolerance of a step, as a flow at rest forgets its errors.
    assert_allclose(THETA @ dual, end.f_train.values, relative=1e-8)
    assert_allclose(CROSS @ dual, end.f_test.values, relative=1e-8)


def test_separable_classes_have_no_end_and_the_refusal_says_so():
    with pytest.raises(
        ValueError, match=r"At t = infinity the flow must come to rest; got one that after t = 1.*ridge"
    ):
        lr.loss_dynamics(THETA, DYNAMICS["Y_onehot"], [*TIMES[1:], np.inf], cross_ntk=CROSS)


def test_logits_of_separable_classes_grow_as_the_logarithm_of_a_very_long_time():
    times = [0.0, 1.0, 1e3, 1e6, 1e8, 1e10]
    loss = lr.loss_dynamics(THETA, DYNAMICS["Y_onehot"], times, cross_ntk=CROSS).train_loss.values
    # Loss ~ 1/t (Soudry et al. 2018), and nearly so already.
    assert_allclose(loss[4] / loss[5], 100.0, relative=0.01)


def test_a_time_that_cannot_be_reached_is_a_sentence_that_says_how_far_it_got(rng):
    vectors = np.linalg.qr(rng.normal(size=(N, N)))[0]
    steep = (vectors * np.logspace(0, -11, N)) @ vectors.T
    times = [0.0, 1.0, 1e2, 1e3, 1e4, 1e13]
    with pytest.raises(ValueError, match=r"must be solved up to t = 1e\+13; got as far as t = 1e\+04"):
        lr.loss_dynamics(steep, Y, times, loss="squared", cross_ntk=CROSS, y_test=Y[:4])


def hinge_by_hand(y, f0, ridge, end, h):
    a = np.zeros_like(y)
    for _ in range(round(end / h)):
        a += h * (-(y * (y * (f0 - THETA @ a) < 1)) / N - ridge * a)
    return f0 - THETA @ a


@pytest.mark.parametrize("ridge", [0.0, 0.05], ids=["no_ridge", "ridge"])
def test_the_hinge_flow_is_the_limit_of_small_subgradient_steps(ridge, rng):
    f0 = rng.normal(size=(N, C))
    end = lr.loss_dynamics(THETA, SIGNS, 5.0, loss="hinge", f0=f0, ridge=ridge).f_train.values
    # Small steps chatter about the kinks by a step's length.
    errors = [np.abs(end - hinge_by_hand(SIGNS, f0, ridge, 5.0, h)).max() for h in (1e-2, 1e-3)]
    assert 1e-5 < errors[0] < 1e-2 and errors[1] < 0.2 * errors[0]


@pytest.mark.parametrize("ridge", [0.003, 0.3], ids=["few_at_the_bound", "most_at_the_bound"])
def test_with_ridge_the_hinge_flow_ends_in_the_support_vector_machine(ridge, rng):
    y = np.where(rng.random(N) < 0.3, -1.0, 1.0) * SIGNS[:, 0]
    end = lr.loss_dynamics(THETA, y, np.inf, loss="hinge", cross_ntk=CROSS, ridge=ridge)
    # The dual without a bias unit: max sum(b) - b'Qb/2 over 0 <= b <= C.
    q, cost = y[:, None] * THETA * y[None], 1 / (N * ridge)
    dual = minimize(
        lambda b: (b @ q @ b / 2 - b.sum(), q @ b - 1), np.zeros(N), jac=True, bounds=[(0, cost)] * N,
        method="L-BFGS-B", options={"ftol": 1e-16, "gtol": 1e-12, "maxiter": 10_000},
    ).x  # fmt: skip
    assert ((dual > 1e-6 * cost) & (dual < (1 - 1e-6) * cost)).any()
    # The digits of the quadratic program's solver.
    assert_allclose(end.f_train.values[:, 0], THETA @ (y * dual), relative=1e-5)
    assert_allclose(end.f_test.values[:, 0], CROSS @ (y * dual), relative=1e-5)


def test_the_hinge_flow_ends_at_margins_of_at_least_one_and_stays(rng):
    result = lr.loss_dynamics(THETA, SIGNS, [np.inf, 0.0, 1e3, 1e9], loss="hinge", cross_ntk=CROSS)
    assert (result.f_train.values[0] * SIGNS >= 1 - 1e-12).all()
    assert_allclose(result.f_test.values[[0, 3]], result.f_test.values[[2, 2]])
    assert_allclose(result.train_loss.values, np.array([0.0, 2.0, 0.0, 0.0]))


def test_opposite_labels_on_one_point_never_leave_the_hinges_kinks():
    theta = THETA[np.ix_([0, 0, 1], [0, 0, 1])]
    result = lr.loss_dynamics(theta, [1.0, -1.0, 1.0], [5.0, np.inf], loss="hinge", f0=(np.array([0.3, 0.3, 0.0])))
    f = result.f_train.values[:, :, 0]
    assert_allclose(f[:, 0], f[:, 1])
    assert_allclose(result.train_loss.values[-1], 2 / 3)


@pytest.mark.parametrize("loss, labels", [("cross_entropy", "classes"), ("logistic", "signs"), ("hinge", "signs")])
def test_losses_and_accuracies_are_means_over_points(loss, labels, rng):
    y, y_test = SIGNS, np.where(rng.random((4, 2)) < 0.5, -1.0, 1.0)
    if labels == "classes":
        y, y_test = DYNAMICS["Y_onehot"], np.eye(2)[[0, 1, 1, 0]]
    result = lr.loss_dynamics(THETA, y, TIMES, loss=loss, cross_ntk=CROSS, y_test=y_test)
    f, last = result.f_test.values[-1], result.isel(time=-1)
    if loss == "cross_entropy":
        assert_allclose(last.test_loss.values, -np.log((softmax(f) * y_test).sum(axis=1)).mean())
        assert_allclose(last.test_accuracy.values, (f.argmax(axis=1) == y_test.argmax(axis=1)).mean())
    else:
        value = np.log1p(np.exp(-y_test * f)) if loss == "logistic" else np.maximum(0, 1 - y_test * f)
        assert_allclose(last.test_loss.values, value.sum(axis=1).mean())
        assert_allclose(last.test_accuracy.values, (np.sign(f) == y_test).mean())
    assert result.test_loss.attrs["long_name"] == f"mean over the test points of the loss {loss}"


def test_class_numbers_and_labels_0_and_1_are_other_ways_to_write_the_same():
    rows, numbers = (lr.loss_dynamics(THETA, y, TIMES, cross_ntk=CROSS) for y in (np.eye(2)[[0, 1] * 5], [0, 1] * 5))
    assert_allclose(numbers.f_train.values, rows.f_train.values)
    signs, bits = (lr.loss_dynamics(THETA, y, [1.0], loss="hinge") for y in (SIGNS, (SIGNS + 1) / 2))
    assert_allclose(bits.f_train.values, signs.f_train.values)


def test_a_result_is_saved_with_its_settings_and_a_single_time_has_no_dimension(tmp_path):
    result = lr.loss_dynamics(THETA, SIGNS, 2.0, loss="hinge", cross_ntk=CROSS, ridge=0.1)
    assert result.f_test.dims == ("test_point", "output") and result.train_loss.dims == ()
    again = lr.load(lr.save(result, tmp_path / "result.nc"))
    assert again.attrs == result.attrs and again.attrs["loss"] == "hinge" and again.attrs["ridge"] == 0.1
    assert_allclose(again.f_test.values, result.f_test.values)


@pytest.mark.parametrize(
    "arguments, text",
    [
        ({"y": [0, 1.5] * 5}, "whole class numbers from 0 to 1; got 1.5"),
        ({"y": [-1, 1] * 5}, "whole class numbers from 0 to 1; got -1"),
        ({"y": [0, 2] * 5, "f0": np.zeros((N, 2))}, "whole class numbers from 0 to 1; got 2"),
        ({"y": np.zeros(N)}, "got one class alone"),
        ({"y": np.full((N, 2), 0.6)}, "rows of probabilities .* sums up to 1.2"),
        ({"y": [-1, 2] * 5, "loss": "hinge"}, "labels -1 and 1, or 0 and 1; got 2"),
        ({"y": [-1, 0, 1, 1, 1] * 2, "loss": "logistic"}, "labels -1 and 1, or 0 and 1; got all three"),
        ({"f0": np.zeros((N, 3))}, "y must have 3 outputs as f0 .*; got 2"),
        ({"f0": np.zeros((N, 2)), "cross_ntk": CROSS}, "f0 on the test points is needed"),
        ({"f0": (0.0, np.zeros((4, 3))), "cross_ntk": CROSS}, "f0 on test points must have 2 outputs; got 3"),
        ({"y_test": [0, 1]}, "y_test needs cross_ntk .*; got None"),
        ({"loss": lambda f, y: f - y}, "one real number for the outputs and targets of a point; got"),
        ({"t": []}, "at least 0, or infinity"),
    ],
    ids=[
        "half_a_class", "negative_class", "class_outside", "one_class", "no_probabilities", "no_sign", "three_signs",
        "outputs_of_f0", "no_test_part", "outputs_of_test_part", "no_cross_kernel", "loss_of_vectors", "no_times",
    ],
)  # fmt: skip
@pytest.mark.usefixtures("production")
def test_what_does_not_fit_is_refused_with_its_reason(arguments, text):
    with pytest.raises(ValueError, match=text):
        lr.loss_dynamics(**{"ntk": THETA, "y": DYNAMICS["Y_onehot"], "t": 1.0} | arguments)


@pytest.mark.slow
def test_derivatives_in_kernel_ridge_and_start_are_those_of_finite_differences(rng):
    labels, bump = DYNAMICS["Y_onehot"], rng.normal(size=(N, 3))
    bump = bump @ bump.T

    def loss(kernel, ridge, start):
        result = lr.loss_dynamics(
            THETA + kernel * bump, labels, [0.5, 4.0], f0=start * Y, ridge=ridge, rtol=1e-9, atol=1e-9
        )
        return result["train_loss"][-1]

    points, step = np.array([[0.1, 0.05, 0.7], [0.0, 0.5, -0.2]]), 1e-4
    with jax.enable_x64(True):
        got = np.stack(jax.jit(jax.vmap(jax.grad(loss, argnums=(0, 1, 2))))(*points.T), axis=1)
    want = [[(loss(*(at + move)) - loss(*(at - move))) / (2 * step) for move in step * np.eye(3)] for at in points]
    # Second order in the step, and the solver's error over the step.
    assert_allclose(got, np.array(want, dtype=float), relative=1e-4)


@pytest.mark.parametrize("stages", [2, 3, 10, 200])
def test_a_chebyshev_step_is_the_stability_polynomial_and_stable_as_far_as_promised(stages):
    # P(z) = a + b T_s(w0 + w1 z), with the conditions of second order.
    w0 = 1 + 2 / (13 * stages**2)
    t = np.polynomial.Chebyshev.basis(stages)
    slope, bend = t.deriv()(w0), t.deriv(2)(w0)
    z = -np.linspace(0, 2 / 3 * (stages**2 - 1) * (1 - 4 / 195), 50)
    want = 1 + bend / slope**2 * (t(w0 + slope / bend * z) - t(w0))
    with jax.enable_x64(True):
        got = chebyshev_step(lambda y: jnp.asarray(z) * y, jnp.ones(50), jnp.asarray(z), 1.0, jnp.asarray(stages))
    assert_allclose(got, want, relative=1e-9)  # rounding grows with the square of the stages
    assert np.abs(want).max() <= 1 + 1e-12
