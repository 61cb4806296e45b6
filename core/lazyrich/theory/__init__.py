"""Theory: predictions that need no training, only a spectrum."""

from .high_dimensional import HighDimensionalErrors as HighDimensionalErrors
from .high_dimensional import best_stopping_time as best_stopping_time
from .high_dimensional import high_dimensional_errors as high_dimensional_errors
from .high_dimensional import mode_stopping_time as mode_stopping_time
from .learning_curves import Risk as Risk
from .learning_curves import kernel_regression_risk as kernel_regression_risk
from .marchenko_pastur import marchenko_pastur_density as marchenko_pastur_density
from .marginal_likelihood import LogMarginalLikelihood as LogMarginalLikelihood
from .marginal_likelihood import log_marginal_likelihood as log_marginal_likelihood
from .random_features import random_feature_risk as random_feature_risk
from .self_distillation import Distillation as Distillation
from .self_distillation import self_distillation as self_distillation
