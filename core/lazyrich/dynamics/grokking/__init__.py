"""Grokking as the passage from lazy to rich, in a polynomial regression."""

from .grokking import grokking as grokking
from .linearised import linearised_grokking as linearised_grokking
from .spec import GrokkingSpec as GrokkingSpec
