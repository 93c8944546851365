"""Optimizers as Keras names them."""

from . import schedules
from .adam import Adam, AdamW
from .base import Optimizer, get, registry
from .rmsprop import RMSprop
from .sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "RMSprop", "get", "registry", "schedules"]
