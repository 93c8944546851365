"""Tools around models: one-hot labels, seeds, and a check of gradients."""

from ..config import set_random_seed
from ..layers.base import clear_session
from ..models.batches import PyDataset
from ..registry import custom_object_scope, missing_name, register_keras_serializable
from .gradient_check import gradient_check
from .normalize import normalize
from .plot_model import plot_model
from .to_categorical import to_categorical

CustomObjectScope = custom_object_scope
Sequence = PyDataset


def __getattr__(name):
    raise missing_name(__name__, name)


__all__ = [
    "CustomObjectScope", "PyDataset", "Sequence", "clear_session", "custom_object_scope", "gradient_check", "normalize",
    "plot_model", "register_keras_serializable", "set_random_seed", "to_categorical",
]  # fmt: skip
