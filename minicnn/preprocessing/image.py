"""Images and image generators, under Keras's module name: `keras.preprocessing.image`."""

from ..registry import missing_name
from .affine import apply_affine_transform
from .data_frame_iterator import DataFrameIterator
from .image_data_generator import ImageDataGenerator, apply_brightness_shift, apply_channel_shift
from .iterators import DirectoryIterator, Iterator, NumpyArrayIterator
from .pictures import array_to_img, img_to_array, load_img, save_img, smart_resize


def __getattr__(name):
    raise missing_name(__name__, name)


__all__ = [
    "DataFrameIterator", "DirectoryIterator", "ImageDataGenerator", "Iterator", "NumpyArrayIterator",
    "apply_affine_transform", "apply_brightness_shift", "apply_channel_shift", "array_to_img", "img_to_array",
    "load_img", "save_img", "smart_resize",
]  # fmt: skip
