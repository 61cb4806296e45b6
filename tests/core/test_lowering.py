"""Every compiled function of the core lowers for processors that the tests do not have."""

import importlib
import inspect
import pkgutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lazyrich as lr
from lazyrich import mlp
from lazyrich.activations import FAMILIES
from lazyrich.diagnostics import linearised, movement
from lazyrich.diagnostics.sharpness import (
    _hessian_trace_compiled,
    _sharpness_compiled,
    estimated_hessian_trace,
)
from lazyrich.duals import mehler
from lazyrich.dynamics import minibatch, wide_layers
from lazyrich.dynamics.coordinate_check import _movements
from lazyrich.dynamics.grokking.grokking import _advance as _advance_grokking
from lazyrich.dynamics.grokking.grokking import _measured as _measured_grokking
from lazyrich.dynamics.losses import gradient_flow, point_losses
from lazyrich.dynamics.training import descent, ensemble, hessian, recording
from lazyrich.dynamics.training.optimizers import Optimizer
from lazyrich.kernels import derivatives, empirical, features, recursion, tiles
from lazyrich.kernels.function_ntk import _contracted, _rows
from lazyrich.theory import high_dimensional, optimal_fit, risk
from lazyrich.theory.critical_point import _second_moments
from lazyrich.theory.criticality import _criticality, _means
from lazyrich.theory.self_distillation import _coefficients
from lazyrich.theory.signal_propagation import _signals
from tests.core.lowering_arguments import (
    DIM,
    LAYERS,
    OUT,
    SEEDS,
    WIDTH,
    N,
    finite_network,
    flow_arguments,
    grokking_problem,
    hessian_arguments,
    jacobian_rows,
    kernel_arguments,
    linear_dynamics,
    loss_arguments,
    minibatch_arguments,
    network_in_training,
    pieces_of_a_wide_network,
    risk_arguments,
    trained_and_start,
    training_arguments,
    two_networks,
    weights_in_training,
)

# Name: the compiled function and its arguments (made under 64-bit types where it runs under them).
COMPILED = {
    **{
        f"kernels_of_{name}": (recursion.compiled, lambda name=name: kernel_arguments(name))
        for name in sorted(FAMILIES)
    },
    **{
        f"kernels_in_part_{part.value}": (
            recursion.compiled,
            lambda part=part: kernel_arguments("relu", part, layer_norm=True, residual=0.5),
        )
        for part in recursion.Part
    },
    "kernel_tile_covariances": (tiles._covariances, lambda: (jnp.ones((N, DIM)), jnp.ones((N, DIM)))),
    "kernel_derivatives": (derivatives._with_derivatives, lambda: {**kernel_arguments("gelu"), "moves": 1.0}),
    "kernel_diagonals": (
        derivatives._diagonals,
        lambda: (
            {key: value for key, value in kernel_arguments("gelu").items() if key != "inputs"}
            | {"x": jnp.ones((N, DIM), jnp.float64)}
        ),
    ),
    "eigenvalues": (jax.jit(lambda kernel: lr.eigensystem(kernel).values), lambda: (jnp.eye(N, dtype=jnp.float64),)),
    **{
        f"minibatches_{name}": (
            jax.jit(lambda state, steps, exact=exact: minibatch._advance(*state, steps, exact)),
            lambda exact=exact: (minibatch_arguments(exact), 5),
        )
        for name, exact in (("exact", True), ("mode_wise", False))
    },
    "high_dimensional_errors": (high_dimensional._errors, lambda: (jnp.ones(N),) * 4),
    "best_stopping_time": (high_dimensional._best_time, lambda: (jnp.ones(N),) * 3),
    "self_distillation": (
        jax.jit(lambda kernel, y: _coefficients(kernel, y, 0.1, 0.5, 3)),
        lambda: (jnp.eye(N), jnp.ones((N, OUT))),
    ),
    "flow_by_tsitouras": (gradient_flow._tsitouras, flow_arguments),
    "flow_by_chebyshev": (gradient_flow._chebyshev, flow_arguments),
    "flow_losses": (
        point_losses._mean_losses,
        lambda: (point_losses.Loss.of("hinge", 1.0).value, jnp.ones((3, N, OUT)), jnp.ones((N, OUT))),
    ),
    **{
        f"criticality_{name}": (
            jax.jit(lambda *a, name=name, norm=norm: _criticality(lr.activation(name), norm, *a)),
            lambda: (0.1, *(jnp.ones(N),) * 2, None),
        )
        for name, norm in (("relu", True), ("tanh", False), ("elu", False))
    },
    "criticality_means": (_means, lambda: (lr.activation("elu"), False, jnp.ones(N))),
    "criticality_second_moments": (_second_moments, lambda: (lr.activation("elu"), jnp.ones(N))),
    "signals": (
        _signals,
        lambda: (*finite_network()[:3], *(jnp.ones((m, DIM), jnp.float32) for m in (1, 2))),
    ),
    "risk": (risk._compiled, lambda: risk_arguments()),
    "optimal_ridge": (optimal_fit._compiled, lambda: risk_arguments()),
    "optimal_fitting_ratio": (
        optimal_fit._compiled_fitting_ratio,
        lambda: (1 + jnp.ones(SEEDS), jnp.full(SEEDS, 2.0), jnp.ones(SEEDS)),
    ),
    "output": (mlp._apply_compiled, finite_network),
    "empirical_kernel": (
        empirical._ntk_of_points_compiled,
        lambda: (*finite_network(), jnp.ones((N, DIM), jnp.float32)),
    ),
    "empirical_nngp": (
        features._nngp_of_points_compiled,
        lambda: (*finite_network(), jnp.ones((N, DIM), jnp.float32)),
    ),
    "parameter_movement": (movement._parameter_distances_compiled, lambda: two_networks()[1:4]),
    "activation_movement": (movement._activations_compiled, two_networks),
    "linearised_outputs": (linearised._outputs_compiled, two_networks),
    "distance_to_linearised": (linearised._distances_compiled, two_networks),
    "sharpness": (jax.jit(lambda *a: _sharpness_compiled(*a, count=3)), loss_arguments),
    "hessian_trace": (jax.jit(lambda *a: _hessian_trace_compiled(*a, count=3)), loss_arguments),
    "coordinate_check": (
        _movements,
        lambda: (*finite_network((SEEDS,)), jnp.ones((N, OUT), jnp.float32), 0.1, 3),
    ),
    "grokking": (
        _advance_grokking,
        lambda: (*(jnp.ones(shape, jnp.float32) for shape in ((N, DIM), (N,), (WIDTH, DIM))), 1.0, 0.25, 0.1, 5),
    ),
    "grokking_measured": (_measured_grokking, lambda: (*grokking_problem(), 1.0, 0.25)),
    "jacobian_rows": (
        jax.jit(lambda w, x: _rows(lambda w, x: x @ w.T, w, x)),
        lambda: (jnp.ones((OUT, DIM), jnp.float32), jnp.ones((N, DIM), jnp.float32)),
    ),
    "contracted_jacobian_rows": (
        jax.jit(lambda rows: _contracted(rows, rows, blocks=True)),
        lambda: (jacobian_rows(),),
    ),
    "linear_dynamics": (
        jax.jit(linear_dynamics),
        lambda: (
            jnp.eye(N, dtype=jnp.float64),
            jnp.ones((N, OUT), jnp.float64),
            jnp.array([1.0, jnp.inf], jnp.float64),
        ),
    ),
    **{
        f"training_by_{name}": (
            jax.jit(lambda *a, size=size: descent.advance(*a[:4], size, *a[4:])),
            lambda name=name: training_arguments(name),
        )
        for name, size in (("gradient_descent", None), ("adam", 2), ("mup_adam", None))
    },
    "start_of_training": (
        descent.start,
        lambda: (Optimizer.of("adam", 0.0), np.uint32(0), weights_in_training()[2]),
    ),
    "stacked_layers": (descent.stacked, lambda: ((weights_in_training()[2],) * SEEDS,)),
    "outputs_in_training": (
        ensemble._outputs,
        lambda: (*weights_in_training(), (jnp.ones((N, DIM), jnp.float32),) * 2),
    ),
    "losses_of_seeds": (
        ensemble._mean_losses,
        lambda: (
            network_in_training()[3],
            (jnp.ones((SEEDS, N, OUT), jnp.float32),) * 2,
            (jnp.ones((N, OUT), jnp.float32),) * 2,
        ),
    ),
    "states_of_seeds": (ensemble._states, lambda: finite_network((SEEDS,))),
    "functions_of_seeds": (ensemble._functions, lambda: finite_network((SEEDS,))),
    **{
        f"ntks_of_seeds_{name}": (
            jax.jit(lambda *a, layers=layers: ensemble._kernels(*a, layers=layers)),
            lambda: finite_network((SEEDS,)),
        )
        for name, layers in (("whole", False), ("by_layer", True))
    },
    **{
        f"{name}_of_seeds": (
            jax.jit(lambda *a, measure=measure: hessian._of_seeds(*a, measure, 3)),
            hessian_arguments,
        )
        for name, measure in (("sharpness", hessian._sharpness), ("hessian_trace", estimated_hessian_trace))
    },
    "nngps_of_seeds": (
        recording._nngp_of_seeds,
        lambda: (*finite_network()[:2], jnp.ones((SEEDS, LAYERS, N, WIDTH), jnp.float32), 2),
    ),
    "movements_of_seeds": (recording._moved, trained_and_start),
    "linearised_distances_of_seeds": (
        recording._distances,
        lambda: (*finite_network()[:2], *(finite_network((SEEDS,))[2],) * 2, jnp.ones((N, DIM), jnp.float32)),
    ),
    **{
        f"wide_{name}": (function, lambda arguments=arguments: arguments)
        for name, (function, arguments) in pieces_of_a_wide_network().items()
    },
}
DOUBLE = {name for name in COMPILED if name.startswith(("kernels_", "kernel_", "flow_", "minibatches_"))}
DOUBLE |= {name for name in COMPILED if name.startswith("criticality_")}
DOUBLE |= {"eigenvalues", "high_dimensional_errors", "best_stopping_time", "self_distillation", "grokking_measured"}
DOUBLE |= {"linear_dynamics", "risk", "optimal_ridge", "optimal_fitting_ratio"}


PLATFORMS = ("cpu", "cuda", "tpu")


@pytest.mark.parametrize("name", COMPILED)
def test_it_lowers_for_every_platform(name):
    function, arguments = COMPILED[name]
    with jax.enable_x64(name in DOUBLE):
        given = arguments()
        given = ((), given) if isinstance(given, dict) else (given, {})
        exported = jax.export.export(function, platforms=PLATFORMS)(*given[0], **given[1])
    assert exported.platforms == PLATFORMS
    assert exported.mlir_module_serialized


def test_no_compiled_function_is_missing_here():
    modules = [importlib.import_module(found.name) for found in pkgutil.walk_packages(lr.__path__, "lazyrich.")]
    jitted = type(jax.jit(np.sin))
    compiled = {
        value
        for module in modules
        for _, value in inspect.getmembers(module, lambda member: isinstance(member, jitted))
        if inspect.unwrap(value).__module__.startswith("lazyrich")
    }
    within_others = {mehler._polynomials, _rows, _contracted, minibatch._advance, _coefficients}
    within_others |= {_sharpness_compiled, _hessian_trace_compiled, descent.advance, ensemble._kernels}
    within_others |= {hessian._of_seeds, wide_layers.each_output}
    within_others |= {_criticality}
    tried = {function for function, _ in COMPILED.values()} | within_others
    assert compiled <= tried
    assert len(compiled) >= 9
