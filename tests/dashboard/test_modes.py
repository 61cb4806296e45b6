"""Modes: eigenfunctions and shares of the loss, and what the browser shows of each is what the server would draw."""

import dataclasses

import numpy as np
import pytest

import lazyrich as lr
from lazyrich_dashboard import Explorer
from lazyrich_dashboard.modes import MOST, Modes
from lazyrich_dashboard.results import Refusal, Snapshot, theory
from lazyrich_dashboard.timeline import STEPS, by_mode, shares
from lazyrich_dashboard.views import KernelMatrixView, SpectrumView, TrainingView
from lazyrich_dashboard.views.base import View
from lazyrich_dashboard.views.function_space import FunctionOnPlaneView, FunctionView, ModesView
from tests.dashboard.examples import SMALL, small

MARKING = {
    SpectrumView: "digits",
    TrainingView: "digits",
    FunctionView: "circle",
    ModesView: "sphere",
    FunctionOnPlaneView: "spirals",
}


def test_modes_are_orthonormal_eigenfunctions_that_the_kernel_carries_to_other_points():
    data = SMALL.load_data()
    kernel, cross = lr.ntk(SMALL.network, data.x_train), lr.ntk(SMALL.network, data.x_test, data.x_train)
    modes, n = Modes(lr.LinearDynamics(kernel, data.y_train, cross)), len(kernel)
    assert modes.on_train.shape == (n, modes.count) and modes.on_test.shape == (len(cross), modes.count)
    np.testing.assert_allclose(modes.on_train.T @ modes.on_train / n, np.eye(modes.count), atol=1e-10)
    np.testing.assert_allclose(kernel @ modes.on_train / n, modes.on_train * modes.rates, atol=1e-10)
    # With the training points for test points it is the eigenvector again.
    again = Modes(lr.LinearDynamics(kernel, data.y_train, kernel))
    np.testing.assert_allclose(again.on_test, again.on_train, atol=1e-8)
    np.testing.assert_allclose(modes.on_test * modes.rates, cross @ modes.on_train / n, atol=1e-10)
    strongest = np.take_along_axis(
        projected := modes.on_train.T @ data.y_train, np.abs(projected).argmax(axis=1)[:, None], axis=1
    )
    assert (strongest > 0).all()


def test_shares_are_the_textbooks_and_add_up():
    known = theory(SMALL)
    t = known.times[[0, 80, -1]]
    values, vectors = np.linalg.eigh(lr.ntk(SMALL.network, known.data.x_train))
    left = (vectors.T @ known.data.y_train) * np.exp(-values * t[:, None] / known.n)[..., None]
    losses = (left**2).sum(axis=2)[:, ::-1]
    got = known.modes.shares(t)
    np.testing.assert_allclose(got, (losses / losses.sum(axis=1, keepdims=True))[:, : known.modes.count], rtol=1e-6)
    assert known.modes.count == 32
    np.testing.assert_allclose(got.sum(axis=1), 1.0)
    sent = shares(known)
    assert sent.shape == (STEPS + 1, 32)
    np.testing.assert_allclose(sent[[0, -1]], got[[0, -1]], rtol=1e-6)


def test_of_a_large_kernel_there_are_the_first_modes_and_of_a_loss_that_is_gone_no_share():
    flow = lr.LinearDynamics(np.diag(np.arange(80.0, 0, -1)), np.ones(80))
    assert Modes(flow).count == MOST
    assert (Modes(flow).shares(np.array([1e9])) == 0).all()


@pytest.mark.parametrize(("kind", "data"), MARKING.items(), ids=[kind.__name__ for kind in MARKING])
def test_what_the_browser_has_of_each_mode_is_what_the_view_draws(kind: type[View], data):
    view, experiment = kind(), small(data)
    snapshot = Snapshot(theory(experiment), (), 0.5, view.predict(experiment))
    sent, count = by_mode(view, snapshot), snapshot.theory.modes.count
    assert sent
    for mode in (0, 1, count):
        drawn = dataclasses.replace(snapshot, mode=mode)
        for label, columns in {**view.columns(drawn), **view.beside(drawn), **view.of_mode(drawn)}.items():
            for name, slices in sent.get(label, {}).items():
                content = slices.values[slices.offsets[slices.index[mode]] : slices.offsets[slices.index[mode] + 1]]
                np.testing.assert_array_equal(content, np.ravel(columns[name]).astype(np.float32))
                assert (len(content) > 0) == (mode > 0)
    assert not any(
        len(column) for column in view.of_mode(dataclasses.replace(snapshot, mode=count + 1))["mode"].values()
    )


def test_a_view_without_marks_or_with_a_refusal_has_none_to_send():
    assert by_mode(KernelMatrixView(), Snapshot(theory(SMALL), (), 1.0)) == {}
    assert by_mode(TrainingView(), Snapshot(theory(SMALL), (), 1.0, Refusal("No."))) == {}


def test_a_mode_that_is_chosen_is_marked_and_said_and_stays_in_the_link():
    explorer = Explorer(SMALL)
    try:
        spectrum = explorer.view(SpectrumView)
        spectrum.probe.mode = 3
        assert explorer.state.mode == 3
        known = theory(SMALL)
        assert spectrum.source("mode").data["x"] == [3.0]
        assert spectrum.source("mode").data["y"] == pytest.approx(known.spectrum.values[2] / known.n)
        first, last = 100 * known.modes.shares(known.times[[0, -1]])[:, 2]
        assert first > 2 * last > 0.2
        assert f"and {last:.2g} % of the train loss that is left" in spectrum.summary_pane.object
        explorer.state.scrub = 0.0
        assert f"and {first:.2g} % of the train loss that is left" in spectrum.summary_pane.object
        loss = explorer.view(TrainingView).source("mode").data
        assert loss["y"][0] == pytest.approx(known.flow.train_loss_by_mode(known.times[0])[2])
        assert "mode=3" in explorer.share.query()
        explorer.state.depth = 3
        assert explorer.wait(240)
        assert spectrum.probe.mode == 3
        spectrum.probe.mode = 0
        assert not len(spectrum.source("mode").data["x"]) and "mode" not in explorer.share.query()
    finally:
        explorer.close()
