"""Results: labelled arrays that carry the spec that made them, and files of them."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from ._checks import choice

# Name: dimensions after the leading ones, and what the numbers are.
VARIABLES: dict[str, tuple[tuple[str, ...], str]] = {
    "train_loss": (
        (),
        "mean loss of a point, 1/2 sum over outputs of (f - y)^2 unless another is named, training points",
    ),
    "test_loss": ((), "mean loss of a point, 1/2 sum over outputs of (f - y)^2 unless another is named, test points"),
    "train_loss_std": ((), "standard deviation of train_loss over the draws of the mini-batches"),
    "test_loss_std": ((), "standard deviation of test_loss over the draws of the mini-batches"),
    "train_accuracy": ((), "fraction of training labels predicted"),
    "test_accuracy": ((), "fraction of test labels predicted"),
    "f_train": (("train_point", "output"), "network output on training points"),
    "f_test": (("test_point", "output"), "network output on test points"),
    "f_plane": (("plane_point", "output"), "network output on a grid over the plane of two inputs, row by row"),
    "train_loss_by_mode": (("mode",), "each eigenvector's share of train_loss, by descending eigenvalue"),
    "variance_train": (("train_point",), "variance of an output over initialisations, training points"),
    "variance_test": (("test_point",), "variance of an output over initialisations, test points"),
    "ntk": (("ntk_row", "ntk_column"), "neural tangent kernel on the first training points, mean over outputs"),
    "ntk_layers": (("layer", "ntk_row", "ntk_column"), "each layer's term in ntk, first to readout"),
    "nngp": (("ntk_row", "ntk_column"), "covariance of the last hidden layer's features on the first training points"),
    "ntk_eigenvalues": (("mode",), "eigenvalues of ntk, descending"),
    "ntk_distance": ((), "distance of ntk from its start, relative, in the Frobenius norm"),
    "ntk_cka": ((), "centred kernel alignment of ntk with its start"),
    "parameter_movement": (("layer",), "distance of a layer's raw weights and biases from their start, relative"),
    "activation_movement": (("hidden_layer",), "rms distance of a layer's preactivations from their start, relative"),
    "ntk_alignment": ((), "alignment of ntk with the targets"),
    "layer_alignment": (("layer",), "alignment of each layer's term in ntk with the targets"),
    "linearised_distance": ((), "rms distance of f from the linearised network at the same weights, test points"),
    "linearised_train_loss": ((), "train_loss if the network were linear in its weights"),
    "linearised_test_loss": ((), "test_loss if the network were linear in its weights"),
    "regression_test_loss": ((), "test_loss of kernel regression with ntk at the start"),
    "sharpness": ((), "largest eigenvalue of the loss's Hessian, in units of 1/learning_rate"),
    "sharpness_residual": ((), "residual of that eigenvalue, which bounds the distance to the nearest one"),
    "hessian_trace": ((), "trace of the loss's Hessian, in units of 1/learning_rate"),
    "hessian_trace_stderr": ((), "standard error of that estimate"),
    "singular_values": (("layer", "rank"), "singular values of each layer's weights, descending, then NaN"),
    "tail_exponent": (("layer",), "power-law exponent of the density of a layer's squared singular values"),
    "test_loss_stderr": ((), "standard error of test_loss over the test points"),
    "expected_test_loss": ((), "test_loss expected of a new point"),
    "variance_loss": ((), "share of expected_test_loss that the mean of the outputs has"),
    "misalignment_loss": ((), "share of expected_test_loss that the quadratic modes have"),
    "linear_loss": ((), "share of expected_test_loss that the linear modes have"),
    "feature_alignment": ((), "cosine of the second moment of the weights with that of the target"),
    "weight_norm": ((), "Frobenius norm of the weights"),
    "test": ((), "mean squared error on new noisy targets, summed over outputs"),
    "train": ((), "mean squared error on the training targets, summed over outputs"),
    "kappa": ((), "effective ridge"),
    "learnability": (("mode",), "how much of each mode is learned, from 0 to 1"),
    "f_train_error": (("train_point", "output"), "standard error of the sampled f_train"),
    "f_test_error": (("test_point", "output"), "standard error of the sampled f_test"),
    "feature_kernels": (("layer", "ntk_row", "ntk_column"), "Phi^l, mean over units of phi(h^l) phi(h^l)"),
    "gradient_kernels": (("layer", "ntk_row", "ntk_column"), "G^l, mean over units and outputs of g^l g^l"),
    "variance": ((), "of the preactivations of a hidden layer, for inputs with |x|^2 = D"),
    "correlation": (("cosine",), "of the preactivations of two inputs, by the cosine of the inputs' angle"),
}


def labelled(
    variables: Mapping[str, Any], leading: tuple[str, ...], coordinates: Mapping[str, Any], **attributes: Any
) -> xr.Dataset:
    """Label arrays of known `variables`, whose first dimensions are `leading`."""
    arrays = {
        name: xr.DataArray(np.asarray(value), dims=(*leading, *VARIABLES[choice(name, "variable", VARIABLES)][0]))
        for name, value in variables.items()
    }
    result = xr.Dataset(arrays, coords=dict(coordinates), attrs=attributes)
    for name in arrays:
        result[name].attrs["long_name"] = VARIABLES[name][1]
    if "time" in result.coords:
        result["time"].attrs["long_name"] = "gradient-flow time, learning rate x steps"
    return result


def _as_path(path: Any) -> Path:
    """Return `path` as a `Path`."""
    if not isinstance(path, (str, os.PathLike)):
        raise ValueError(f"path must be a file name; got {type(path).__name__}. Give a string or a pathlib.Path.")
    return Path(path)


def save(result: xr.Dataset, path: str | Path) -> Path:
    """Write a result to a NetCDF file, with the spec that made it.

    Raises:
        ValueError: something that is not an xarray Dataset, or a path that is not one.
        OSError: a path that cannot be written.
    """
    if not isinstance(result, xr.Dataset):
        raise ValueError(f"Only an xarray Dataset can be saved; got {type(result).__name__}. Give what train returned.")
    path = _as_path(path)
    result.to_netcdf(path, engine="h5netcdf")
    return path


def load(path: str | Path) -> xr.Dataset:
    """Read a result that `save` wrote.

    Raises:
        ValueError: a file that is missing or is not NetCDF.
    """
    path = _as_path(path)
    try:
        return xr.load_dataset(path, engine="h5netcdf")
    except OSError as error:
        raise ValueError(
            f"A result is read from a NetCDF file; got {path}: {error}. Give a file that save wrote."
        ) from None
