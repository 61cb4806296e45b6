"""Networks that start from random functions, and what networks have learned of each mode: numbers of the core."""

import dataclasses
import itertools

import numpy as np
import pytest

import lazyrich as lr
from lazyrich_dashboard.results import theory, theory_key
from lazyrich_dashboard.views import TrainingView
from lazyrich_dashboard.views.function_space import FunctionView, ModesView
from tests.dashboard.examples import SMALL, small
from tests.dashboard.snapshots import snapshot_of


def test_the_losses_of_networks_that_start_anywhere_are_expected_ones():
    experiment = small(centred=False)
    data, net = experiment.load_data(), experiment.network
    result = theory(experiment)
    flow = lr.LinearDynamics(
        lr.ntk(net, data.x_train), data.y_train, lr.ntk(net, data.x_test, data.x_train),
        **lr.initial_covariance(net, data.x_train, data.x_test),
    )  # fmt: skip
    want = lr.expected_losses(flow, result.times, data.y_test)
    np.testing.assert_allclose(result.train_loss, want.train, rtol=1e-9)
    np.testing.assert_allclose(result.test_loss, want.test, rtol=1e-9)
    assert (result.train_loss > theory(SMALL).train_loss).all()
    # All modes together have the whole of it.
    some = result.times[[0, 80, -1]]
    np.testing.assert_allclose(result.modes.losses(some).sum(axis=1), lr.expected_losses(flow, some).train, rtol=1e-6)


def test_the_band_of_the_theory_is_two_deviations_of_networks_that_start_anywhere():
    experiment = small("circle", centred=False)
    snapshot = dataclasses.replace(snapshot_of(experiment, "trained networks"), scrub=0.4)
    data, flow = snapshot.theory.data, snapshot.theory.flow
    order = np.argsort(np.arctan2(data.x_test[:, 1], data.x_test[:, 0]))
    columns = FunctionView().columns(snapshot)
    band, middle = columns["theory ± 2 sd"]["y"], columns["theory"]["y"]
    half = 2 * np.sqrt(flow.variance(snapshot.time))[order]
    np.testing.assert_allclose(band, np.concatenate([middle - half, (middle + half)[::-1]]), rtol=1e-9)
    assert not len(FunctionView().columns(snapshot_of(small("circle"), "trained networks"))["theory ± 2 sd"]["y"])


def test_networks_have_learned_what_their_outputs_have_along_the_target_in_each_group_of_modes():
    snapshot = snapshot_of(SMALL, "trained networks")
    result, frame = snapshot.theory, snapshot.frame
    vectors, y = result.spectrum.vectors, result.data.y_train
    want = []
    for first, last in groups_of(result.n):
        power = sum((vectors[:, i] @ y) @ (vectors[:, i] @ y) for i in range(first, last))
        along = sum((vectors[:, i] @ frame.f_train) @ (vectors[:, i] @ y) for i in range(first, last))
        if power > 1e-3 * (y**2).sum():
            want.append((np.sqrt((first + 1) * last), (along / power).mean()))
    columns = ModesView().columns(snapshot)["nets"]
    np.testing.assert_allclose(np.stack([columns["x"], columns["y"]], axis=1), want, rtol=1e-5)


def groups_of(n: int) -> list[tuple[int, int]]:
    """Twenty-four groups or fewer, as wide as each other on a logarithmic axis."""
    edges = sorted({round((n + 1) ** (k / 24)) for k in range(25)})
    return [(a - 1, b - 1) for a, b in itertools.pairwise(edges)]


def test_theory_in_steps_knows_of_the_random_start_too():
    experiment = small(centred=False)
    view = TrainingView(steps=True)
    predicted = view.predict(experiment)
    flow = theory(experiment).flow
    assert (predicted.train_loss[:3] > predicted.dynamics.train_loss(predicted.times[:3])).all()
    np.testing.assert_array_equal(predicted.dynamics.nngp, flow.nngp)


def test_a_random_start_depends_on_width_and_richness_and_a_centred_theory_does_not():
    wider = dataclasses.replace(SMALL.network, parametrization="mup", width=64, richness=2.0)
    for centred, same in ((True, True), (False, False)):
        one = small(centred=centred)
        assert (theory_key(one) == theory_key(dataclasses.replace(one, network=wider))) == same


def test_of_a_target_of_zeros_nothing_is_learned_in_any_group_and_nothing_fails():
    data = SMALL.load_data()
    zeros = lr.Dataset(
        x_train=data.x_train, y_train=0 * data.y_train, x_test=data.x_test, y_test=0 * data.y_test, name="digits"
    )
    snapshot = snapshot_of(SMALL, "trained networks")
    flow = lr.LinearDynamics(snapshot.theory.spectrum, zeros.y_train, cross_ntk=snapshot.theory.flow.cross_ntk)
    snapshot = dataclasses.replace(snapshot, theory=dataclasses.replace(snapshot.theory, data=zeros, flow=flow))
    view = ModesView()
    view.update(snapshot)
    assert not len(view.columns(snapshot)["nets"]["x"])
    assert view.ranges(snapshot, view.columns(snapshot))[1] == (-0.03, 1.05)


@pytest.mark.parametrize("centred", [True, False], ids=["centred", "random_start"])
def test_the_script_of_an_experiment_has_the_expected_losses(capsys, centred):
    experiment = small(centred=centred)
    exec(experiment.to_python(), {})
    time, loss, _ = map(float, capsys.readouterr().out.splitlines()[-1].split())
    result = theory(experiment)
    want = lr.expected_losses(result.flow, time, result.data.y_test).test
    assert loss == pytest.approx(want, rel=1e-3)  # four digits of the loss and of its time
    of_mean = result.flow.test_loss(time, result.data.y_test)
    assert (want > 1.1 * of_mean) == (not centred)
