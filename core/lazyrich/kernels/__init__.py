"""Kernels: infinite-width ones in closed form, empirical ones of finite networks."""

from .empirical import empirical_ntk as empirical_ntk
from .function_ntk import function_ntk as function_ntk
from .infinite import Kernels as Kernels
from .infinite import nngp as nngp
from .infinite import nngp_and_ntk as nngp_and_ntk
from .infinite import ntk as ntk
