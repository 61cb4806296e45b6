"""Presets: each opens in full and shows what it says, in numbers from the core."""

import numpy as np
import pytest

import lazyrich as lr
from lazyrich_dashboard import presets
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
    now = known.times[0] * (known.times[-1] / known.times[0]) ** shown.scrub
    f = np.asarray(known.flow.test(np.array([now, known.times[-1]])))[..., 0]
    return np.linalg.lstsq(parts, f.T, rcond=None)[0].T


def test_there_are_ten_and_each_opens_without_a_notice():
    assert len(PRESETS) == 10
    for preset in PRESETS.values():
        opened(preset.link)


def test_lazy_networks_move_little_and_follow_theory():
    run = networks(link("lazy"), seeds=1, ntk_points=32)
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
    (features,) = [options["features"] for options in shown.options.values()]
    pool = learning_curves.pool(shown.experiment)
    known = learning_curves.curves(pool, 63, features, 0.0, 0.0)
    test = np.where(np.isfinite(known.on_grid[0]), known.on_grid[0], np.inf)
    assert shown.page == "Learning curves"
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
    assert shown.page == "Depth"
    assert depth.layers(shown.experiment.network).signals.correlation.values[-1, 0] == pytest.approx(0.2, abs=0.02)
    edge = opened(link("chaos") + "&weight_var=1").experiment.network
    assert lr.criticality(edge).perpendicular == pytest.approx(1)
    assert depth.layers(edge).signals.correlation.values[-1, 0] > 0.85


def test_narrow_networks_end_at_about_twice_the_loss():
    assert networks(link("width")).test == pytest.approx(2 * limit(link("width")).test_loss[-1], rel=0.15)


def test_the_catapult_goes_up_and_comes_down():
    known, run = limit(link("catapult")), networks(link("catapult"))
    assert opened(link("catapult")).experiment.training.learning_rate > known.flow.max_learning_rate
    assert run.train.max() > 5 * run.train[0]
    assert run.train[-1] < 0.1 * run.train[0]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[preset", "must be a TOML file; got an error in own.toml"),
        ("[preset]\nname = 'a'", "must be \\[\\[preset\\]\\] tables"),
        ("[[preset]]\nname = 'a'", "must have name, title, text, question, link and no more; got name in preset 1"),
        ("[[preset]]\nname=1\ntitle='a'\ntext='a'\nquestion='a'\nlink='a'", "name of a preset must be a text; got 1"),
        (2 * "[[preset]]\nname='a'\ntitle='a'\ntext='a'\nquestion='a'\nlink='a'\n", "must differ; got 'a' twice"),
    ],
)
def test_a_broken_file_is_refused_in_a_sentence(tmp_path, text, sentence):
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=sentence):
        presets.load_presets(path)
