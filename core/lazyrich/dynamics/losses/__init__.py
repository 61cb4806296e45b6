"""Training of infinitely wide networks with any loss: an ODE in function space, solved step by step."""

from .loss_dynamics import loss_dynamics as loss_dynamics
