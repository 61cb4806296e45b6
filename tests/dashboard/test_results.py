"""What the views draw: the theory is the core's, kept under the right name, and the frames are its training run."""

import dataclasses

import numpy as np
import pytest

import lazyrich as lr
from lazyrich_dashboard import results
from lazyrich_dashboard.results import Frame, Snapshot, frames, theory, theory_key
from tests.dashboard.examples import SMALL, UNSTABLE_STEP, small, theory_spectrum


def changed(part: str, **fields) -> lr.Experiment:
    """Return the small experiment with other fields in its data, network or training."""
    return dataclasses.replace(SMALL, **{part: dataclasses.replace(getattr(SMALL, part), **fields)})


def frame_at(time: float) -> Frame:
    return Frame(
        time=time,
        end=100.0,
        losses={role: np.ones(2) for role in ("train", "test")},
        movement=np.zeros(2),
        spectrum=np.ones((2, 3)),
        ntk=np.ones((2, 3, 3)),
        f_train=np.zeros((2, 3, 1)),
        f_test=np.zeros((2, 5, 1)),
        status="complete",
    )


def snapshot(scrub: float, times=(0.0, 1.0, 10.0, 100.0)) -> Snapshot:
    """A snapshot whose theory runs from t = 1 to 100."""
    log_times = dataclasses.replace(theory(SMALL), times=np.geomspace(1.0, 100.0, 5))
    return Snapshot(log_times, tuple(frame_at(time) for time in times), scrub)


def test_theory_is_what_the_core_says():
    data, net = SMALL.load_data(), SMALL.network
    kernel, cross = lr.ntk(net, data.x_train), lr.ntk(net, data.x_test, data.x_train)
    flow = lr.LinearDynamics(kernel, data.y_train, cross_ntk=cross)
    got = theory(SMALL)

    # The same calls on the same machine: only the threads of the linear algebra may add up in another order.
    np.testing.assert_allclose(got.spectrum.values, lr.eigensystem(kernel).values, rtol=1e-10)
    np.testing.assert_allclose(got.train_loss, flow.train_loss(got.times), rtol=1e-10)
    np.testing.assert_allclose(got.test_loss, flow.test_loss(got.times, data.y_test), rtol=1e-10)
    assert got.n == SMALL.data.n_train
    assert got.fit == got.spectrum.power_law()


def test_theory_is_drawn_from_before_the_fastest_mode_to_the_end_of_training():
    got = theory(SMALL)
    assert got.times[0] == pytest.approx(0.1 * got.n / got.spectrum.values[0])
    assert got.times[-1] == pytest.approx(SMALL.training.time)
    assert (np.diff(got.times) > 0).all()


def test_a_training_time_shorter_than_the_fastest_mode_still_has_a_time_axis():
    got = theory(changed("training", time=1e-6))
    assert got.times[0] < got.times[-1] == pytest.approx(1e-6)


def test_too_few_points_for_a_power_law_leave_the_rest_of_the_theory():
    got = theory(changed("data", n_train=4))
    assert "needs ranks over a factor of at least 8; got 1 to 4" in got.fit
    assert np.isfinite(got.test_loss).all()


def test_a_kernel_of_zero_is_refused_in_words():
    with pytest.raises(ValueError, match=r"kernel must not be zero; got weight and bias variance 0\. Raise one"):
        theory(changed("network", weight_var=0.0, bias_var=0.0))


@pytest.mark.parametrize(
    ("part", "fields"),
    [
        ("network", {"width": 48}),
        ("network", {"richness": 0.3}),
        ("network", {"parametrization": "mup"}),
        ("training", {"seeds": 5}),
        ("training", {"learning_rate": 0.01}),
        ("training", {"checkpoints": 9}),
        ("training", {"ntk_points": 8}),
    ],
    ids=str,
)
def test_what_only_finite_networks_depend_on_finds_the_same_theory(part, fields):
    assert theory(changed(part, **fields)) is theory(SMALL)


@pytest.mark.parametrize(
    ("part", "fields"),
    [
        ("network", {"depth": 3}),
        ("network", {"activation": "erf"}),
        ("network", {"weight_var": 1.5}),
        ("network", {"bias_var": 0.1}),
        ("training", {"time": 9.0}),
        ("data", {"n_train": 33}),
        ("data", {"n_test": 41}),
        ("data", {"noise": 0.1}),
        ("data", {"name": "sphere"}),
    ],
    ids=str,
)
def test_what_theory_depends_on_has_a_theory_of_its_own(part, fields):
    assert theory_key(changed(part, **fields)) != theory_key(SMALL)


def test_another_seed_has_a_theory_of_its_own():
    assert theory_key(dataclasses.replace(SMALL, seed=1)) != theory_key(SMALL)


def test_the_parameter_of_an_activation_has_a_theory_of_its_own():
    gentle, steep = (changed("network", activation=lr.activation("leaky_relu", slope=s)) for s in (0.1, 0.9))
    assert theory_key(gentle) != theory_key(steep)
    assert theory_spectrum(gentle).values[0] == pytest.approx(theory(gentle).spectrum.values[0])


def test_a_theory_tells_the_cache_its_size():
    got = theory(SMALL)
    held = (got.spectrum.vectors, got.flow.cross_ntk, got.data.x_train, got.data.x_test)
    assert got.nbytes >= sum(array.nbytes for array in held)


@pytest.mark.parametrize(
    ("scrub", "nearest"), [(0.0, 1.0), (0.2, 1.0), (0.3, 10.0), (0.5, 10.0), (0.74, 10.0), (0.76, 100.0), (1.0, 100.0)]
)
def test_a_snapshot_shows_the_checkpoint_nearest_on_the_log_axis(scrub, nearest):
    assert snapshot(scrub).frame.time == nearest


def test_before_the_middle_of_the_first_step_a_snapshot_shows_the_start():
    assert snapshot(0.0, times=(0.0, 1.9, 10.0)).frame.time == 1.9
    assert snapshot(0.0, times=(0.0, 2.1, 10.0)).frame.time == 0.0
    assert snapshot(0.0, times=(2.1, 10.0)).frame.time == 2.1


def test_a_snapshot_shows_no_checkpoint_until_training_has_come_near_to_it():
    assert snapshot(0.0, times=(0.0, 1.0)).frame.time == 1.0
    assert snapshot(1.0, times=(0.0, 1.0, 10.0)).frame is None
    assert snapshot(1.0, times=(0.0,)).frame is None
    assert snapshot(1.0, times=()).frame is None


def test_the_scrubber_runs_over_the_logarithmic_time_axis():
    assert [snapshot(scrub).time for scrub in (0.0, 0.5, 1.0)] == pytest.approx([1.0, 10.0, 100.0])


def test_frames_are_the_training_run_of_the_core():
    run = lr.train(
        SMALL.network, SMALL.load_data(), **dataclasses.asdict(SMALL.training), record=("loss", "outputs", "ntk")
    )
    got = list(frames(SMALL))
    assert [frame.time for frame in got] == pytest.approx(list(run.time.values))
    assert {frame.end for frame in got} == {SMALL.training.time}
    last, ntk = got[-1], run.ntk.values.astype(np.float64)
    # Training runs in single precision; equal programs may still add up in another order.
    np.testing.assert_allclose(last.losses["test"], run.test_loss[:, -1], rtol=1e-4)
    np.testing.assert_allclose(last.f_test, run.f_test[:, -1], atol=1e-4)
    np.testing.assert_allclose(
        last.movement, [lr.kernel_distance(*pair) for pair in zip(ntk[:, -1], ntk[:, 0], strict=True)], atol=1e-4
    )
    np.testing.assert_allclose(
        last.spectrum[0], np.linalg.eigvalsh(ntk[0, -1])[::-1] / SMALL.data.n_train, rtol=1e-3, atol=1e-5
    )
    assert got[0].movement == pytest.approx([0.0, 0.0])


def test_frames_of_equal_experiments_are_shared():
    assert frames(small()) is frames(SMALL)
    assert next(iter(frames(small()))) is next(iter(frames(SMALL)))


def test_a_run_that_diverges_ends_with_a_frame_that_says_so():
    got = list(frames(small(learning_rate=UNSTABLE_STEP, time=100 * UNSTABLE_STEP)))
    assert got[0].status == "complete"
    assert "diverged" in got[-1].status
    assert all(frame.losses["train"].dtype == np.float64 for frame in got)


def test_networks_that_would_take_the_memory_from_all_sessions_are_refused_in_words():
    for name, fields in {"a crowd": {"seeds": 100_000}, "a giant": {}}.items():
        network = dataclasses.replace(SMALL.network, width=20_000 if name == "a giant" else 64)
        many = dataclasses.replace(small(**fields), network=network)
        with pytest.raises(
            ValueError, match=r"may have 2.7·10⁸ weights .*; got .*\. Lower their number, width or depth"
        ):
            next(iter(frames(many)))


def test_all_that_the_sliders_reach_is_small_enough_to_train():
    largest = lr.Experiment(
        data=lr.DataSpec(n_train=512),
        network=lr.Network(depth=12, width=1024),
        training=lr.TrainingSpec(seeds=8),
    )
    results.check_size(largest)  # raises if not


def test_what_would_take_a_worker_or_the_memory_from_others_is_refused():
    deep = dataclasses.replace(SMALL, network=dataclasses.replace(SMALL.network, depth=1_000_000))
    with pytest.raises(ValueError, match=r"The theory may take 10⁹ kernel entries.*Lower the depth"):
        theory(deep)
    wide = dataclasses.replace(SMALL, network=dataclasses.replace(SMALL.network, width=200_000))
    with pytest.raises(ValueError, match="weights and activations between them; got"):
        next(iter(frames(wide)))


def test_a_quadrature_a_pair_is_refused_where_it_would_take_minutes_and_equal_norms_are_not():
    def experiment(name):
        return lr.Experiment(data=lr.DataSpec(name, n_train=128, n_test=256), network=lr.Network(3, 8, "selu"))

    with pytest.raises(ValueError, match=r"selu takes a quadrature a pair, for at most 30,000 .*; got 147,456\. Take"):
        theory(experiment("regression"))
    assert theory(experiment("circle")).n == 128


def test_an_activation_without_a_tangent_kernel_is_refused_in_words():
    with pytest.raises(ValueError, match="The tangent kernel of sign does not exist: it jumps"):
        theory(dataclasses.replace(SMALL, network=dataclasses.replace(SMALL.network, activation="sign")))
