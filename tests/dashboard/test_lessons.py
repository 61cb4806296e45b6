"""Lessons: their files are read or refused in a sentence, and a panel leads through them."""

import re

import pytest

from lazyrich_dashboard import lessons
from lazyrich_dashboard.explorer import Explorer
from lazyrich_dashboard.lesson_panel import LessonPanel
from lazyrich_dashboard.screen import Navigator
from tests.dashboard.phenomena import opened

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
        assert "lesson=own&step=1" in explorer.share.query()
        panel.enter()
        assert explorer.state.depth == 3 and "So." not in panel.result.object
        panel.choices[0].clicks += 1
        assert explorer.state.depth == 4 and all(button.disabled for button in panel.choices)
        assert "You said: this. It is: that." in panel.result.object and "So." in panel.result.object
        assert panel.next.disabled and panel.back.disabled
    finally:
        explorer.close()
