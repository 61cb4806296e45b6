"""Warming up: compile ahead what the first visitors will move."""

import dataclasses
import os

import jax
from platformdirs import user_cache_dir

from .jobs import give_way
from .results import frames, theory
from .state import PRESET
from .views import depth, kernel, learning_curves, plane


def keep_compiled_programs() -> None:
    """Let JAX keep what it compiles in the user's cache folder, so that the next start takes seconds.

    Only a server does this, in its own process; a JAX_COMPILATION_CACHE_DIR that is set already stands.
    """
    if not os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        jax.config.update("jax_compilation_cache_dir", user_cache_dir("lazyrich"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)


def warm_preset() -> None:
    """Compute what the page opens on: its theory, and its networks up to their first checkpoints."""
    theory(PRESET)
    stream = iter(frames(PRESET))
    next(stream)
    next(stream)


# Those that visitors try first; the others are compiled when they are chosen, which takes a second or two.
_FIRST = ("relu", "tanh", "gelu", "erf", "leaky_relu")


def warm_pages() -> None:
    """Compile what the preset's other pages open on; no view is made, as HoloViews is not thread-safe."""
    kernel.kernels(PRESET)
    plane.plane(PRESET.network)
    plane.at_rest(PRESET.network)
    depth.layers(PRESET.network)
    next(iter(depth.random_networks(PRESET)))
    learning_curves.curves(learning_curves.pool(PRESET), PRESET.data.n_train, None, 0.0, PRESET.data.noise)


def warm_activations() -> None:
    """Compile theory and training of the usual activations at the preset's sizes, and then the other pages."""
    for name in _FIRST:
        give_way()
        network = dataclasses.replace(PRESET.network, activation=name)
        experiment = dataclasses.replace(PRESET, network=network)
        theory(experiment)
        stream = iter(frames(experiment))
        next(stream)
        next(stream)
    warm_pages()
