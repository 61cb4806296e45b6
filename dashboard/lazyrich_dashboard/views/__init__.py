"""Views: one file a question. `PAGES` says which stand together: their columns, from left to right."""

from .abc_map import AbcMapView as AbcMapView
from .alignment import AlignmentView as AlignmentView
from .alignment import StartAlignmentView as StartAlignmentView
from .base import AbstractView as AbstractView
from .base import View as View
from .chosen import OverTimeView as OverTimeView
from .chosen import SweepView as SweepView
from .depth import CorrelationView as CorrelationView
from .depth import VarianceView as VarianceView
from .function_space import FunctionSpaceView as FunctionSpaceView
from .kernel import AngleView as AngleView
from .kernel import KernelMatrixView as KernelMatrixView
from .lazy_rich import KernelMovementView as KernelMovementView
from .learning_curves import LearningCurvesView as LearningCurvesView
from .plane import PlaneView as PlaneView
from .sharpness import SharpnessView as SharpnessView
from .spectrum import SpectrumView as SpectrumView
from .sweep import AgainstRichnessView as AgainstRichnessView
from .sweep import AgainstWidthView as AgainstWidthView
from .training import TrainingView as TrainingView

PAGES: dict[str, tuple[tuple[type[AbstractView], ...], ...]] = {
    "Dynamics": ((SpectrumView, FunctionSpaceView), (TrainingView, KernelMovementView)),
    "Lazy to rich": ((AbcMapView,), (OverTimeView, SweepView)),
    "Kernel": ((KernelMatrixView,), (AngleView,)),
    "Depth": ((PlaneView,), (VarianceView, CorrelationView)),
    "Learning curves": ((LearningCurvesView,),),
}
