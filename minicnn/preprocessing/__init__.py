"""From image files to batches.

image                  Keras's names for the files below        pictures   images in files and as arrays
image_dataset          image_dataset_from_directory             folders    the list of images in a folder
dataset                data sets that chain: map, batch, ...    split      split_dataset
image_data_generator   ImageDataGenerator                       affine     one image turned, shifted, zoomed
iterators              batches of images, made in threads
data_frame_iterator    the same for files that a table lists
"""

from ..registry import missing_name
from . import image
from .image_dataset import image_dataset_from_directory


def __getattr__(name):
    raise missing_name(__name__, name)


__all__ = ["image", "image_dataset_from_directory"]
