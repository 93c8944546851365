"""From files of pictures to batches."""

from ..registry import missing_name
from . import image
from .image_dataset import image_dataset_from_directory


def __getattr__(name):
    raise missing_name(__name__, name)


__all__ = ["image", "image_dataset_from_directory"]
