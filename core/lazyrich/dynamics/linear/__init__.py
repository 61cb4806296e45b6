"""Training of infinitely wide networks with the squared loss: a linear ODE, solved in the kernel's eigenbasis."""

from .initial import expected_losses as expected_losses
from .initial import initial_covariance as initial_covariance
from .linear_dynamics import LinearDynamics as LinearDynamics
