"""Training dynamics: closed forms at infinite width, and finite networks."""

from .coordinate_check import coordinate_check as coordinate_check
from .deep_mean_field import deep_mean_field as deep_mean_field
from .grokking import GrokkingSpec as GrokkingSpec
from .grokking import grokking as grokking
from .grokking import linearised_grokking as linearised_grokking
from .linear import LinearDynamics as LinearDynamics
from .linear import expected_losses as expected_losses
from .linear import initial_covariance as initial_covariance
from .linearised import LinearisedTraining as LinearisedTraining
from .losses import loss_dynamics as loss_dynamics
from .mean_field import mean_field as mean_field
from .minibatch import minibatch_dynamics as minibatch_dynamics
from .minibatch_stability import max_minibatch_learning_rate as max_minibatch_learning_rate
from .training import train as train
from .training import train_stream as train_stream
