"""Kernels as NetCDF files that know what they are of: reading one for another network or other points is refused."""

import dataclasses
import hashlib
import json
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from .._checks import as_matrix, as_points, choice, of_type
from ..networks import Network
from ..results import _as_path

KINDS = ("nngp", "ntk")
_NO_SPEC = "A kernel is read from a NetCDF file that save_kernel wrote; got {}. Give such a file."


def _digest(x: np.ndarray) -> str:
    """Return a digest of points: of their shape and their float64 numbers, on any machine."""
    numbers = np.ascontiguousarray(x + 0.0, dtype="<f8")  # -0.0 is 0.0
    return hashlib.sha256(repr(x.shape).encode() + numbers.tobytes()).hexdigest()


def _spec(net: Network, x1: np.ndarray, x2: np.ndarray, kind: str) -> str:
    """Return all that the kernel depends on as canonical JSON."""
    network = {field.name: getattr(net, field.name) for field in dataclasses.fields(Network)}
    if net.phi.own:
        raise ValueError(
            f"An activation must have a name of its own for its kernels to be filed; got the function {net.phi.name}. "
            "Save the array itself with numpy.save."
        )
    network["activation"] = {"name": net.phi.name, **dict(net.phi.parameters)}
    points = {name: {"shape": x.shape, "sha256": _digest(x)} for name, x in (("x1", x1), ("x2", x2))}
    return json.dumps({"kind": kind, "network": network, **points}, sort_keys=True, separators=(",", ":"))


def _checked(net: Any, x1: Any, x2: Any, kind: Any) -> tuple[Network, np.ndarray, np.ndarray, str]:
    of_type(net, "net", Network)
    x1 = as_points(x1, "x1")
    return net, x1, x1 if x2 is None else as_points(x2, "x2"), choice(kind, "kind", KINDS)


def save_kernel(kernel: Any, path: str | Path, net: Network, x1: Any, x2: Any = None, *, kind: str = "ntk") -> Path:
    """Write a kernel to a NetCDF file, with the spec that made it.

    The file appears under its name when it is complete: a write that is killed leaves what was there before.

    Args:
        kernel: K(x1, x2), (n1, n2); float32 stays float32.
        path: the file's name.
        net: the network it was computed for.
        x1: points, (n1, D).
        x2: points, (n2, D); `None` means `x1`.
        kind: nngp or ntk.

    Raises:
        ValueError: a kernel that has not the shape (n1, n2) or is not finite, or a path that is not one.
        OSError: a path that cannot be written.
    """
    net, x1, x2, kind = _checked(net, x1, x2, kind)
    matrix = as_matrix(kernel, "kernel", (len(x1), len(x2)))
    if getattr(kernel, "dtype", None) == np.float32:
        matrix = np.asarray(kernel)
    path = _as_path(path)
    spec = _spec(net, x1, x2, kind)
    dataset = xr.Dataset({kind: (("x1_point", "x2_point"), matrix)}, attrs={"spec": spec})
    # In the same folder, as a file can be renamed in one step only within its file system.
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        dataset.to_netcdf(draft, engine="h5netcdf")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path


def load_kernel(path: str | Path, net: Network, x1: Any, x2: Any = None, *, kind: str = "ntk") -> np.ndarray:
    """Read a kernel that `save_kernel` wrote, if it is that of this network and these points.

    Args:
        path: the file's name.
        net: the network.
        x1: points, (n1, D).
        x2: points, (n2, D); `None` means `x1`.
        kind: nngp or ntk.

    Returns:
        K(x1, x2), (n1, n2), in the precision it was saved in.

    Raises:
        ValueError: a file that is missing, is no kernel's, or is the kernel of something else, with both specs.
    """
    want = _spec(*_checked(net, x1, x2, kind))
    path = _as_path(path)
    try:
        dataset = xr.load_dataset(path, engine="h5netcdf")
    except OSError as error:
        raise ValueError(_NO_SPEC.format(f"{path}: {error}")) from None
    if "spec" not in dataset.attrs:
        raise ValueError(_NO_SPEC.format(f"{path}, which carries no spec"))
    if dataset.attrs["spec"] != want:
        raise ValueError(
            f"The spec of {path} must be the one asked for, {want}; got {dataset.attrs['spec']}. "
            "Compute the kernel anew, or give the network and the points that it was saved with."
        )
    return dataset[kind].values
