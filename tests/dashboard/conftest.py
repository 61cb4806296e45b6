"""Tests of the dashboard open the same few pages again and again: what one file has compiled serves the others."""

from concurrent.futures import ThreadPoolExecutor

import jax
import pytest
from jax.experimental.compilation_cache import compilation_cache

from lazyrich_dashboard import jobs


@pytest.fixture(autouse=True, scope="module")
def compiled_programs_are_shared():
    keep_compiled_programs(True)
    yield
    keep_compiled_programs(False)


def keep_compiled_programs(on: bool) -> None:
    """Switch JAX's cache on disk on or off, in the folder that tests/conftest.py has made for this run."""
    jax.config.update("jax_enable_compilation_cache", on)
    compilation_cache.reset_cache()  # JAX looks at the switch once, and then no more


@pytest.fixture
def worker():
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.fixture
def each_at_once(monkeypatch):
    """Let every item be delivered by itself, but where a test says otherwise."""
    monkeypatch.setattr(jobs, "_INTERVAL", 0.0)
