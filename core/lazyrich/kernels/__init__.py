"""Kernels: infinite-width ones in closed form, empirical ones of finite networks."""

from .empirical import empirical_ntk as empirical_ntk
from .files import load_kernel as load_kernel
from .files import save_kernel as save_kernel
from .infinite import Kernels as Kernels
from .infinite import nngp as nngp
from .infinite import nngp_and_ntk as nngp_and_ntk
from .infinite import ntk as ntk
