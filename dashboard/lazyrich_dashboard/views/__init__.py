"""Views: one file a question. `PAGES` says which stand together: their columns, from left to right."""

from .base import AbstractView as AbstractView
from .base import View as View
from .function_space import FunctionSpaceView as FunctionSpaceView
from .lazy_rich import KernelMovementView as KernelMovementView
from .spectrum import SpectrumView as SpectrumView
from .training import TrainingView as TrainingView

PAGES: dict[str, tuple[tuple[type[AbstractView], ...], ...]] = {
    "Dynamics": ((SpectrumView, FunctionSpaceView), (TrainingView, KernelMovementView)),
}
