"""Theory: predictions that need no training, only a spectrum."""

from .learning_curves import kernel_regression_risk as kernel_regression_risk
from .marginal_likelihood import LogMarginalLikelihood as LogMarginalLikelihood
from .marginal_likelihood import log_marginal_likelihood as log_marginal_likelihood
from .random_features import random_feature_risk as random_feature_risk
from .risk import Risk as Risk
