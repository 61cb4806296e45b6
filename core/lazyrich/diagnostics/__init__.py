"""Diagnostics: how far a network and its kernel have moved, and how sharp its loss is.

Matrices on the same points are compared by `kernels`, weights and activations by `movement`, a network with its own
linearisation by `linearised`; `sharpness` is of the Hessian, `weights` and `tails` are of single layers.
"""

from .kernels import centred_kernel_alignment as centred_kernel_alignment
from .kernels import kernel_distance as kernel_distance
from .kernels import target_alignment as target_alignment
from .linearised import distance_to_linearised as distance_to_linearised
from .linearised import linearised_output as linearised_output
from .movement import ActivationMovement as ActivationMovement
from .movement import ParameterMovement as ParameterMovement
from .movement import activation_movement as activation_movement
from .movement import parameter_movement as parameter_movement
from .sharpness import HessianTrace as HessianTrace
from .sharpness import Sharpness as Sharpness
from .sharpness import hessian_trace as hessian_trace
from .sharpness import sharpness as sharpness
from .tails import PowerLawTail as PowerLawTail
from .tails import fit_power_law_tail as fit_power_law_tail
from .weights import LayerSpectrum as LayerSpectrum
from .weights import weight_spectra as weight_spectra
