"""Whether weights fit a network, where there are no points to tell the input dimension."""

from .._checks import of_type
from ..mlp import Params
from ..networks import Network


def fitting(net: Network, params: Params, name: str = "params") -> int:
    """Return the input dimension of `params`, once they fit `net`."""
    of_type(net, "net", Network)
    of_type(params, name, Params, "Draw them with lazyrich.init.")
    want, got = (net.width, net.depth), (len(params.first), len(params.biases))
    if got != want:
        raise ValueError(
            f"{name} must have the (width, depth) of net, {want}; got {got}. Draw them with init(net, ...)."
        )
    return params.first.shape[1]


def fitting_pair(net: Network, params: Params, start: Params) -> int:
    """Return the input dimension of `params` and `start`, once both fit `net` and one another."""
    in_dim = fitting(net, params)
    fitting(net, start, "start")
    want, got = ((p.first.shape[1], len(p.readout)) for p in (params, start))
    if got != want:
        raise ValueError(
            f"start must have the (in_dim, out_dim) of params, {want}; got {got}. Give the weights training began with."
        )
    return in_dim
