"""Training finite networks by gradient descent, several seeds at once."""

from .training import train as train
from .training import train_stream as train_stream
