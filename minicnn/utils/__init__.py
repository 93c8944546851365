"""Tools around models: one-hot labels, seeds, and a check of gradients."""

from ..config import set_random_seed
from ..layers.base import clear_session
from ..registry import custom_object_scope, register_keras_serializable
from .gradient_check import gradient_check
from .plot_model import plot_model
from .to_categorical import to_categorical

CustomObjectScope = custom_object_scope

__all__ = [
    "CustomObjectScope", "clear_session", "custom_object_scope", "gradient_check", "plot_model",
    "register_keras_serializable", "set_random_seed", "to_categorical",
]  # fmt: skip
