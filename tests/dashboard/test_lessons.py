"""Lessons: their files are read or refused in a sentence, and the numbers they state are the core's."""

import re

import numpy as np
import pytest

from lazyrich_dashboard import lessons
from lazyrich_dashboard.explorer import Explorer
from lazyrich_dashboard.lesson_panel import LessonPanel
from lazyrich_dashboard.screen import Navigator
from lazyrich_dashboard.views import learning_curves
from tests.dashboard.phenomena import best, limit, networks, opened

LESSONS = {name: lessons.load_lesson(name) for name in lessons.lesson_names()}
GOOD = """# Title

Text.

## Step

`?depth=3`

### Predict

What?

- [ ] this
- [x] that

### Move

`?depth=4`

### Look

There.

### Answer

So.
"""
DIGITS = "n_train=64&time=30"


def test_there_are_three_of_five_to_eight_steps_whose_screens_open_without_a_notice():
    assert set(LESSONS) == {"lazy_and_rich", "early_stopping", "why_width_helps"}
    for lesson in LESSONS.values():
        assert 5 <= len(lesson.steps) <= 8
        for step in lesson.steps:
            opened(step.start), opened(step.move)
            assert step.start != step.move


def test_a_file_of_that_form_is_read():
    (step,) = lessons.parse("own", GOOD).steps
    assert (step.start, step.move, step.question) == ("depth=3", "depth=4", "What?")
    assert (step.choices, step.right, step.look, step.answer) == (("this", "that"), 1, "There.", "So.")


def test_a_step_without_a_screen_starts_where_the_one_before_has_led():
    second = GOOD[GOOD.index("## Step") :].replace("`?depth=3`", "")
    assert lessons.parse("own", GOOD + second).steps[1].start == "depth=4"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("# Title", "Title", "must begin with a line '# Title'"),
        ("`?depth=3`", "", "step 1: The first step's text must name the screen"),
        ("`?depth=4`", "On.", "step 1: Move must name the screen"),
        ("- [x] that", "- [ ] that", "step 1: Predict must have two or more"),
        ("- [x] that", "- [x] this", "step 1: Predict must have two or more"),
        ("### Look\n\nThere.", "", "step 1: The sections must be Predict, Move, Look, Answer"),
        ("There.", "", "step 1: The sections must be Predict, Move, Look, Answer"),
    ],
)
def test_a_broken_lesson_is_refused_with_its_place(tmp_path, old, new, sentence):
    assert old in GOOD
    (tmp_path / "own.md").write_text(GOOD.replace(old, new))
    with pytest.raises(ValueError, match=f"The lesson own cannot be read: .*{re.escape(sentence)}"):
        lessons.load_lesson("own", tmp_path)


@pytest.mark.parametrize("name", ["nope", "README", "../presets", ""])
def test_a_name_that_is_no_lesson_is_refused_with_those_there_are(name):
    with pytest.raises(ValueError, match="lesson must be one of early_stopping, lazy_and_rich, why_width_helps; got"):
        lessons.load_lesson(name)


def test_a_prediction_moves_the_screen_and_says_who_was_right():
    shown = opened("n_train=16&width=8&time=1&seeds=1")
    explorer = Explorer(shown.experiment)
    text = GOOD.replace("depth=", "n_train=16&width=8&time=1&seeds=1&depth=")
    panel = LessonPanel(lessons.parse("own", text), Navigator(explorer, shown))
    try:
        panel.enter()
        assert explorer.state.depth == 3 and panel.move.disabled
        panel.commit()  # without a choice
        assert explorer.state.depth == 3
        panel.choices.value = "this"
        assert not panel.move.disabled
        panel.move.clicks += 1
        assert explorer.state.depth == 4
        assert "You said: this. It is: that." in panel.result.object and "So." in panel.result.object
        assert panel.next.disabled and panel.back.disabled
    finally:
        explorer.close()


# What the lessons state, step by step.


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
    now = noisy.times[0] * (noisy.times[-1] / noisy.times[0]) ** moved.scrub
    assert now == pytest.approx(time, rel=0.1)
    learned = 1 - np.exp(-noisy.spectrum.values / noisy.n * now)
    assert (learned > 0.5).sum() == 8
    assert best(f"{long}&noise=1")[0] == pytest.approx(0.9, rel=0.1)
    assert best("n_train=256&time=300&noise=0.3") == (pytest.approx(13, rel=0.1), pytest.approx(0.2, abs=0.01))


def test_a_ridge_does_what_stopping_does():
    last = LESSONS["early_stopping"].steps[-1]
    shown = opened(last.start)
    pool = learning_curves.pool(shown.experiment)
    (options,) = opened(last.move).options.values()
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
