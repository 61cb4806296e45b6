"""What every test runs under: strict JAX, and array shapes checked at every call of lazyrich."""

import ctypes

import jax
import jaxtyping
import numpy as np
import pytest

import tests.typechecker  # noqa: F401, the hook below expects it to be there

jax.config.update("jax_numpy_rank_promotion", "raise")

with jaxtyping.install_import_hook("lazyrich", "tests.typechecker.checked"):
    import lazyrich  # noqa: F401


def pytest_collection_modifyitems(items):
    """Put files with slow tests first, so that none of them is left to one worker at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture
def rng():
    """The random numbers of a test: the same in every run, whatever else runs."""
    return np.random.default_rng(20240229)


@pytest.fixture(autouse=True, scope="module")
def compiled_programs_are_dropped():
    """Thousands of tests compile gigabytes of programs between them, few of which two files share."""
    yield
    jax.clear_caches()
    # Else glibc keeps what they took; other C libraries have no such function.
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)


@pytest.fixture
def compilations():
    """The events of compilation since the fixture was made, one entry each."""
    events = []

    def listen(event, _, **__):
        if event == "/jax/core/compile/backend_compile_duration":
            events.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    jax.jit(lambda x: x + 1)(np.zeros(3))
    assert events, "a new function is compiled, but not heard of"
    yield events
    # The oldest JAX that is supported has no way to stop listening; what comes later falls on a list nobody reads.


@pytest.fixture
def production():
    """No type checks, as users run it: for tests that pass what the annotations forbid."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
