"""Training dynamics: closed forms at infinite width, and finite networks."""

from .linear import LinearDynamics as LinearDynamics
from .training import train as train
from .training import train_stream as train_stream
