"""Training dynamics: closed forms at infinite width, and finite networks."""

from .linear import LinearDynamics as LinearDynamics
from .loss_dynamics import loss_dynamics as loss_dynamics
from .mean_field import mean_field as mean_field
from .training import train as train
from .training import train_stream as train_stream
