"""What the cache holds is counted in full: else its bound is none, and a server grows for hours."""

import dataclasses
import itertools
import sys
from typing import Any

import jax
import numpy as np
import pytest

from lazyrich_dashboard.cache import Cache, SharedStream
from lazyrich_dashboard.results import theory
from lazyrich_dashboard.views import PAGES, TrainingView
from lazyrich_dashboard.views.base import View, predicted
from lazyrich_dashboard.views.function_space import FunctionOnPlaneView, FunctionView, ModesView
from tests.dashboard.examples import small
from tests.dashboard.snapshots import snapshot_of

# Bytes that hold no results: objects, short arrays and what theories of four modes keep are not worth counting.
_SMALL = 20_000


def arrays(value: Any, seen: dict[int, Any]) -> int:
    """Return the bytes of all arrays that a value holds and that have not been seen yet."""
    if id(value) in seen or isinstance(value, (type, str, int, float, SharedStream)):
        return 0
    seen[id(value)] = value
    if isinstance(value, np.ndarray) and value.base is not None:
        return arrays(value.base, seen)
    if isinstance(value, (np.ndarray, jax.Array)):
        return value.nbytes
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return sum(arrays(part, seen) for part in [*parts, *getattr(value, "__dict__", {}).values()])


@pytest.mark.parametrize("data", ["digits", "circle", "spirals"])
@pytest.mark.parametrize("centred", [True, False], ids=["centred", "random_start"])
def test_whatever_views_show_is_counted(monkeypatch, data, centred):
    experiment, kept = small(data, centred=centred), Cache(2**30)
    for module in modules_with_a_cache():
        monkeypatch.setattr(module, "RESULTS", kept)
    of_data = {"digits": ModesView, "circle": FunctionView, "spirals": FunctionOnPlaneView}[data]
    for kind in (TrainingView, of_data, *itertools.chain(*PAGES["Kernel"])):
        view = kind().shown
        assert isinstance(view, View)
        snapshot = snapshot_of(experiment, "trained networks")
        view.update(dataclasses.replace(snapshot, predicted=predicted(view, experiment)))
        snapshot.theory.modes.shares(snapshot.theory.times)
    assert theory(experiment).modes.on_test.size
    for key, entry in kept._entries.items():
        value = entry.value(lambda: None)
        held = arrays(value._items if isinstance(value, SharedStream) else value, {})
        assert held <= 1.05 * value.nbytes + _SMALL, key


def modules_with_a_cache():
    ours = (module for name, module in sys.modules.items() if name.startswith("lazyrich_dashboard"))
    return [module for module in ours if hasattr(module, "RESULTS")]
