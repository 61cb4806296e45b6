"""lazyrich: training dynamics of wide neural networks, from the lazy to the rich regime.

The scikit-learn objects stand apart, in `lazyrich.estimators`, as they import more of scikit-learn.
"""

from ._version import __version__ as __version__
from .activations import Activation as Activation
from .activations import activation as activation
from .data import Dataset as Dataset
from .data import load_data as load_data
from .diagnostics import kernel_distance as kernel_distance
from .diagnostics import target_alignment as target_alignment
from .dynamics import LinearDynamics as LinearDynamics
from .dynamics import mean_field as mean_field
from .dynamics import train as train
from .dynamics import train_stream as train_stream
from .experiment import DataSpec as DataSpec
from .experiment import Experiment as Experiment
from .experiment import TrainingSpec as TrainingSpec
from .kernels import Kernels as Kernels
from .kernels import angular_kernels as angular_kernels
from .kernels import empirical_ntk as empirical_ntk
from .kernels import function_ntk as function_ntk
from .kernels import kernel_tiles as kernel_tiles
from .kernels import kernels_by_depth as kernels_by_depth
from .kernels import load_kernel as load_kernel
from .kernels import load_tiled_kernel as load_tiled_kernel
from .kernels import nngp as nngp
from .kernels import nngp_and_ntk as nngp_and_ntk
from .kernels import ntk as ntk
from .kernels import ntk_by_layer as ntk_by_layer
from .kernels import save_kernel as save_kernel
from .kernels import tiled_kernel as tiled_kernel
from .mlp import Params as Params
from .mlp import apply as apply
from .mlp import init as init
from .networks import Network as Network
from .parametrizations import ABC as ABC
from .parametrizations import Verdict as Verdict
from .parametrizations import abc as abc
from .parametrizations import classify as classify
from .results import load as load
from .results import save as save
from .spectra import Conditioning as Conditioning
from .spectra import Eigensystem as Eigensystem
from .spectra import PowerLaw as PowerLaw
from .spectra import Solution as Solution
from .spectra import TopEigenpairs as TopEigenpairs
from .spectra import conditioning as conditioning
from .spectra import eigensystem as eigensystem
from .spectra import fit_power_law as fit_power_law
from .spectra import solve as solve
from .spectra import top_eigenpairs as top_eigenpairs
from .theory import LogMarginalLikelihood as LogMarginalLikelihood
from .theory import Risk as Risk
from .theory import kernel_regression_risk as kernel_regression_risk
from .theory import log_marginal_likelihood as log_marginal_likelihood
from .theory import random_feature_risk as random_feature_risk
