"""Warming up: compile ahead what the first visitors will move."""

import dataclasses
import itertools
import os

import jax
from platformdirs import user_cache_dir

import lazyrich as lr

from .precedence import give_way
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


def warm_usual() -> None:
    """Compile theory and training of the usual activations at the preset's sizes, and then the other pages."""
    preset = _not_computed_yet()
    for name in _FIRST:
        give_way()
        experiment = dataclasses.replace(preset, network=dataclasses.replace(preset.network, activation=name))
        theory(experiment)
        stream = iter(frames(experiment))
        next(stream)
        next(stream)
    _warm_pages(preset)


_times = itertools.count()  # that the usual has been warmed up


def _not_computed_yet() -> lr.Experiment:
    """Return the preset, and from the second time on one beside it: what has been computed would compile nothing."""
    time = next(_times)
    network = dataclasses.replace(PRESET.network, weight_var=PRESET.network.weight_var * (1 + 1e-6 * time))
    return dataclasses.replace(PRESET, network=network, seed=PRESET.seed + time)


def _warm_pages(preset: lr.Experiment) -> None:
    """Compile what the preset's other pages open on; no view is made, as HoloViews is not thread-safe."""
    kernel.kernels(preset)
    plane.plane(preset.network)
    plane.at_rest(preset.network)
    depth.layers(preset.network)
    next(iter(depth.random_networks(preset)))
    learning_curves.curves(learning_curves.pool(preset), preset.data.n_train, None, 0.0, preset.data.noise)
