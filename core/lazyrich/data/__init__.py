"""Data sets: real ones that need no network, synthetic ones with known structure, and the user's own arrays."""

from .dataset import Dataset as Dataset
from .files import MOST_BYTES as MOST_BYTES
from .held import hold as hold
from .load import largest_sizes as largest_sizes
from .load import load_data as load_data
from .load import load_spec as load_spec
from .makers import MAKERS as MAKERS
from .openml import FETCHED as FETCHED
from .openml import check_is_here as check_is_here
from .openml import download as download
from .own_points import X_RANGE as X_RANGE
from .own_points import Y_RANGE as Y_RANGE
from .own_points import as_text as as_text
from .own_points import pairs_of as pairs_of
from .plane import PlaneGrid as PlaneGrid
from .plane import plane_grid as plane_grid
from .spec import NAMES as NAMES
from .spec import OPTIONS as OPTIONS
from .spec import DataSpec as DataSpec
