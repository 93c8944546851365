"""Tools around models: one-hot labels, seeds, and a check of gradients."""

from ..config import set_random_seed
from ..layers.base import clear_session
from .gradient_check import gradient_check
from .to_categorical import to_categorical

__all__ = ["clear_session", "gradient_check", "set_random_seed", "to_categorical"]
