"""Housekeeping: garbage is collected in quiet moments, and programs are forgotten when they have become many."""

import gc
import itertools
import os
import platform
import subprocess
import sys
from typing import Any

import jax
import pytest

from lazyrich_dashboard import housekeeping

GIGABYTE = 2**30


@pytest.fixture
def house(monkeypatch):
    """Return a function that looks around so many times, and what has been done then."""

    def look(looks: int, *, peace: Any, young: int = 0, memory: tuple[float, ...] = (0.0,)) -> list[str]:
        done = []
        ended = itertools.chain(itertools.repeat(False, looks), [True])
        gigabytes = itertools.chain(memory, itertools.repeat(memory[-1]))
        monkeypatch.setattr(housekeeping.jobs, "have_ended", lambda: next(ended))
        monkeypatch.setattr(housekeeping.precedence, "peace", peace if callable(peace) else lambda: peace)
        monkeypatch.setattr(housekeeping.time, "sleep", lambda seconds: None)
        monkeypatch.setattr(housekeeping, "memory", lambda: int(next(gigabytes) * GIGABYTE))
        monkeypatch.setattr(gc, "get_count", lambda: (0, 0, young))
        monkeypatch.setattr(gc, "collect", lambda: done.append("collect"))
        monkeypatch.setattr(jax, "clear_caches", lambda: done.append("forget"))
        housekeeping._keep_house(lambda: done.append("warm"))
        return done

    return look


@pytest.mark.parametrize(
    ("looks", "peace", "young", "times"),
    [(3, 10.0, 50, 3), (3, 10.0, 1, 0), (60, 0.0, 50, 0), (61, 0.0, 50, 1), (122, 0.0, 50, 2)],
    ids=["in peace", "nothing to do", "put off", "not for ever", "again"],
)
def test_garbage_is_collected_while_nobody_drags_and_after_five_minutes_all_the_same(house, looks, peace, young, times):
    assert house(looks, peace=peace, young=young) == ["warm", *["collect"] * times]


@pytest.mark.parametrize(
    ("looks", "peace", "memory", "forgets"),
    [
        (5, 10.0, 1.9, False),
        (5, 10.0, 2.1, True),
        (5, 300.0, 1.05, False),
        (5, 300.0, 1.1, True),
        (60, 0.0, 9.0, False),
        (61, 0.0, 9.0, True),
    ],
    ids=["grown little", "grown much", "little in long peace", "grown in long peace", "put off", "not for ever"],
)
def test_programs_are_forgotten_when_the_process_has_grown_and_the_usual_ones_warmed_again(
    house, looks, peace, memory, forgets
):
    done = house(looks, peace=peace, memory=(1.0, *[memory] * (looks if not peace else 1), 1.0))
    assert done == ["warm", *["forget", "collect", "warm"] * forgets]


def test_a_server_that_rests_forgets_once_and_again_only_after_use(house):
    larger = (1.0, *[1.3] * 20)
    assert house(9, peace=300.0, memory=larger).count("forget") == 1
    peace = itertools.chain([300.0] * 3, [10.0], [300.0] * 3)
    done = house(7, peace=lambda: next(peace), memory=larger)
    assert done.count("forget") == 2


def test_forgotten_programs_are_compiled_anew():
    functions = [jax.jit(lambda x, k=k: x * k + k) for k in range(5)]
    for function in functions:
        function(1.0)
    assert all(function._cache_size() for function in functions)
    housekeeping._forget_programs()
    assert not any(function._cache_size() for function in functions)


_HEAPS_OF_SIX_THREADS = """
import ctypes, threading
from lazyrich_dashboard.housekeeping import keep_heaps_few

keep_heaps_few()
libc, together = ctypes.CDLL(None), threading.Barrier(6)
libc.malloc.restype = ctypes.c_void_p
threads = [threading.Thread(target=lambda: [libc.malloc(1000), together.wait()]) for _ in range(6)]
for act in ("start", "join"):
    for thread in threads:
        getattr(thread, act)()
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told and asked")
@pytest.mark.parametrize(("said", "heaps"), [({}, 2), ({"MALLOC_ARENA_MAX": "4"}, 4)])
def test_threads_share_few_heaps_or_as_many_as_the_user_says(said, heaps):
    environment = {**os.environ, **said}
    script = [sys.executable, "-c", _HEAPS_OF_SIX_THREADS]
    told = subprocess.run(script, env=environment, capture_output=True, text=True, timeout=60, check=True).stdout
    assert told.count("<heap nr=") == heaps
