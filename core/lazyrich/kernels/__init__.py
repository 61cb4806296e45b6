"""Kernels: infinite-width ones in closed form, empirical ones of finite networks, large ones in tiles."""

from .empirical import empirical_ntk as empirical_ntk
from .infinite import Kernels as Kernels
from .infinite import nngp as nngp
from .infinite import nngp_and_ntk as nngp_and_ntk
from .infinite import ntk as ntk
from .tile_files import load_tiled_kernel as load_tiled_kernel
from .tiled import kernel_tiles as kernel_tiles
from .tiled import tiled_kernel as tiled_kernel
