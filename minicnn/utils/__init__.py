"""Tools for models: one-hot labels, seeds, images, and a check of gradients.

gradient_check   compares `backward` with measured slopes     plot_model   a model as boxes and arrows
to_categorical   labels as one-hot rows                       normalize    arrays of norm 1
get_file         a file, downloaded once                      progbar      the progress of one's own loop
"""

from importlib import import_module as _import_module

from ..config import set_random_seed
from ..layers.names import clear_session
from ..models.batches import PyDataset
from ..registry import (
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    missing_name,
    register_keras_serializable,
)
from .get_file import get_file
from .gradient_check import gradient_check
from .normalize import normalize
from .plot_model import plot_model
from .progbar import Progbar
from .to_categorical import to_categorical

CustomObjectScope = custom_object_scope
Sequence = PyDataset


_LATER = {  # {name: the module, which is imported at its first use}
    "array_to_img": "preprocessing.image",
    "deserialize_keras_object": "saving",
    "image_dataset_from_directory": "preprocessing",
    "img_to_array": "preprocessing.image",
    "load_img": "preprocessing.image",
    "save_img": "preprocessing.image",
    "serialize_keras_object": "saving",
    "split_dataset": "preprocessing.split",
}


def __getattr__(name):
    if name in _LATER:
        return getattr(_import_module(f"minicnn.{_LATER[name]}"), name)
    raise missing_name(__name__, name)


__all__ = [
    "CustomObjectScope", "Progbar", "PyDataset", "Sequence", "array_to_img", "clear_session", "custom_object_scope",
    "deserialize_keras_object", "get_custom_objects", "get_file", "get_registered_name", "get_registered_object",
    "gradient_check", "image_dataset_from_directory", "img_to_array", "load_img", "normalize", "plot_model",
    "register_keras_serializable", "save_img", "serialize_keras_object", "set_random_seed", "split_dataset",
    "to_categorical",
]  # fmt: skip
