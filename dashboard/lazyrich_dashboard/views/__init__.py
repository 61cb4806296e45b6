"""Views: one file a question."""

from .base import View as View
from .function_space import FunctionSpaceView as FunctionSpaceView
from .lazy_rich import KernelMovementView as KernelMovementView
from .spectrum import SpectrumView as SpectrumView
from .training import TrainingView as TrainingView
