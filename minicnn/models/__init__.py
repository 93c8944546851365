"""Models: layers put together, and trained."""

from ..layers.base import registry
from .files import clone_model, load_model, model_from_json, save_model
from .functional import Functional, Model
from .sequential import Sequential

registry.entries |= {"Functional": Functional, "Model": Functional, "Sequential": Sequential}

__all__ = ["Functional", "Model", "Sequential", "clone_model", "load_model", "model_from_json", "save_model"]
