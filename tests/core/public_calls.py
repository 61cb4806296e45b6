"""A good call of every public function, and which bad values each of its arguments must refuse."""

import dataclasses

import numpy as np
import xarray as xr

import lazyrich as lr
from tests.core.bad_values import (
    COUNT,
    END_TIME,
    FLAG,
    MATRIX,
    NAME,
    NO_NUMBER,
    NOT_NEGATIVE,
    OPTIONAL_COUNT,
    POINTS,
    POSITIVE,
    RATE,
    SEED,
    SEVERAL_COUNTS,
    SOME_NOT_NEGATIVE,
    SOME_POSITIVE,
    TARGETS,
    TIMES,
    VECTOR,
    not_a,
    without,
)

NET = lr.Network(depth=2, width=4)
DATA = lr.load_data("circle", n_train=3, n_test=2)
X, Y = DATA.x_train, DATA.y_train
PARAMS = lr.init(NET, 2, 1)
THETA = lr.ntk(NET, X)
SPECTRUM = np.arange(1, 31) ** -2.0
_NET, _DATA, _PARAMS = not_a("Network"), not_a("Dataset"), not_a("Params")
_ANY_POINTS = without(POINTS, "vector", "cube", "empty", "no_dimension") | {
    "scalar": (1.0, r"shape \(points, ...\), .*; got \(\)"), "empty": (np.ones((0, 4)), r"got \(0, 4\)"),
}  # fmt: skip
_TRAINING = {
    "net": _NET, "data": _DATA, "time": END_TIME, "learning_rate": RATE, "seed": SEED,
    "record": NAME | {"list": (["relu"], "must be one of .*; got 'relu'")},
    "checkpoints": without(COUNT, "zero") | {"one": (1, "from 2")},
    "ntk_points": OPTIONAL_COUNT,
}  # fmt: skip
_RISK = {
    "eigenvalues": VECTOR | {"zeros": (np.zeros(30), "positive numbers; .* smallest 0")},
    "coefficients": VECTOR | {"short": (np.ones(29), "each of the 30 eigenvalues; got")},
    "n": SOME_POSITIVE, "ridge": SOME_NOT_NEGATIVE, "noise": SOME_NOT_NEGATIVE,
}  # fmt: skip
_BATCH_SIZE = without(COUNT, "zero") | {"zero": (0, "from 1 to 3; got 0"), "too_large": (4, "from 1 to 3; got 4")}
_RATIO = {
    "negative": (-0.5, "must be numbers from .*; got -0.5"), "nan": (np.nan, "must be numbers from .*; got nan"),
    "text": ("3", "must be an array of numbers; got str"), "none": (None, "must be an array of numbers; got NoneType"),
    "flag": (True, "must be an array of numbers; got bool"), "one_of_two": ([1.0, -1.0], r"got \[1.0, -1.0\]"),
}  # fmt: skip
_ZERO, _INFINITE = {"zero": (0.0, "numbers from 1e-.* to .*; got 0.0")}, {"infinite": (np.inf, "to 1e.*; got inf")}
_EXPONENT = without(SOME_POSITIVE, "zero", "one_zero", "one_nan") | {"one": (1.0, "above 1; got 1")}
_SOME_FEATURES = without(SOME_POSITIVE, "infinite")
_TRIALS = {
    "n": SEVERAL_COUNTS | {"all": ([1, 3], "from 1 to 2; got .*3")}, "ridge": NOT_NEGATIVE, "noise": NOT_NEGATIVE,
    "trials": COUNT, "replace": FLAG, "seed": SEED,
}  # fmt: skip
_POOL = lr.spectrum_from_gram(THETA, Y)
_SET = without(NAME, "none")
_COUNT_TO_1000 = {
    name: (value, text.replace("1,000,000", "1,000")) for name, (value, text) in COUNT.items() if name != "zero"
}
_COUNT_TO_10000 = {name: (value, text.replace("1,000", "10,000")) for name, (value, text) in _COUNT_TO_1000.items()}
_linearised = lr.LinearisedTraining(NET, PARAMS, X, Y, X)
_flow = lr.LinearDynamics(THETA, Y, THETA[:2], nngp=THETA, cross_nngp=THETA[:2], test_nngp=THETA[:2, :2])


_TINY = lr.Experiment(
    lr.DataSpec("circle", 3, 2), NET, lr.TrainingSpec(time=1.0, learning_rate=0.1, seeds=1, checkpoints=2)
)


def _linear(readout, x):
    return x @ readout.T


def _one_step(net, data, **arguments):
    return next(lr.train_stream(net, data, **arguments))


# Public name: the function, arguments that it takes, and what it must refuse in their place.
CALLS = {
    "activation": (lr.activation, {"name": "relu"}, {"name": NAME}),
    "activation_with_parameters": (
        lr.activation, {"name": "leaky_relu", "slope": 0.1}, {"slope": NO_NUMBER},
    ),
    "Network": (
        lr.Network,
        {"depth": 1, "width": 2, "activation": "relu", "weight_var": 1.0, "bias_var": 0.0,
         "parametrization": "ntk", "richness": 1.0, "residual": 0.0, "layer_norm": False},
        {"depth": COUNT, "width": COUNT, "activation": NAME, "weight_var": NOT_NEGATIVE,
         "bias_var": NOT_NEGATIVE, "parametrization": NAME, "richness": POSITIVE, "residual": NOT_NEGATIVE,
         "layer_norm": FLAG},
    ),
    "angular_kernels": (
        lr.angular_kernels,
        {"net": NET, "cosines": [-1.0, 0.5]},
        {"net": _NET, "cosines": {"nan": ([np.nan], "must be finite"), "beyond": ([1.1], "from -1 to 1; got 1.1"),
                                  "text": ("relu", "must be an array of numbers"), "none": ([], "both at least 1")}},
    ),
    "critical_point": (
        lr.critical_point, {"phi": "relu"},
        {"phi": NAME | {"jumps": ("step", "without jumps; got step"), "never": ("exp", "got exp, which has none")}},
    ),
    "criticality": (
        lr.criticality,
        {"net": NET, "weight_var": 1.0, "bias_var": 0.1, "variance": 1.0},
        {"net": _NET | {"jumps": (lr.Network(activation="step"), "without jumps; got step")},
         "weight_var": without(SOME_NOT_NEGATIVE, "none"), "bias_var": without(SOME_NOT_NEGATIVE, "none"),
         "variance": without(SOME_POSITIVE, "none")},
    ),
    **{
        name: (getattr(lr, name), {"net": NET, "cosines": [0.5, 1.0], "layers": 3, **more},
               {"net": _NET, "cosines": {"nan": ([np.nan], "from -1 to 1"), "beyond": ([1.1], "from -1 to 1"),
                                         "text": ("relu", "must be an array of numbers"), "empty": ([], "one or more"),
                                         "matrix": (np.zeros((2, 2)), r"vector; got shape \(2, 2\)")},
                "layers": _COUNT_TO_10000, **bad})
        for name, more, bad in (
            ("signal_propagation", {}, {}),
            ("measured_signal_propagation", {"networks": 2, "seed": 0}, {"networks": COUNT, "seed": SEED}),
        )
    },
    "abc": (lr.abc, {"name": "mup", "depth": 2}, {"name": NAME, "depth": COUNT}),
    "classify": (lr.classify, {"exponents": lr.abc("mup", 2)}, {"exponents": not_a("ABC")}),
    "load_data": (
        lr.load_data,
        {"name": "circle", "n_train": 3, "n_test": 2, "noise": 0.1, "seed": 0},
        {"name": NAME, "n_train": COUNT, "n_test": COUNT, "noise": NOT_NEGATIVE, "seed": SEED},
    ),
    "Dataset": (
        lr.Dataset,
        {"x_train": X, "y_train": Y, "x_test": X, "y_test": Y, "name": "mine"},
        {"x_train": POINTS, "y_train": TARGETS, "x_test": POINTS, "y_test": TARGETS,
         "name": {"none": (None, "name must be of type str"), "number": (5, "got int")}},
    ),
    **{
        name: (getattr(lr, name), {"net": NET, "x1": X, "x2": X},
               {"net": _NET, "x1": POINTS, "x2": without(POINTS, "none")
                | {"other_dimension": (np.ones((2, 5)), "same dimension D; got 2 and 5")}})
        for name in ("nngp", "ntk", "nngp_and_ntk", "kernels_by_depth", "ntk_by_layer")
    },
    **{
        name: (getattr(lr, name),
               {"net": NET, "x1": X, "x2": X, "kind": "nngp", "tile": 2, "dtype": "float32", "client": None, **more},
               {"net": _NET, "x1": POINTS, "x2": without(POINTS, "none")
                | {"other_dimension": (np.ones((2, 5)), "same dimension D; got 2 and 5")},
                "kind": NAME, "tile": COUNT, "dtype": NAME,
                "client": {"text": ("relu", "Client or None; got str")}, **bad})
        for name, more, bad in (
            ("kernel_tiles", {}, {}),
            ("tiled_kernel", {"out": None, "progress": None}, {
                "out": {"number": (5, "out must be a file name; got int")},
                "progress": {"number": (5, "progress must be a function or None; got int")}}),
        )
    },
    "load_tiled_kernel": (
        lr.load_tiled_kernel, {},
        {"path": {"none": (None, "path must be a file name; got NoneType"),
                  "number": (5, "path must be a file name; got int"),
                  "missing": ("never.npy", "beside the .jsonl file that says what it is; got never.npy")}},
    ),
    "init": (
        lr.init,
        {"net": NET, "in_dim": 2, "out_dim": 1, "seed": 0, "dtype": "float32"},
        {"net": _NET, "in_dim": COUNT, "out_dim": COUNT, "seed": SEED, "dtype": NAME},
    ),
    "apply": (
        lr.apply, {"net": NET, "params": PARAMS, "x": X},
        {"net": _NET, "params": _PARAMS, "x": POINTS
         | {"out_of_float32": (np.full((1, 2), 1e200), "range of the weights' float32; got 1e")}},
    ),
    "empirical_ntk": (
        lr.empirical_ntk, {"net": NET, "params": PARAMS, "x1": X, "x2": X, "blocks": False, "layers": False},
        {"net": _NET, "params": _PARAMS, "x1": POINTS, "x2": without(POINTS, "none")
         | {"other_dimension": (np.ones((2, 5)), r"of net and x2, \(4, 5, 2\); got \(4, 2, 2\)")},
         "blocks": FLAG, "layers": FLAG},
    ),
    "empirical_nngp": (
        lr.empirical_nngp, {"net": NET, "params": PARAMS, "x1": X, "x2": X, "layers": False},
        {"net": _NET, "params": _PARAMS, "x1": POINTS, "x2": without(POINTS, "none")
         | {"other_dimension": (np.ones((2, 5)), r"of net and x2, \(4, 5, 2\); got \(4, 2, 2\)")},
         "layers": FLAG},
    ),
    "function_ntk": (
        lr.function_ntk,
        {"f": _linear, "params": PARAMS.readout, "x1": X @ X.T @ np.ones((3, 4)), "x2": np.ones((2, 4)),
         "blocks": False, "memory": 10_000},
        {"f": {"none": (None, "must be a function .*; got NoneType"),
               "vector": (lambda w, x: _linear(w, x)[:, 0], r"\(points, outputs\); got shape \(3,\) for 3 points"),
               "of_all_points": (lambda w, x: _linear(w, x).sum(axis=0), "got shape .* for 3 points"),
               "no_output": (lambda w, x: _linear(w, x)[:, :0], r"got shape \(3, 0\)"),
               "two": (lambda w, x: (_linear(w, x),) * 2, "got tuple"),
               "complex": (lambda w, x: _linear(w, x) * 1j, "must return real numbers; got complex64")},
         "params": {"none": (None, "pytree of float32 or float64 arrays; got no array"),
                    "text": ("w", "float64 arrays; got str"), "number": (1.0, "float64 arrays; got float"),
                    "whole": (np.ones((1, 4), int), "float64 arrays; got int64")},
         "x1": _ANY_POINTS, "x2": without(_ANY_POINTS, "none")
         | {"other_shape": (np.ones((2, 5)), r"points of the same shape; got \(4,\) and \(5,\)")},
         "blocks": FLAG,
         "memory": without(COUNT, "zero") | {"zero": (0, "whole number from 1 to"),
                                             "tight": (10, "memory must hold .* 48 bytes; got 10")}},
    ),
    "eigensystem": (
        lr.eigensystem, {"kernel": THETA},
        {"kernel": MATRIX | {"oblong": (THETA[:2], "must be square"),
                              "out_of_range": (1e301 * np.eye(2), "at most 1e.300; got 1e.301")}},
    ),
    "conditioning": (
        lr.conditioning, {"kernel": THETA, "system": lr.eigensystem(THETA)},
        {"kernel": {"other_size": (np.eye(2), r"shape of its system, \(3, 3\); got \(2, 2\)")},
         "system": without(not_a("Eigensystem"), "none")},
    ),
    "conditioning_of_a_kernel": (lr.conditioning, {"kernel": THETA}, {"kernel": MATRIX}),
    "top_eigenpairs": (
        lr.top_eigenpairs, {"kernel": THETA, "k": 2, "tolerance": 1e-10, "seed": 0},
        {"kernel": MATRIX | {"oblong": (THETA[:2], "must be square")}, "tolerance": POSITIVE, "seed": SEED,
         "k": without(COUNT, "zero") | {"zero": (0, "from 1 to 2; got 0"), "all": (3, "from 1 to 2; got 3")}},
    ),
    "solve": (
        lr.solve,
        {"kernel": THETA, "y": Y, "ridge": 0.1, "tolerance": 1e-8, "rank": 2, "max_iterations": 9, "seed": 0},
        {"kernel": MATRIX | {"oblong": (THETA[:2], "must be square")}, "y": TARGETS, "ridge": NOT_NEGATIVE,
         "tolerance": POSITIVE, "max_iterations": COUNT, "seed": SEED,
         "rank": without(OPTIONAL_COUNT, "zero") | {"too_high": (4, "from 0 to 3; got 4")}},
    ),
    "log_marginal_likelihood": (
        lr.log_marginal_likelihood, {"net": NET, "x": X, "y": Y, "noise": 0.1, "kind": "nngp"},
        {"net": _NET, "x": POINTS, "y": TARGETS, "noise": NOT_NEGATIVE, "kind": NAME},
    ),
    "coefficients": (lr.eigensystem(THETA).coefficients, {"y": Y}, {"y": TARGETS}),
    "cumulative_power": (lr.eigensystem(THETA).cumulative_power, {"y": Y}, {"y": TARGETS}),
    "alignment": (lr.eigensystem(THETA).alignment, {"y": Y}, {"y": TARGETS}),
    "effective_dimension": (lr.eigensystem(THETA).effective_dimension, {"ridge": 0.1}, {"ridge": NOT_NEGATIVE}),
    "operator_eigenvalues": (
        lr.operator_eigenvalues, {"values": SPECTRUM},
        {"values": VECTOR | {"negative": ([1.0, -1.0], "with the smallest -1"),
                             "ascending": ([1.0, 2.0], "descending")}},
    ),
    "kappa_from_gram": (
        lr.kappa_from_gram,
        {"kernel": np.eye(20), "sizes": [2, 4, 8], "ridge": 0.1, "subsets": 2, "seed": 0},
        {"kernel": MATRIX | {"oblong": (np.ones((3, 20)), "must have shape")},
         "sizes": {"too_large": ([2, 4, 11], "from 2 to 10; got 11"), "few": ([2, 4], "at least 3 different .*; got 2"),
                   "one": (4, "at least 3 different .*; got 1"), "fraction": ([2, 4, 4.5], "whole number .*; got 4.5"),
                   "text": ("abc", "whole number .*; got 'abc'"), "none": (None, "whole number .*; got None")},
         "ridge": NOT_NEGATIVE, "seed": SEED,
         "subsets": without(COUNT, "zero") | {"one": (1, "from 2")}},
    ),
    "mercer_spectrum": (
        lr.mercer_spectrum, {"net": NET, "dim": 3, "degrees": 4, "kind": "nngp"},
        {"net": _NET | {"standard": (lr.Network(2, 4, parametrization="standard"), "got the standard parametrization")},
         "dim": without(COUNT, "zero") | {"one": (1, "from 2")},
         "degrees": without(COUNT, "zero") | {"zero": (0, "from 1")}, "kind": NAME},
    ),
    "MercerSpectrum.flat": (
        lr.mercer_spectrum(NET, 3, 4).flat, {"count": 16}, {"count": COUNT | {"many": (17, "at most 16, .*; got 17")}},
    ),
    "fit_power_law": (
        lr.fit_power_law, {"values": SPECTRUM, "first": 1, "last": 20},
        {"values": VECTOR, "first": OPTIONAL_COUNT, "last": OPTIONAL_COUNT},
    ),
    "LinearDynamics": (
        lr.LinearDynamics,
        {"ntk": THETA, "y": Y, "cross_ntk": THETA, "nngp": THETA, "cross_nngp": THETA,
         "test_nngp": THETA, "f0": (Y, Y), "learning_rate": 0.1, "momentum": 0.5, "ridge": 0.0,
         "continuous": False},
        {"continuous": FLAG,
         "ntk": MATRIX | {"oblong": (THETA[:2], "must be square"),
                          "negative": (-THETA, "must be positive semi-definite; got the eigenvalue -")},
         "y": TARGETS, "ridge": NOT_NEGATIVE, "learning_rate": RATE,
         "f0": without(TARGETS, "one_number") | {
             "two_outputs": (np.ones((3, 2)), "must have 1 outputs as y has; got 2"),
             "one_part": ((Y,), "on training and on test points; got 1 parts"),
             "no_test_part": ((Y, None), "f0 on test points must be an array")},
         "momentum": NOT_NEGATIVE | {"one": (1.0, "momentum must be below 1")},
         **{name: without(MATRIX, "none")
            | {"other_side": (np.ones((3, 4)), r"must have shape .*; got \(3, 4\)")}
            for name in ("cross_ntk", "nngp", "cross_nngp", "test_nngp")}},
    ),
    **{
        f"LinearDynamics.{name}": (getattr(_flow, name), {"t": 1.0},
                                   {"t": TIMES})
        for name in ("train", "test", "train_loss", "train_loss_by_mode", "decay")
    },
    **{
        f"LinearDynamics.{name}": (getattr(_flow, name), {"t": 1.0, "points": "train"}, {"t": TIMES, "points": _SET})
        for name in ("covariance", "variance", "mean_variance")
    },
    "initial_covariance": (
        lr.initial_covariance, {"net": NET, "x": X, "x_test": X},
        {"net": _NET, "x": POINTS,
         "x_test": without(POINTS, "none") | {"other_dimension": (np.ones((2, 5)), "same dimension D; got")}},
    ),
    "expected_losses": (
        lr.expected_losses, {"flow": _flow, "t": 1.0, "y_test": Y[:2]},
        {"flow": not_a("LinearDynamics"), "t": TIMES,
         "y_test": {"too_many": (Y, "one row for each of the 2 points; got 3")}},
    ),
    "LinearDynamics.early_stopping": (
        _flow.early_stopping, {"y_test": Y[:2]},
        {"y_test": {"two_outputs": (np.ones((2, 2)), "must have 1 outputs"),
                    "too_many": (Y, "one row for each of the 2 points; got 3")}},
    ),
    "LinearDynamics.dataset": (_flow.dataset, {"t": [1.0, 2.0], "y_test": None}, {"t": TIMES}),
    "LinearDynamics.test_loss": (
        lr.LinearDynamics(THETA, Y, THETA).test_loss, {"t": 1.0, "y_test": Y},
        {"t": TIMES,
         "y_test": TARGETS | {"two_outputs": (np.ones((3, 2)), "must have 1 outputs")}},
    ),
    "loss_dynamics": (
        lr.loss_dynamics,
        {"ntk": THETA, "y": [0.0, 1.0, 1.0], "t": 1.0, "loss": "hinge", "cross_ntk": THETA, "y_test": [1.0, 1.0, 0.0],
         "f0": (0.0, 0.0), "ridge": 0.1, "huber_delta": 1.0, "rtol": 1e-6, "atol": 1e-6},
        {"ntk": MATRIX, "y": TARGETS, "t": TIMES, "loss": NAME, "y_test": without(TARGETS, "none"),
         "cross_ntk": without(MATRIX, "none") | {"other_side": (np.ones((3, 4)), r"must have shape .*; got \(3, 4\)")},
         "ridge": NOT_NEGATIVE, "huber_delta": POSITIVE, "rtol": POSITIVE, "atol": POSITIVE,
         "f0": without(TARGETS, "one_number") | {
             "one_part": ((0.0,), "on training and on test points; got 1 parts"),
             "no_test_part": ((0.0, None), "f0 on test points must be an array")}},
    ),
    **{
        name: (function, {"net": NET, "data": DATA, "time": 0.01, "learning_rate": 0.01, "seeds": 1,
                          "seed": 0, "record": ("loss",), "checkpoints": 2, "centred": False,
                          "ntk_points": 2, "loss": "huber", "optimizer": "gradient_descent", "momentum": 0.5,
                          "batch_size": 2, "edge_fraction": None, "stop": None},
               _TRAINING | {"centred": FLAG, "seeds": COUNT, "loss": NAME, "optimizer": NAME,
                            "momentum": NOT_NEGATIVE | {"one": (1.0, "must be below 1")},
                            "batch_size": without(_BATCH_SIZE, "none"),
                            "edge_fraction": {"both": (0.5, "Only one of learning_rate and edge_fraction")},
                            "stop": {"number": (5, "stop must be a function of nothing; got int")}})
        for name, function in (("train", lr.train), ("train_stream", _one_step))
    },
    "mean_field": (
        lr.mean_field,
        {"net": lr.Network(1), "data": DATA, "time": 0.01, "richness": 1.0, "particles": 4,
         "learning_rate": 0.01, "seed": 0, "record": ("loss",), "checkpoints": 2, "ntk_points": 2},
        _TRAINING | {"richness": RATE, "particles": COUNT},
    ),
    "GrokkingSpec": (
        lr.GrokkingSpec,
        {"in_dim": 2, "n_train": 3, "n_test": 2, "width": 4, "alpha": 1.0, "epsilon": 0.5, "learning_rate": 0.1,
         "steps": 5, "centred": True, "seed": 0},
        {"in_dim": COUNT, "n_train": COUNT, "width": COUNT, "alpha": POSITIVE, "epsilon": NOT_NEGATIVE,
         "learning_rate": POSITIVE, "steps": COUNT, "centred": FLAG, "seed": SEED,
         "n_test": without(COUNT, "zero") | {"one": (1, "from 2")}},
    ),
    "grokking": (
        lr.grokking, {"spec": lr.GrokkingSpec(2, 3, 2, 4, steps=5), "checkpoints": 2},
        {"spec": not_a("GrokkingSpec"),
         "checkpoints": without(COUNT, "zero") | {"one": (1, "from 2")}},
    ),
    "minibatch_dynamics": (
        lr.minibatch_dynamics,
        {"ntk": THETA, "y": Y, "time": 0.1, "learning_rate": 0.01, "batch_size": 2, "cross_ntk": THETA, "y_test": Y,
         "f0": (Y, Y), "replacement": False, "method": "exact", "checkpoints": 2},
        {"ntk": MATRIX, "y": TARGETS, "time": END_TIME, "learning_rate": POSITIVE, "batch_size": _BATCH_SIZE,
         "cross_ntk": without(MATRIX, "none") | {"none": (None, "needs both cross_ntk and y_test; got one")},
         "y_test": without(TARGETS, "none") | {"none": (None, "needs both cross_ntk and y_test; got one"),
                                               "two_outputs": (np.ones((3, 2)), "must have 1 outputs")},
         "f0": without(TARGETS, "one_number"), "replacement": FLAG, "method": NAME,
         "checkpoints": without(COUNT, "zero") | {"one": (1, "from 2")}},
    ),
    "max_minibatch_learning_rate": (
        lr.max_minibatch_learning_rate,
        {"ntk": THETA, "batch_size": 2, "replacement": False, "method": "exact"},
        {"ntk": MATRIX, "batch_size": _BATCH_SIZE, "replacement": FLAG, "method": NAME},
    ),
    "high_dimensional_errors": (
        lr.theory.high_dimensional_errors, {"t": 1.0, "ratio": 0.5, "snr": 5.0, "inr": 0.0},
        {"t": _RATIO, "ratio": _RATIO | _ZERO | _INFINITE, "snr": _RATIO | _ZERO, "inr": _RATIO | _INFINITE},
    ),
    "best_stopping_time": (
        lr.theory.best_stopping_time, {"ratio": 0.5, "snr": 5.0, "inr": 0.0},
        {"ratio": _RATIO | _ZERO | _INFINITE, "snr": _RATIO | _ZERO, "inr": _RATIO | _INFINITE},
    ),
    "mode_stopping_time": (
        lr.theory.mode_stopping_time, {"eigenvalue": 0.5, "snr": 5.0, "inr": 0.0},
        {"eigenvalue": _RATIO | _INFINITE, "snr": _RATIO | _ZERO, "inr": _RATIO | _INFINITE},
    ),
    "marchenko_pastur_density": (
        lr.theory.marchenko_pastur_density, {"eigenvalue": 0.5, "ratio": 0.5},
        {"eigenvalue": _RATIO | _ZERO | _INFINITE, "ratio": _RATIO | _ZERO | _INFINITE},
    ),
    "self_distillation": (
        lr.theory.self_distillation,
        {"kernel": THETA, "y": Y, "rounds": 2, "ridge": 0.1, "target_weight": 0.5, "cross_kernel": THETA},
        {"kernel": MATRIX | {"oblong": (THETA[:2], "must be square")}, "y": TARGETS, "rounds": COUNT,
         "ridge": POSITIVE, "target_weight": NOT_NEGATIVE | {"above_one": (1.5, "at most 1; got 1.5")},
         "cross_kernel": without(MATRIX, "none") | {"other_side": (np.ones((3, 4)), r"got \(3, 4\)")}},
    ),
    "deep_mean_field": (
        lr.deep_mean_field,
        {"net": NET, "data": DATA, "time": 0.01, "richness": 1.0, "particles": 200, "learning_rate": 0.01,
         "seeds": 2, "seed": 0, "checkpoints": 2},
        {name: bad for name, bad in _TRAINING.items() if name not in ("record", "ntk_points")}
        | {"richness": RATE, "particles": COUNT,
           "seeds": without(COUNT, "zero") | {"one": (1, "from 2 to 1,000,000; got 1")}},
    ),
    "kernel_distance": (
        lr.kernel_distance, {"kernel": THETA, "reference": THETA},
        {"kernel": MATRIX, "reference": MATRIX},
    ),
    "target_alignment": (
        lr.target_alignment, {"kernel": THETA, "y": Y}, {"kernel": MATRIX, "y": TARGETS},
    ),
    "centred_kernel_alignment": (
        lr.centred_kernel_alignment, {"kernel": THETA, "reference": THETA},
        {"kernel": MATRIX, "reference": MATRIX | {"oblong": (THETA[:2], "must have shape")}},
    ),
    "parameter_movement": (
        lr.parameter_movement, {"net": NET, "params": PARAMS, "start": PARAMS},
        {"net": _NET, "params": _PARAMS, "start": _PARAMS},
    ),
    **{
        name: (getattr(lr, name), {"net": NET, "params": PARAMS, "start": PARAMS, "x": X},
               {"net": _NET, "params": _PARAMS, "start": _PARAMS, "x": POINTS})
        for name in ("activation_movement", "linearised_output", "distance_to_linearised")
    },
    **{
        name: (getattr(lr, name), {"net": NET, "params": PARAMS, "x": X, "y": Y, count: 2, "seed": 0},
               {"net": _NET, "params": _PARAMS, "x": POINTS, "seed": SEED, count: bad,
                "y": TARGETS | {"two_outputs": (np.ones((3, 2)), "as many outputs as the network, 1; got 2")}})
        for name, count, bad in (
            ("sharpness", "iterations", _COUNT_TO_1000 | {"zero": (0, "from 1 to 1,000; got 0")}),
            ("hessian_trace", "samples", _COUNT_TO_1000 | {"one": (1, "from 2 to 1,000; got 1")}),
        )
    },
    "weight_spectra": (lr.weight_spectra, {"net": NET, "params": PARAMS}, {"net": _NET, "params": _PARAMS}),
    "fit_power_law_tail": (
        lr.fit_power_law_tail, {"values": SPECTRUM, "least": 5},
        {"values": VECTOR, "least": without(COUNT, "zero") | {"one": (1, "from 2 to 1,000,000; got 1")}},
    ),
    "LinearisedTraining": (
        lr.LinearisedTraining,
        {"net": NET, "params": PARAMS, "x": X, "y": Y, "x_test": X, "learning_rate": 0.1, "centred": True},
        {"net": _NET, "params": _PARAMS, "x": POINTS, "x_test": without(POINTS, "none"), "learning_rate": RATE,
         "centred": FLAG,
         "y": TARGETS | {"two_outputs": (np.ones((3, 2)), "as many outputs as the network, 1; got 2")}},
    ),
    **{
        f"LinearisedTraining.{name}": (getattr(_linearised, name), {"t": 1.0}, {"t": TIMES})
        for name in ("train", "test", "train_loss")
    },
    "LinearisedTraining.test_loss": (
        _linearised.test_loss, {"t": 1.0, "y_test": Y},
        {"t": TIMES, "y_test": TARGETS | {"two_outputs": (np.ones((3, 2)), "must have 1 outputs")}},
    ),
    # Not called with good arguments, which compiles a program for each width: it has a test of its own.
    "coordinate_check": (
        lambda **arguments: lr.coordinate_check(**{"net": NET, "data": DATA, "widths": (2, 3, 4), **arguments}), {},
        {"net": _NET, "data": _DATA, "steps": COUNT, "learning_rate": RATE, "seed": SEED,
         "seeds": without(COUNT, "zero") | {"one": (1, "from 2 to 1,000,000; got 1")},
         "widths": {"number": (64, "widths must be a list .*; got 64"), "text": ("64", "list .*; got '64'"),
                    "two": ((64, 64, 128), "at least three different widths; got 2"),
                    "fraction": ((1.5, 2, 3), "a width must be a whole number")}},
    ),
    "kernel_regression_risk": (
        lr.kernel_regression_risk,
        {"eigenvalues": SPECTRUM, "coefficients": SPECTRUM, "n": 9, "ridge": 0.1, "noise": 0.1},
        _RISK,
    ),
    "random_feature_risk": (
        lr.random_feature_risk,
        {"eigenvalues": SPECTRUM, "coefficients": SPECTRUM, "n": 9, "k": 5, "ridge": 0.1, "noise": 0},
        _RISK | {"k": _SOME_FEATURES},
    ),
    "learning_curve": (
        lr.learning_curve,
        {"eigenvalues": SPECTRUM, "coefficients": SPECTRUM, "n": [3, 9], "k": 5, "ridge": 0.1, "noise": 0.1},
        _RISK | {"ridge": NOT_NEGATIVE, "noise": NOT_NEGATIVE, "k": without(_SOME_FEATURES, "none"),
                 "n": SOME_POSITIVE | {"matrix": ([[1.0], [2.0]], r"a number or a vector; got shape \(2, 1\)")}},
    ),
    "optimal_ridge": (
        lr.optimal_ridge,
        {"eigenvalues": SPECTRUM, "coefficients": SPECTRUM, "n": 9, "noise": 0.1, "k": None},
        without(_RISK, "ridge") | {"k": without(_SOME_FEATURES, "none")},
    ),
    "optimal_fitting_ratio": (
        lr.optimal_fitting_ratio, {"a": 1.5, "b": 2.0, "relative_noise": 4.0},
        {"a": _EXPONENT, "relative_noise": SOME_NOT_NEGATIVE,
         "b": _EXPONENT | {"steep": (4.0, "below 2a . 1, .*; got b = 4")}},
    ),
    "spectrum_from_gram": (
        lr.spectrum_from_gram, {"kernel": THETA, "y": Y},
        {"kernel": MATRIX | {"zeros": (np.zeros((3, 3)), "eigenvalue above 0; got zeros")}, "y": TARGETS},
    ),
    "held_out_risk": (
        lr.held_out_risk, {"pool": _POOL, "n": 2, "ridge": 0.1, "noise": 0.1},
        {"pool": not_a("PoolSpectrum"), "ridge": NOT_NEGATIVE, "noise": NOT_NEGATIVE,
         "n": SOME_POSITIVE | {"all": (3.0, "below the number of points in the pool, 3; got 3")}},
    ),
    "measured_kernel_risk": (
        lr.measured_kernel_risk,
        {"kernel": THETA, "y": Y, "n": [1, 2], "ridge": 0.1, "noise": 0.1, "trials": 1, "replace": False, "seed": 0},
        _TRIALS | {"kernel": MATRIX | {"oblong": (THETA[:2], "must be square"),
                                       "one_sided": (np.triu(np.ones((3, 3))), "must be square and symmetric; got")},
                   "y": TARGETS},
    ),
    "measured_random_feature_risk": (
        lr.measured_random_feature_risk,
        {"features": lr.gaussian_features(THETA), "y": Y, "n": [1, 2], "k": 2, "ridge": 0.1, "noise": 0.1,
         "trials": 1, "replace": False, "seed": 0},
        _TRIALS | {"features": {"array": (X, "function of k and a seed; got ndarray"),
                                "short": (lambda k, _: np.ones((2, k)), r"\(3, 2\); got \(2, 2\)"),
                                "nan": (lambda k, _: np.full((3, k), np.nan), "not all finite")},
                   "k": SEVERAL_COUNTS, "y": without(TARGETS, "too_many", "empty", "one_number")},
    ),
    "gaussian_features": (
        lr.gaussian_features, {"kernel": THETA}, {"kernel": MATRIX | {"oblong": (THETA[:2], "must be square")}},
    ),
    "network_features": (lr.network_features, {"net": NET, "x": X}, {"net": _NET, "x": POINTS}),
    "DataSpec": (
        lr.DataSpec, {"name": "digits", "n_train": 3, "n_test": 2, "noise": 0.0},
        {"name": NAME, "n_train": COUNT, "n_test": COUNT, "noise": NOT_NEGATIVE},
    ),
    "TrainingSpec": (
        lr.TrainingSpec,
        {"time": 1.0, "learning_rate": 0.1, "seeds": 1, "checkpoints": 2, "centred": True, "ntk_points": 2,
         "loss": "squared", "optimizer": "gradient_descent", "momentum": 0.5, "batch_size": 2, "edge_fraction": 0.5},
        {"time": POSITIVE, "learning_rate": RATE, "seeds": COUNT,
         "checkpoints": without(COUNT, "zero") | {"one": (1, "from 2")},
         "centred": FLAG, "ntk_points": COUNT, "loss": NAME, "optimizer": NAME,
         "momentum": NOT_NEGATIVE | {"one": (1.0, "momentum must be below 1")}, "batch_size": OPTIONAL_COUNT,
         "edge_fraction": RATE},
    ),
    "Experiment": (
        lr.Experiment,
        {"data": lr.DataSpec(), "network": NET, "training": lr.TrainingSpec(), "seed": 0},
        {"data": not_a("DataSpec"), "network": _NET, "training": not_a("TrainingSpec"),
         "seed": SEED},
    ),
    "sweep": (
        lr.sweep,
        {"experiment": _TINY, "grid": {"seed": [0, 1]}, "record": ("loss",), "steps": 2, "threads": 1,
         "client": None, "path": None, "progress": None},
        {"experiment": not_a("Experiment"), "record": NAME | {"list": (["relu"], "must be one of .*; got 'relu'")},
         "steps": without(OPTIONAL_COUNT, "zero") | {"zero": (0, "whole number from 1")}, "threads": COUNT,
         "client": {"text": ("relu", "Client or None; got str")},
         "path": {"number": (5, "path must be the name of a folder; got int")},
         "progress": {"number": (5, "progress must be a function or None; got int")},
         "grid": {"none": (None, "table of fields and their values; got None"),
                  "unknown": ({"width": [3]}, "a field of the grid must be one of .*; got 'width'"),
                  "empty": ({"seed": []}, r"at least one value, .*; got \[\]"),
                  "number": ({"seed": 3}, "must be a list of values; got 3"),
                  "nan": ({"network.richness": [np.nan]}, "above 0; got nan"),
                  "twice": ({"seed": [1, 1]}, r"different values; got \[1, 1\]"),
                  "zero_width": ({"network.width": [0]}, "from 1 .*; got 0")}},
    ),
    # Not called with good arguments, which compiles a program for each width: they have tests of their own.
    **{
        f"sweeps.{function.__name__}": (
            lambda function=function, more=more, **arguments: function(
                **{"experiment": _TINY, "widths": (2, 3, 4), **more, **arguments}
            ),
            {},
            {"experiment": not_a("Experiment"), **bad,
             "widths": {"number": (64, "must be a list of values; got 64"), "zero": ((0, 1, 2), "from 1 .*; got 0"),
                        "twice": ((2, 2, 3), r"different values; got \[2, 2, 3\]")}},
        )
        for function, more, bad in (
            (lr.sweeps.kernel_movement,
             {"experiment": dataclasses.replace(_TINY, training=lr.TrainingSpec(time=1.0, seeds=2))},
             {"richnesses": {"nan": ((1.0, 2.0, np.nan), "above 0; got nan"), "two": ((1, 2), "at least 3 rich")}}),
            (lr.sweeps.learning_rate_transfer, {"steps": 2},
             {"steps": COUNT, "learning_rates": {"zero": ((0.0, 1.0), "above 0; got 0.0")}}),
            (lr.sweeps.sharpness, {"steps": 2}, {"steps": COUNT}),
        )
    },
    "save": (
        lambda result: lr.save(result, "never.nc"), {},
        {"result": {"none": (None, "xarray Dataset can be saved; got NoneType"),
                    "array": (X, "xarray Dataset can be saved; got ndarray")}},
    ),
    "save_to": (
        lambda path: lr.save(xr.Dataset(), path), {},
        {"path": {"none": (None, "path must be a file name; got NoneType"),
                  "number": (5, "path must be a file name; got int")}},
    ),
    "save_kernel": (
        lambda **arguments: lr.save_kernel(**{"kernel": THETA, "path": "never.nc", "net": NET, "x1": X, **arguments}),
        {},
        {"kernel": MATRIX | {"other_side": (np.ones((3, 4)), r"must have shape \(3, 3\).*; got \(3, 4\)")},
         "path": {"none": (None, "path must be a file name; got NoneType"),
                  "number": (5, "path must be a file name; got int")},
         "net": _NET, "x1": POINTS, "x2": without(POINTS, "none"), "kind": NAME},
    ),
    "load_kernel": (
        lambda **arguments: lr.load_kernel(**{"path": "never.nc", "net": NET, "x1": X, **arguments}), {},
        {"path": {"none": (None, "path must be a file name; got NoneType"),
                  "number": (5, "path must be a file name; got int"),
                  "missing": ("never.nc", "wrote; got never.nc")},
         "net": _NET, "x1": POINTS, "x2": without(POINTS, "none"), "kind": NAME},
    ),
    "load": (
        lr.load, {},
        {"path": {"none": (None, "path must be a file name; got NoneType"),
                  "number": (5, "path must be a file name; got int"),
                  "missing": ("never.nc", "from a NetCDF file; got never.nc")}},
    ),
}  # fmt: skip
