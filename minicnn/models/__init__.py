"""Models: layers put together, and trained."""

from .functional import Functional, Model
from .sequential import Sequential

__all__ = ["Functional", "Model", "Sequential"]
