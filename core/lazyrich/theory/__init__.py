"""Theory: predictions that need no training, only a spectrum; and, beside them, regressions that measure the same."""

from .labelled_curves import learning_curve as learning_curve
from .learning_curves import kernel_regression_risk as kernel_regression_risk
from .marginal_likelihood import LogMarginalLikelihood as LogMarginalLikelihood
from .marginal_likelihood import log_marginal_likelihood as log_marginal_likelihood
from .measured_features import gaussian_features as gaussian_features
from .measured_features import measured_random_feature_risk as measured_random_feature_risk
from .measured_features import network_features as network_features
from .measured_kernels import measured_kernel_risk as measured_kernel_risk
from .optimal_fit import optimal_fitting_ratio as optimal_fitting_ratio
from .optimal_fit import optimal_ridge as optimal_ridge
from .pool import PoolSpectrum as PoolSpectrum
from .pool import held_out_risk as held_out_risk
from .pool import spectrum_from_gram as spectrum_from_gram
from .random_features import random_feature_risk as random_feature_risk
from .risk import Risk as Risk
