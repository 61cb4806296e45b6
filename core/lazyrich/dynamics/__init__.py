"""Training dynamics: closed forms at infinite width, and finite networks."""

from .deep_mean_field import deep_mean_field as deep_mean_field
from .linear import LinearDynamics as LinearDynamics
from .mean_field import mean_field as mean_field
from .training import train as train
from .training import train_stream as train_stream
