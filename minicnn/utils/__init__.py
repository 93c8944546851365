"""Tools for models: one-hot labels, seeds, images, and a check of gradients.

gradient_check   compares `backward` with measured slopes     plot_model   a model as boxes and arrows
to_categorical   labels as one-hot rows                       normalize    arrays of norm 1
get_file         a file, downloaded once                      progbar      the progress of one's own loop
"""

from importlib import import_module as _import_module

from ..config import set_random_seed
from ..layers.names import clear_session
from ..models.batches import PyDataset
from ..registry import custom_object_scope, missing_name, register_keras_serializable
from .get_file import get_file
from .gradient_check import gradient_check
from .normalize import normalize
from .plot_model import plot_model
from .progbar import Progbar
from .to_categorical import to_categorical

CustomObjectScope = custom_object_scope
Sequence = PyDataset


_PICTURES = ("array_to_img", "image_dataset_from_directory", "img_to_array", "load_img", "save_img", "split_dataset")


def __getattr__(name):
    if name in _PICTURES:  # minicnn.preprocessing is imported at its first use
        places = {"image_dataset_from_directory": "preprocessing", "split_dataset": "preprocessing.split"}
        place = places.get(name, "preprocessing.image")
        return getattr(_import_module(f"minicnn.{place}"), name)
    raise missing_name(__name__, name)


__all__ = [
    "CustomObjectScope", "Progbar", "PyDataset", "Sequence", "array_to_img", "clear_session", "custom_object_scope",
    "get_file",
    "gradient_check", "image_dataset_from_directory", "img_to_array", "load_img", "normalize", "plot_model",
    "register_keras_serializable", "save_img", "set_random_seed", "split_dataset", "to_categorical",
]  # fmt: skip
