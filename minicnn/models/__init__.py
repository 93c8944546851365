"""Models: layers put together, and trained."""

from ..layers.base import registry
from ..registry import missing_name
from .files import clone_model, load_model, model_from_json, save_model
from .functional import Functional, Model
from .sequential import Sequential

registry.entries |= {"Functional": Functional, "Model": Functional, "Sequential": Sequential}


def __getattr__(name):
    raise missing_name(__name__, name)


__all__ = ["Functional", "Model", "Sequential", "clone_model", "load_model", "model_from_json", "save_model"]
