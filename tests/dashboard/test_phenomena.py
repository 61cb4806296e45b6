"""Phenomena: presets show what they say, and lessons state what is measured, in numbers from the core."""

import numpy as np
import pytest

from lazyrich_dashboard import lessons, presets
from lazyrich_dashboard.views import depth, learning_curves
from tests.dashboard.phenomena import best, limit, networks, opened

PRESETS = {preset.name: preset for preset in presets.load_presets()}


def link(name):
    return PRESETS[name].link


def waves(name):
    """How much of each of the circle's three waves the limit has learned at the time on screen and at the end."""
    known, shown = limit(link(name)), opened(link(name))
    x = known.data.x_test
    angle = np.arctan2(x[:, 1], x[:, 0])
    parts = np.stack([np.cos(angle), np.sin(3 * angle) / 2, np.cos(7 * angle) / 4], axis=1)
    now = known.times[0] * (known.times[-1] / known.times[0]) ** shown.bookmark.scrub
    f = np.asarray(known.flow.test(np.array([now, known.times[-1]])))[..., 0]
    return np.linalg.lstsq(parts, f.T, rcond=None)[0].T


def test_there_are_ten_and_each_opens_without_a_notice():
    assert len(PRESETS) == 10
    for preset in PRESETS.values():
        opened(preset.link)


def test_lazy_networks_move_little_and_follow_theory():
    run = networks(link("lazy"), seeds=1)
    assert run.movement < 0.02
    assert run.test == pytest.approx(limit(link("lazy")).test_loss[-1], rel=0.08)


def test_rich_networks_move_by_as_much_as_their_size():
    assert networks(link("rich")).movement > 0.8


def test_learned_features_beat_the_lazy_limit():
    assert networks(link("features_pay")).test < 0.85 * limit(link("features_pay")).test_loss[-1]


def test_with_noise_the_test_loss_turns_upwards():
    time, loss = best(link("early_stopping"))
    known = limit(link("early_stopping"))
    assert time < 10 and known.test_loss[-1] > 1.5 * loss
    assert np.interp(time, known.times, known.train_loss) > 0.5


def test_double_descent_has_its_peak_where_points_are_as_many_as_features():
    shown = opened(link("double_descent"))
    (features,) = [options["features"] for options in shown.bookmark.options.values()]
    pool = learning_curves.pool(shown.experiment)
    known = learning_curves.curves(pool, 63, features, 0.0, 0.0)
    test = np.where(np.isfinite(known.on_grid[0]), known.on_grid[0], np.inf)
    assert shown.bookmark.page == "Learning curves"
    assert known.grid[test.argmax()] == pytest.approx(features, rel=0.05)
    before, after = (np.interp(n, known.grid, test) for n in (16, 250))
    assert known.now[0] > 5 * before > 5 * after


def test_the_slowest_wave_is_learned_first():
    slow, middle, fast = waves("spectral_bias")[0]
    assert slow > 0.9 and fast < 1 / 6 and fast < middle < slow


def test_without_bias_fast_odd_waves_are_never_learned():
    assert (np.abs(waves("blind")[1][1:]) < 0.05).all()
    for cure in ("&bias_var=0.5", "&depth=2"):
        assert limit(link("blind") + cure).test_loss[-1] < 0.1 * limit(link("blind")).test_loss[-1]


def test_in_the_chaotic_phase_close_inputs_part_and_on_the_edge_they_stay():
    shown = opened(link("chaos"))
    assert shown.bookmark.page == "Depth"
    assert depth.layers(shown.experiment.network).signals.correlation.values[-1, 0] == pytest.approx(0.2, abs=0.02)
    edge = opened(link("chaos") + "&weight_var=1").experiment.network
    assert depth.layers(edge).signals.correlation.values[-1, 0] > 0.85


def test_narrow_networks_end_at_about_twice_the_loss():
    assert networks(link("width")).test == pytest.approx(2 * limit(link("width")).test_loss[-1], rel=0.15)


def test_the_catapult_goes_up_and_comes_down():
    known, run = limit(link("catapult")), networks(link("catapult"), checkpoints=8)
    assert opened(link("catapult")).experiment.training.learning_rate > known.flow.max_learning_rate
    assert run.train.max() > 2 * run.train[0]
    assert run.train[-1] < 0.1 * run.train[0]


LESSONS = {name: lessons.load_lesson(name) for name in lessons.lesson_names()}
DIGITS = "n_train=64&time=30"


def test_lazy_and_rich_states_what_is_measured():
    move = {name: networks(f"{DIGITS}{rest}").movement for name, rest in {
        "ntk": "", "narrow": "&width=32", "mup": "&parametrization=mup",
        "narrow mup": "&parametrization=mup&width=64", "poor mup": "&parametrization=mup&richness=0.1",
    }.items()}  # fmt: skip
    assert 0.01 < move["ntk"] < 0.03
    assert networks(DIGITS).train[0] > 35 * networks(DIGITS).train[-1]
    assert 4 < move["narrow"] / move["ntk"] < 5.5
    assert 0.85 < move["mup"] < 1.15
    assert 0.8 < move["narrow mup"] / move["mup"] < 1.1
    assert 0.02 < move["poor mup"] < 0.03
    sphere = "data=sphere&" + DIGITS
    rich = networks(f"{sphere}&parametrization=mup")
    assert limit(sphere).test_loss[-1] == pytest.approx(0.079, abs=0.001)
    assert networks(sphere).test == pytest.approx(0.085, abs=0.006)
    assert rich.test == pytest.approx(0.060, abs=0.006) and rich.movement == pytest.approx(2.5, rel=0.1)


def test_why_early_stopping_works_states_what_theory_says():
    long = "n_train=64&time=300"
    assert best(long) == (pytest.approx(300), pytest.approx(0.156, abs=0.001))
    time, loss = best(f"{long}&noise=0.3")
    noisy = limit(f"{long}&noise=0.3")
    assert (time, loss) == (pytest.approx(5, rel=0.15), pytest.approx(0.32, abs=0.005))
    assert noisy.test_loss[-1] == pytest.approx(0.56, abs=0.005) and noisy.test_loss[0] == pytest.approx(0.44, abs=0.01)
    moved = opened(LESSONS["early_stopping"].steps[2].move)
    now = noisy.times[0] * (noisy.times[-1] / noisy.times[0]) ** moved.bookmark.scrub
    assert now == pytest.approx(time, rel=0.1)
    learned = 1 - np.exp(-noisy.spectrum.values / noisy.n * now)
    assert (learned > 0.5).sum() == 8
    assert best(f"{long}&noise=1")[0] == pytest.approx(0.9, rel=0.1)
    assert best("n_train=256&time=300&noise=0.3") == (pytest.approx(13, rel=0.1), pytest.approx(0.2, abs=0.01))


def test_a_ridge_does_what_stopping_does():
    last = LESSONS["early_stopping"].steps[-1]
    shown = opened(last.start)
    pool = learning_curves.pool(shown.experiment)
    (options,) = opened(last.move).bookmark.options.values()
    without, with_ridge = (learning_curves.curves(pool, 256, None, r, 0.1).now[0] for r in (0.0, options["ridge"]))
    assert (without, with_ridge) == (pytest.approx(0.22, abs=0.005), pytest.approx(0.16, abs=0.005))


def test_why_width_helps_states_what_is_measured():
    assert limit(DIGITS).test_loss[-1] == pytest.approx(0.163, abs=0.001)
    stated = {16: 0.35, 64: 0.218, 256: 0.177, 512: 0.171}
    for width, loss in stated.items():
        seeds = 1 if width == 512 else 3
        assert networks(f"{DIGITS}&width={width}", seeds=seeds).test == pytest.approx(loss, abs=0.007)
    assert networks(f"{DIGITS}&width=512", seeds=1).movement == pytest.approx(0.009, abs=0.002)
    rich = f"{DIGITS}&parametrization=mup"
    assert networks(f"{rich}&width=64").test == pytest.approx(0.192, abs=0.007)
    assert networks(rich).test == pytest.approx(0.161, abs=0.007)
