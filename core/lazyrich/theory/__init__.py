"""Theory: predictions that need no training, only a spectrum; and, beside them, regressions that measure the same."""

from .critical_point import CriticalPoint as CriticalPoint
from .critical_point import critical_point as critical_point
from .criticality import Criticality as Criticality
from .criticality import criticality as criticality
from .criticality import variances_with as variances_with
from .finite_width import fourth_moment_ratio as fourth_moment_ratio
from .finite_width import relu_fourth_moment_ratio as relu_fourth_moment_ratio
from .high_dimensional import HighDimensionalErrors as HighDimensionalErrors
from .high_dimensional import best_stopping_time as best_stopping_time
from .high_dimensional import high_dimensional_errors as high_dimensional_errors
from .high_dimensional import mode_stopping_time as mode_stopping_time
from .labelled_curves import learning_curve as learning_curve
from .learning_curves import kernel_regression_risk as kernel_regression_risk
from .marchenko_pastur import marchenko_pastur_density as marchenko_pastur_density
from .marginal_likelihood import LogMarginalLikelihood as LogMarginalLikelihood
from .marginal_likelihood import log_marginal_likelihood as log_marginal_likelihood
from .measured_features import gaussian_features as gaussian_features
from .measured_features import measured_random_feature_risk as measured_random_feature_risk
from .measured_features import network_features as network_features
from .measured_high_dimensional import (
    measured_high_dimensional_errors as measured_high_dimensional_errors,
)
from .measured_kernels import measured_kernel_risk as measured_kernel_risk
from .measured_spectrum import measured_spectrum_risk as measured_spectrum_risk
from .optimal_fit import optimal_fitting_ratio as optimal_fitting_ratio
from .optimal_fit import optimal_ridge as optimal_ridge
from .pool import PoolSpectrum as PoolSpectrum
from .pool import held_out_risk as held_out_risk
from .pool import spectrum_from_gram as spectrum_from_gram
from .random_features import random_feature_risk as random_feature_risk
from .risk import Risk as Risk
from .self_distillation import Distillation as Distillation
from .self_distillation import self_distillation as self_distillation
from .signal_propagation import measured_signal_propagation as measured_signal_propagation
from .signal_propagation import signal_propagation as signal_propagation
