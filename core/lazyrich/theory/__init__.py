"""Theory: predictions that need no training, only a spectrum."""

from .learning_curves import Risk as Risk
from .learning_curves import kernel_regression_risk as kernel_regression_risk
from .random_features import random_feature_risk as random_feature_risk
