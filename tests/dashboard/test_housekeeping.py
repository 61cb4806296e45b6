"""Housekeeping: garbage is collected in quiet moments, and after a while all the same."""

import gc
import itertools

import pytest

from lazyrich_dashboard import housekeeping


def collections(monkeypatch, looks: int, *, peace: float, young: int) -> int:
    """How often garbage is collected in so many looks around."""
    collected = []
    ended = itertools.chain(itertools.repeat(False, looks), [True])
    monkeypatch.setattr(housekeeping.jobs, "have_ended", lambda: next(ended))
    monkeypatch.setattr(housekeeping.jobs, "peace", lambda: peace)
    monkeypatch.setattr(housekeeping.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(gc, "get_count", lambda: (0, 0, young))
    monkeypatch.setattr(gc, "collect", lambda: collected.append(1))
    housekeeping._keep_house()
    return len(collected)


@pytest.mark.parametrize(
    ("looks", "peace", "young", "times"),
    [(3, 10.0, 50, 3), (3, 10.0, 2, 0), (60, 0.0, 50, 0), (61, 0.0, 50, 1), (122, 0.0, 50, 2)],
    ids=["in peace", "nothing to do", "put off", "not for ever", "again"],
)
def test_garbage_is_collected_while_nobody_drags_and_after_five_minutes_all_the_same(
    monkeypatch, looks, peace, young, times
):
    assert collections(monkeypatch, looks, peace=peace, young=young) == times
