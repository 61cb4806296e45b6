"""Training of infinitely wide networks with the squared loss: a linear ODE, solved in the kernel's eigenbasis."""

from .linear_dynamics import LinearDynamics as LinearDynamics
