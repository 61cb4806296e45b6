"""Whether weights fit a network, where there are no points to tell the input dimension."""

from .._checks import of_type
from ..mlp import Params
from ..networks import Network


def fitting(net: Network, params: Params, start: Params | None = None) -> int:
    """Return the input dimension of `params`, once they fit `net` and, if it is given, `start`."""
    of_type(net, "net", Network)
    for name, weights in (("params", params), ("start", params if start is None else start)):
        of_type(weights, name, Params, "Draw them with lazyrich.init.")
        want, got = (net.width, net.depth), (len(weights.first), len(weights.biases))
        if got != want:
            raise ValueError(
                f"{name} must have the (width, depth) of net, {want}; got {got}. Draw them with init(net, ...)."
            )
    if start is not None and (start.first.shape, start.readout.shape) != (params.first.shape, params.readout.shape):
        raise ValueError(
            f"start must have the shapes of params, {params.first.shape} and {params.readout.shape} in the first and "
            f"the last layer; got {start.first.shape} and {start.readout.shape}. Give the weights training began with."
        )
    return params.first.shape[1]
