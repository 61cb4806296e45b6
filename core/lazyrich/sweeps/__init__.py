"""Sweeps over fields of an experiment, and some that are asked for often."""

from .kernel_movement import kernel_movement as kernel_movement
from .learning_rate_transfer import learning_rate_transfer as learning_rate_transfer
from .sharpness import sharpness as sharpness
from .sweep import sweep as sweep
