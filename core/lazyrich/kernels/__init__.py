"""Kernels: infinite-width ones in closed form, empirical ones of finite networks, large ones in tiles."""

from .empirical import empirical_ntk as empirical_ntk
from .features import empirical_nngp as empirical_nngp
from .files import load_kernel as load_kernel
from .files import save_kernel as save_kernel
from .function_ntk import function_ntk as function_ntk
from .infinite import Kernels as Kernels
from .infinite import angular_kernels as angular_kernels
from .infinite import kernels_by_depth as kernels_by_depth
from .infinite import nngp as nngp
from .infinite import nngp_and_ntk as nngp_and_ntk
from .infinite import ntk as ntk
from .infinite import ntk_by_layer as ntk_by_layer
from .tile_files import load_tiled_kernel as load_tiled_kernel
from .tiled import kernel_tiles as kernel_tiles
from .tiled import tiled_kernel as tiled_kernel
