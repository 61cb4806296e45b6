"""Data sets: real ones that need no network, synthetic ones with known structure, and the user's own arrays."""

from .dataset import Dataset as Dataset
from .load import load_data as load_data
from .makers import MAKERS as MAKERS
