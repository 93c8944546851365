"""Optimizers as Keras names them."""

from .adam import Adam, AdamW
from .base import Optimizer, get
from .rmsprop import RMSprop
from .sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "RMSprop", "get"]
