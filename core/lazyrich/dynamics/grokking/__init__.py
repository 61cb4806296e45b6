"""Grokking as the passage from lazy to rich, in a polynomial regression."""

from .grokking import grokking as grokking
from .spec import GrokkingSpec as GrokkingSpec
