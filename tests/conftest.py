"""What every test runs under: strict JAX, and array shapes checked at every call of lazyrich."""

import ctypes
import gc
import os
import shutil
import tempfile

import jax
import jaxtyping
import numpy as np
import psutil
import pytest

import tests.typechecker  # noqa: F401, the hook below expects it to be there

jax.config.update("jax_numpy_rank_promotion", "raise")


# Few programs of the core's tests are compiled twice, and to keep one takes longer than to compile it where it holds
# large tables.  tests/dashboard/conftest.py has another answer.
jax.config.update("jax_enable_compilation_cache", False)


def pytest_configure(config):
    """Let the processes of a run (workers, servers, kernels of notebooks) share what they compile.

    The folder is this run's own and ends with it, so that no run depends on the ones before.
    """
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        folder = tempfile.mkdtemp(prefix="lazyrich-compiled-")
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
        os.environ |= {"JAX_COMPILATION_CACHE_DIR": folder, "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1"}
    # JAX has read the environment already.
    jax.config.update("jax_compilation_cache_dir", os.environ["JAX_COMPILATION_CACHE_DIR"])
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)


with jaxtyping.install_import_hook("lazyrich", "tests.typechecker.checked"):
    import lazyrich  # noqa: F401


def pytest_collection_modifyitems(items):
    """Put files with slow tests first and those of the core last, the smallest at the end: workers end together."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    size = {path: path.stat().st_size for path in {item.path for item in items}}

    def order(item):
        of_core = item.path.parent.name == "core"
        return item.path not in slow, of_core, -size[item.path] if of_core else 0

    items.sort(key=order)


def pytest_collection_finish():
    """Keep the garbage collector away from the million objects that importing has made, which no test lets go of."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_make_scheduler(config, log):
    """With `--dist loadfile` give the browser's files to one worker, as each worker would serve a page of its own."""
    from xdist.scheduler import LoadFileScheduling

    class ByFileOrPage(LoadFileScheduling):
        def _split_scope(self, nodeid):
            file = super()._split_scope(nodeid)
            return "tests/browser" if file.startswith("tests/browser/") else file

    return ByFileOrPage(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture
def rng():
    """The random numbers of a test: the same in every run, whatever else runs."""
    return np.random.default_rng(20240229)


# Bytes of a process from which on what it has compiled is dropped at the end of a file.
MUCH = 1.5e9


@pytest.fixture(autouse=True, scope="module")
def compiled_programs_are_dropped():
    """Thousands of tests compile gigabytes of programs between them, most of which one file alone uses.

    Those of small files are kept for the next: to drop all after each file took a tenth of the small ones' time.
    """
    yield
    if psutil.Process().memory_info().rss > MUCH:
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
